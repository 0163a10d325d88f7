# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects are known by their colours when nothing else is left to know them by."""

from __future__ import annotations

from metricseg_ros.config import TrackingConfig
from metricseg_ros.structures import Instances
from metricseg_ros.tracking import Tracker
from metricseg_ros.tracking.colours import BINS, colour_shares, colour_similarities
import numpy as np
import pytest

RED, GREEN, WHITE = (200, 30, 30), (30, 160, 30), (230, 230, 230)
Thing = tuple[int, tuple[int, int, int]]
"""Left side and colour of a square of 20 pixels."""


def seen(*things: Thing, light: float = 1.0, noise: float = 0.0) -> tuple[Instances, np.ndarray]:
    """
    Draw squares on grey, whose embedding tells nothing but their place.

    :param things: the squares.
    :param light: factor of all colours.
    :param noise: standard deviation, in grey levels.
    :return: the instances, and the image.
    """
    count = len(things)
    boxes = np.array([(left, 10, left + 20, 30) for left, _ in things], np.int32).reshape(-1, 4)
    image = np.full((40, 300, 3), 120.0)
    for left, colour in things:
        image[10:30, left:left + 20] = colour
    image = image * light + noise * np.random.default_rng(0).standard_normal(image.shape)
    return Instances(
        image_size=(40, 300), ids=np.arange(1, count + 1, dtype=np.uint16),
        class_ids=np.ones(count, np.uint16), scores=np.ones(count, np.float32), boxes=boxes,
        crops=(np.ones((20, 20), bool),) * count, seeds=boxes[:, 1::-1],
        similarity_thresholds=np.ones(count, np.float32),
        embeddings=boxes[:, :1].astype(np.float32) / 100), np.clip(image, 0, 255).astype(np.uint8)


def ids(tracker: Tracker, *things: Thing, light: float = 1.0) -> list[int]:
    return tracker.update(*seen(*things, light=light)).ids.tolist()


def test_shares_are_those_of_the_mask_alone() -> None:
    instances, image = seen((0, RED), (50, GREEN), (100, RED))
    shares = colour_shares(image, instances)
    assert shares.shape == (3, np.prod(BINS))
    np.testing.assert_allclose(shares.max(1), 1)
    np.testing.assert_array_equal(shares[0], shares[2])
    np.testing.assert_allclose(colour_similarities(shares, shares),
                               [[1, 0, 1], [0, 1, 0], [1, 0, 1]])


def test_half_of_a_thing_of_two_colours_is_half_like_it() -> None:
    # sqrt(0.5 * 1) for the half that is there.
    np.testing.assert_allclose(
        colour_similarities([np.array([0.5, 0.5])], np.array([[1.0, 0.0]])), [[0.5 ** 0.5]])


def test_large_masks_are_sampled_and_thin_ones_are_not_missed() -> None:
    image = np.full((400, 400, 3), RED, np.uint8)
    crop = np.zeros((400, 400), bool)
    crop[:, 1] = True
    thin = Instances(
        image_size=(400, 400), ids=np.ones(1, np.uint16), class_ids=np.ones(1, np.uint16),
        scores=np.ones(1, np.float32), boxes=np.array([(0, 0, 400, 400)], np.int32),
        crops=(crop,), seeds=np.zeros((1, 2), np.int32),
        similarity_thresholds=np.ones(1, np.float32))
    np.testing.assert_allclose(colour_shares(image, thin).sum(), 1)


@pytest.mark.parametrize('colour', [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0),
                                    (255, 255, 255)])
def test_no_colour_is_too_strong(colour: tuple[int, int, int]) -> None:
    assert colour_shares(*seen((0, colour))[::-1]).sum() == 1


def test_noise_changes_colours_little() -> None:
    clean = colour_shares(*seen((0, RED))[::-1])
    noisy = colour_shares(*seen((0, RED), noise=3.0)[::-1])
    assert colour_similarities(clean, noisy)[0, 0] > TrackingConfig().minimum_colour_similarity


def test_two_that_pass_behind_something_from_both_sides_keep_their_ids() -> None:
    tracker = Tracker()
    for step in range(8):
        assert ids(tracker, (10 * step, RED), (200 - 10 * step, GREEN)) == [1, 2]
    for _ in range(5):
        assert ids(tracker) == []
    # Each comes out where the other went in, and where its own embedding never was.
    assert ids(tracker, (70, GREEN), (130, RED)) == [2, 1]


def test_another_thing_at_the_same_place_gets_an_id_of_its_own() -> None:
    tracker = Tracker()
    for _ in range(5):
        ids(tracker, (50, RED))
    for _ in range(3):
        ids(tracker)
    assert ids(tracker, (50, GREEN)) == [2]
    assert ids(tracker, (50, GREEN), (100, RED)) == [2, 1]


@pytest.mark.parametrize('light', [0.4, 1.4])
def test_when_the_light_changes_ids_last(light: float) -> None:
    tracker = Tracker()
    for _ in range(5):
        ids(tracker, (50, RED), (100, WHITE))
    for _ in range(5):
        assert ids(tracker, (52, RED), (100, WHITE), light=light) == [1, 2]


def test_of_equal_colours_each_is_the_one_where_it_should_be() -> None:
    tracker = Tracker()
    for step in range(8):
        assert ids(tracker, (10 * step, RED), (250 - 10 * step, RED)) == [1, 2]
    for _ in range(2):
        ids(tracker)
    assert ids(tracker, (100, RED), (150, RED)) == [1, 2]


def test_image_and_no_image_may_take_turns() -> None:
    tracker = Tracker()
    instances, image = seen((50, RED))
    found = [tracker.update(instances, shown).ids.tolist()
             for shown in (None, image, None, image)]
    assert found == [[1]] * 4
