# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An object that breaks stays one object, and two objects stay two."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.config import TrackingConfig
from metricseg_ros.structures import Instances
from metricseg_ros.tracking import Tracker
from metricseg_ros.tracking.parts import to_largest_parts
from metricseg_ros.tracking.track import DOUBT, ESTABLISHED, new_track, PATIENCE
import numpy as np
import pytest

Thing = tuple[int, int, float]
"""Left and right side and embedding of a thing 10 pixels high."""
WHOLE = (0, 20, 0.0)
NEAR, FAR = 0.9, 1.5
"""Embeddings: similarities to 0 are 0.62, enough where parts are expected, and 0.19."""


def things(*chosen: Thing) -> Instances:
    """
    Draw rectangles, the best first.

    :param chosen: the rectangles.
    :return: the instances, numbered from 1; scores fall from 0.9 and class ids count from 1.
    """
    count = len(chosen)
    boxes = np.array([(left, 5, right, 15) for left, right, _ in chosen], np.int32).reshape(-1, 4)
    return Instances(
        image_size=(20, 200), ids=np.arange(1, count + 1, dtype=np.uint16),
        class_ids=np.arange(1, count + 1, dtype=np.uint16),
        scores=0.9 - 0.1 * np.arange(count, dtype=np.float32), boxes=boxes,
        crops=tuple(np.ones((10, right - left), bool) for left, right, _ in chosen),
        seeds=boxes[:, 1::-1], similarity_thresholds=np.ones(count, np.float32),
        embeddings=np.array([[value] for *_, value in chosen], np.float32).reshape(count, 1))


def ids(tracker: Tracker, *chosen: Thing) -> list[int]:
    return tracker.update(things(*chosen)).ids.tolist()


def test_parts_that_touch_and_are_similar_are_one_instance() -> None:
    found = Tracker().update(things((100, 120, 9.0), (0, 10, 0.0), (10, 40, 0.4)))
    np.testing.assert_array_equal(found.boxes, [(100, 5, 120, 15), (0, 5, 40, 15)])
    assert all(crop.all() for crop in found.crops)
    # Class and score are the better part's, the embedding is the mean over 100 and 300 pixels.
    assert found.class_ids.tolist() == [1, 2]
    np.testing.assert_allclose(found.scores, [0.9, 0.8])
    np.testing.assert_allclose(found.embeddings, [[9.0], [0.3]])
    assert found.ids.tolist() == [1, 2]
    assert (found.label_map[5:15, :40] == 2).all()


@pytest.mark.parametrize('second', [(10, 20, 0.8), (15, 25, 0.0)])
def test_parts_that_are_too_different_or_apart_are_two(second: Thing) -> None:
    assert ids(Tracker(), (0, 10, 0.0), second) == [1, 2]


def test_a_chain_of_similar_parts_is_one() -> None:
    assert ids(Tracker(), (0, 10, 0.0), (20, 30, 0.8), (10, 20, 0.4)) == [1]


def test_joining_can_be_switched_off() -> None:
    tracker = Tracker(TrackingConfig(enabled=True, join_similarity=1.0))
    ids(tracker, WHOLE)
    assert ids(tracker, (0, 10, 0.0), (10, 20, 0.0)) == [1, 2]


def test_an_object_that_breaks_is_put_together_where_it_should_be() -> None:
    tracker = Tracker()
    for left in (0, 4, 8):
        assert ids(tracker, (left, left + 20, 0.0)) == [1]
    found = tracker.update(things((12, 22, 0.0), (22, 32, NEAR)))
    assert found.ids.tolist() == [1]
    np.testing.assert_array_equal(found.boxes, [(12, 5, 32, 15)])
    assert ids(tracker, (16, 36, 0.0)) == [1]


def test_parts_are_not_put_together_elsewhere_nor_if_they_differ() -> None:
    tracker = Tracker()
    ids(tracker, WHOLE)
    assert len(ids(tracker, (100, 110, 0.0), (110, 120, NEAR))) == 2
    ids(tracker, WHOLE)
    assert len(ids(tracker, (0, 10, 0.0), (10, 20, FAR))) == 2


def test_an_object_beside_a_whole_one_is_left_alone() -> None:
    tracker = Tracker()
    ids(tracker, WHOLE, (20, 40, NEAR))
    assert ids(tracker, WHOLE, (20, 40, NEAR)) == [1, 2]


def test_two_that_are_one_mask_for_a_moment_are_two_at_once() -> None:
    tracker = Tracker()
    first, second = (0, 10, 0.0), (10, 20, NEAR)
    for _ in range(5):
        assert ids(tracker, first, second) == [1, 2]
    for _ in range(DOUBT):
        assert ids(tracker, WHOLE) in ([1], [2])
    assert ids(tracker, first, second) == [1, 2]


def test_two_that_are_one_mask_for_longer_are_soon_two_again() -> None:
    tracker = Tracker()
    first, second = (0, 10, 0.0), (10, 20, NEAR)
    for _ in range(5):
        assert ids(tracker, first, second) == [1, 2]
    for _ in range(DOUBT + 1):
        assert ids(tracker, WHOLE) in ([1], [2])
    counts = [len(ids(tracker, first, second)) for _ in range(PATIENCE + 2)]
    assert counts == [1] * (PATIENCE + 1) + [2]
    assert ids(tracker, first, second) == [1, 2]


def test_an_object_long_seen_whole_is_held_together_long() -> None:
    tracker = Tracker()
    for _ in range(10):
        ids(tracker, WHOLE)
    for _ in range(2 * PATIENCE):
        assert ids(tracker, (0, 10, 0.0), (10, 20, NEAR)) == [1]


def test_two_parts_that_part_for_good_get_two_ids() -> None:
    tracker = Tracker()
    for _ in range(5):
        ids(tracker, WHOLE)
    seen = [ids(tracker, (0, 10, 0.0), (10 + gap, 20 + gap, 0.0)) for gap in (0, 5, 10, 15)]
    assert seen[0] == [1]
    assert all(len(found) == 2 and 1 in found for found in seen[1:])
    assert seen[1] == seen[2] == seen[3]


def test_without_embeddings_nothing_is_joined() -> None:
    tracker = Tracker()
    bare = things((0, 10, 0.0), (10, 20, 0.0))
    object.__setattr__(bare, 'embeddings', None)
    assert tracker.update(bare).ids.tolist() == [1, 2]


def test_nothing_is_found_in_an_empty_image() -> None:
    tracker = Tracker()
    ids(tracker, WHOLE)
    assert ids(tracker) == []


@pytest.mark.parametrize('had', [None, 1])
def test_the_id_of_a_known_object_is_on_its_largest_part(had: int | None) -> None:
    known = replace(new_track(7, things(WHOLE), 0), seen=10)
    recent = new_track(8, things((8, 20, FAR)), 0)
    parts = things((0, 8, 0.0), (8, 20, FAR))
    row_of = {0: 0} if had is None else {0: 0, 1: had}
    moved = to_largest_parts(row_of, [known, recent], parts)
    assert moved == ({1: 0} if had is None else {1: 0, 0: had})


@pytest.mark.parametrize('parts', [
    pytest.param(((0, 10, 0.0), (10, 20, FAR)), id='none-larger'),
    pytest.param(((0, 8, 0.0), (40, 52, FAR)), id='elsewhere'),
    pytest.param(((0, 7, 0.0), (12, 20, FAR)), id='apart')])
def test_an_id_stays_where_no_larger_part_of_the_object_is(parts: tuple[Thing, Thing]) -> None:
    known = replace(new_track(7, things(WHOLE), 0), seen=10)
    assert to_largest_parts({0: 0}, [known], things(*parts)) == {0: 0}


def test_an_id_passes_to_no_object_known_itself() -> None:
    known = replace(new_track(7, things(WHOLE), 0), seen=10)
    other = replace(new_track(8, things((8, 20, FAR)), 0), seen=ESTABLISHED + 1)
    row_of = {0: 0, 1: 1}
    assert to_largest_parts(row_of, [known, other], things((0, 8, 0.0), (8, 20, FAR))) == row_of
