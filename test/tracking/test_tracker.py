# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects keep their ids while they move, cross and hide; nobody gets the id of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metricseg_ros.config import IGNORE_LABEL, TrackingConfig
from metricseg_ros.structures import Instances
from metricseg_ros.tracking import Tracker
from metricseg_ros.tracking.affinity import affinities, DRIFT, embedding_similarities
from metricseg_ros.tracking.assignment import assign
from metricseg_ros.tracking.overlap import mask_overlaps
from metricseg_ros.tracking.track import new_track, not_seen
import numpy as np
import pytest
import torch

SIZE = (60, 200)
RED, BLUE = (0.0, 0.0), (3.0, 0.0)  # Squared distance 9: similarity 0.0002.


def squares(*things: tuple[int, int, Sequence[float] | None]) -> Instances:
    """
    Draw squares of 10 x 10 pixels.

    :param things: left, top and embedding of each.
    :return: the instances, numbered from 1.
    """
    count = len(things)
    boxes = np.array([(left, top, left + 10, top + 10) for left, top, _ in things], np.int32)
    known = [embedding for _, _, embedding in things if embedding is not None]
    return Instances(
        image_size=SIZE, ids=np.arange(1, count + 1, dtype=np.uint16),
        class_ids=np.ones(count, np.uint16), scores=np.ones(count, np.float32),
        boxes=boxes.reshape(-1, 4), crops=(np.ones((10, 10), bool),) * count,
        seeds=boxes.reshape(-1, 4)[:, 1::-1], similarity_thresholds=np.ones(count, np.float32),
        embeddings=np.array(known, np.float32).reshape(count, 2) if len(known) == count else None)


def ids(tracker: Tracker, *things: tuple[int, int, Sequence[float] | None]) -> list[int]:
    return tracker.update(squares(*things)).ids.tolist()


def test_the_first_image_is_numbered_from_one_in_the_order_given() -> None:
    assert ids(Tracker(), (0, 0, RED), (50, 0, BLUE)) == [1, 2]


def test_an_object_is_known_by_its_embedding_wherever_it_comes_in_the_list() -> None:
    tracker = Tracker()
    ids(tracker, (0, 0, RED), (50, 0, BLUE))
    assert ids(tracker, (50, 0, BLUE), (2, 0, RED)) == [2, 1]


def test_objects_that_change_places_keep_their_ids() -> None:
    tracker = Tracker()
    ids(tracker, (0, 0, RED), (50, 0, BLUE))
    assert ids(tracker, (50, 0, RED), (0, 0, BLUE)) == [1, 2]


def test_an_object_that_jumps_farther_than_its_size_keeps_its_id() -> None:
    tracker = Tracker()
    assert [ids(tracker, (left, 0, RED)) for left in (0, 40, 80)] == [[1], [1], [1]]


def test_without_embeddings_the_moved_mask_decides() -> None:
    tracker = Tracker()
    # 8 pixels an image: masks overlap by an IoU of 20 / 180, moved masks by 1.
    assert ids(tracker, (0, 0, None)) == [1]
    assert ids(tracker, (3, 0, None)) == [1]
    assert ids(tracker, (6, 0, None)) == [1]
    assert ids(tracker, (30, 0, None)) == [2]


def test_of_equal_objects_each_is_the_one_where_it_should_be() -> None:
    tracker = Tracker()
    for step in range(5):
        assert ids(tracker, (4 * step, 0, RED), (100 - 4 * step, 0, RED)) == [1, 2]


def test_an_object_that_was_hidden_is_known_again() -> None:
    tracker = Tracker()
    for _ in range(6):
        ids(tracker, (0, 0, RED), (50, 0, BLUE))
    for _ in range(5):
        assert ids(tracker, (50, 0, BLUE)) == [2]
    assert ids(tracker, (50, 0, BLUE), (20, 0, RED)) == [2, 1]


@pytest.mark.parametrize(('hidden', 'expected'), [(3, 1), (4, 2)])
def test_memory_is_counted_in_images(hidden: int, expected: int) -> None:
    tracker = Tracker(TrackingConfig(enabled=True, memory=3))
    for _ in range(20):
        ids(tracker, (0, 0, RED))
    for _ in range(hidden):
        ids(tracker)
    assert ids(tracker, (0, 0, RED)) == [expected]


def test_what_was_seen_once_is_soon_forgotten() -> None:
    tracker = Tracker(TrackingConfig(enabled=True, memory=100))
    assert [ids(tracker, (0, 0, RED)), ids(tracker), ids(tracker)] == [[1], [], []]
    assert ids(tracker, (0, 0, RED)) == [2]


def test_the_id_of_a_vanished_object_is_not_given_again_soon() -> None:
    tracker = Tracker(TrackingConfig(enabled=True, memory=0))
    seen = [ids(tracker, (0, 0, (9.0 * step, 0.0)))[0] for step in range(500)]
    assert len(set(seen)) == 500


def test_ids_start_again_behind_the_last_and_leave_out_those_in_use() -> None:
    tracker = Tracker(TrackingConfig(enabled=True, memory=0))
    ids(tracker, (100, 0, RED))
    tracker._last_id = IGNORE_LABEL - 2
    assert ids(tracker, (100, 0, RED), (0, 0, BLUE)) == [1, IGNORE_LABEL - 1]
    assert ids(tracker, (100, 0, RED), (0, 0, (99.0, 0.0))) == [1, 2]


def test_an_instance_is_one_object_and_an_object_one_instance() -> None:
    tracker = Tracker(TrackingConfig(enabled=True, join_similarity=1.0))
    ids(tracker, (0, 0, RED), (1, 0, RED))
    found = ids(tracker, (0, 0, RED), (1, 0, RED), (2, 0, RED))
    assert sorted(found) == [1, 2, 3]


def test_all_but_the_ids_is_left_as_it_was() -> None:
    tracker = Tracker()
    tracker.update(squares((0, 0, RED)))
    given = squares((50, 0, BLUE))
    got = tracker.update(given)
    assert got.ids.dtype == np.uint16
    assert got.label_map[5, 55] == 2
    np.testing.assert_array_equal(got.boxes, given.boxes)


def test_switched_off_it_numbers_each_image_and_begins_anew_when_switched_on() -> None:
    tracker = Tracker()
    ids(tracker, (0, 0, RED), (50, 0, BLUE))
    tracker.config = TrackingConfig(enabled=False)
    assert ids(tracker, (50, 0, BLUE)) == [1]
    tracker.config = TrackingConfig(enabled=True)
    assert ids(tracker, (50, 0, BLUE)) == [3]


def test_after_a_reset_nothing_is_known_and_no_id_comes_twice() -> None:
    tracker = Tracker()
    ids(tracker, (0, 0, RED))
    tracker.reset()
    assert ids(tracker, (0, 0, RED)) == [2]


def test_overlap_is_the_iou_of_the_masks_and_the_share_inside() -> None:
    first, second = squares((0, 0, RED)), squares((5, 0, RED), (0, 5, RED), (10, 0, RED))
    track = new_track(1, first, 0)
    ious, inside = mask_overlaps([track.last], [track], second)
    np.testing.assert_allclose(ious, [[50 / 150, 50 / 150, 0]])
    np.testing.assert_allclose(inside, [[0.5, 0.5, 0]])


def test_overlap_knows_holes() -> None:
    ring = np.ones((10, 10), bool)
    ring[2:8, 2:8] = False
    track = new_track(1, replace(squares((0, 0, RED)), crops=(ring,)), 0)
    ious, inside = mask_overlaps([track.last], [track], squares((0, 0, RED)))
    np.testing.assert_allclose((ious, inside), [[[0.64]], [[0.64]]])


def test_similarity_is_that_of_the_method() -> None:
    track = new_track(1, squares((0, 0, (0.0, 0.0))), 0)
    similarities = embedding_similarities([track], squares((0, 0, (1.0, 0.0))))
    np.testing.assert_allclose(similarities, [[2 / (1 + np.e)]], rtol=1e-6)


def test_the_longer_an_object_was_hidden_the_less_its_distance_means() -> None:
    track = new_track(1, squares((0, 0, (0.0, 0.0))), 0)
    for _ in range(DRIFT):
        track = not_seen(track)
    similarities = embedding_similarities([track], squares((0, 0, (2.0, 0.0))))
    # Half the squared distance of 4 is left.
    np.testing.assert_allclose(similarities, [[2 / (1 + np.exp(2))]], rtol=1e-6)


def test_the_surest_pairs_are_made_first() -> None:
    affinities = np.array([[0.5, 0.9], [0.0, 0.8]])
    assert assign(affinities) == [(0, 1)]
    assert assign(np.zeros((0, 3))) == assign(np.zeros((2, 0))) == []


def test_tracking_keeps_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def counted(*given: object) -> np.ndarray:
        threads.append(torch.get_num_threads())
        return affinities(*given)
    monkeypatch.setattr('metricseg_ros.tracking.tracker.affinities', counted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        Tracker().update(squares((10, 10, RED)))
    finally:
        torch.set_num_threads(before)
    assert threads == [1]


def test_of_two_equally_like_objects_the_one_known_longer_is_preferred() -> None:
    seen = squares((10, 10, RED))
    short, long = new_track(1, seen, 0), replace(new_track(2, seen, 0), seen=20)
    likelihood = affinities([short, long], seen, TrackingConfig(enabled=True))
    assert likelihood.shape == (2, 1)
    assert 0 < likelihood[0, 0] < likelihood[1, 0] <= 1


def test_a_mask_that_is_two_things_for_a_moment_does_not_take_an_id_along() -> None:
    tracker = Tracker()
    for _ in range(5):
        assert ids(tracker, (10, 10, RED), (20, 10, BLUE)) == [1, 2]
    merged = replace(squares((10, 10, RED)), boxes=np.array([(10, 10, 30, 20)], np.int32),
                     crops=(np.ones((10, 20), bool),))
    assert tracker.update(merged).ids.tolist() == [1]
    assert ids(tracker, (20, 10, BLUE), (10, 10, RED)) == [2, 1]
