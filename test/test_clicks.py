# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A click gives the mask of what lies under it, and a negative click takes its like away."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.clicks import ClickError, Clicks, MOST_CLICKS, segment_clicks
from metricseg_ros.similarity import squared_radius
from metricseg_ros.structures import EmbeddedImage, NetworkOutput
import numpy as np
import pytest
import torch

SCALE = 4
GRID = (6, 12)
SIZE = (GRID[0] * SCALE, GRID[1] * SCALE)
THRESHOLDS = (0.25, 0.75)
LEFT, MIDDLE, RIGHT = slice(0, 4), slice(4, 8), slice(8, 12)
IN_LEFT, IN_MIDDLE, IN_RIGHT = (12.0, 6.0), (12.0, 22.0), (12.0, 40.0)


def pixel_columns(columns: slice) -> slice:
    return slice(columns.start * SCALE, columns.stop * SCALE)


def image(*values: float) -> EmbeddedImage:
    """Give an image of vertical bands whose embeddings are these values, of one dimension."""
    embeddings = torch.tensor(values, dtype=torch.float32)
    embeddings = embeddings.repeat_interleave(GRID[1] // len(values))
    embeddings = embeddings.expand(1, *GRID).contiguous()
    # At threshold 0.25 class 1 is likely, at 0.75 class 2 is likelier still.
    logits = torch.zeros(2, 3, *GRID)
    logits[0, 1], logits[1, 2] = 1.0, 3.0
    to_image = np.array([[SCALE, (SCALE - 1) / 2]] * 2)
    return EmbeddedImage(NetworkOutput(embeddings, logits, THRESHOLDS), SIZE, to_image)


def clicks(*positions: tuple[float, float], **more: object) -> Clicks:
    return Clicks(np.array(positions, float).reshape(-1, 2), **more)


def bands(*columns: slice) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    for part in columns:
        mask[:, pixel_columns(part)] = True
    return mask


def agrees(mask: np.ndarray, expected: np.ndarray) -> bool:
    """Compare away from the edges, where masks are interpolated within a cell."""
    inner = np.ones(SIZE, bool)
    for edge in (4, 8):
        inner[:, (edge - 1) * SCALE:(edge + 1) * SCALE] = False
    return np.array_equal(mask[inner], expected[inner])


def test_each_click_gives_the_mask_of_what_lies_under_it_in_the_order_of_the_clicks() -> None:
    found = segment_clicks(image(0, 10, 20), clicks(IN_RIGHT, IN_LEFT))
    assert found.ids.tolist() == [1, 2]
    assert agrees(found.mask(0), bands(RIGHT))
    assert agrees(found.mask(1), bands(LEFT))


def test_score_class_and_threshold_are_those_of_the_seed() -> None:
    found = segment_clicks(image(0, 10, 20), clicks(IN_LEFT))
    assert found.similarity_thresholds.tolist() == [0.75]
    assert found.class_ids.tolist() == [2]
    assert found.scores[0] == pytest.approx(np.exp(3) / (np.exp(3) + 2))


def test_a_given_threshold_is_scored_by_the_nearest_trained_one() -> None:
    found = segment_clicks(image(0, 10, 20), clicks(IN_LEFT, similarity_threshold=0.375))
    assert found.similarity_thresholds.tolist() == [0.375]
    assert found.class_ids.tolist() == [1]
    assert found.scores[0] == pytest.approx(np.e / (np.e + 2))


@pytest.mark.parametrize(('similarity_threshold', 'expected'), [
    (0.49, (LEFT, MIDDLE)), (0.51, (LEFT,))])
def test_the_threshold_decides_how_far_a_mask_goes(similarity_threshold: float,
                                                   expected: tuple[slice, ...]) -> None:
    distance = squared_radius(0.5) ** 0.5
    found = segment_clicks(image(0, distance, 10), clicks(
        IN_LEFT, similarity_threshold=similarity_threshold))
    assert agrees(found.mask(0), bands(*expected))


def test_what_is_not_connected_to_the_click_is_left_out_unless_asked_for() -> None:
    twins = image(0, 10, 0)
    assert agrees(segment_clicks(twins, clicks(IN_LEFT)).mask(0), bands(LEFT))
    both = segment_clicks(twins, clicks(IN_LEFT), connected=False)
    assert agrees(both.mask(0), bands(LEFT, RIGHT))


def test_merged_clicks_give_the_union_of_their_masks() -> None:
    found = segment_clicks(image(0, 10, 20), clicks(IN_LEFT, IN_RIGHT, merge=True))
    assert len(found) == 1
    assert agrees(found.mask(0), bands(LEFT, RIGHT))
    assert found.boxes.tolist() == [[0, 0, SIZE[1], SIZE[0]]]


def test_a_negative_click_takes_away_what_is_more_similar_to_it() -> None:
    alike = image(0, 0.3, 10)  # Similarity of the bands: 2 / (1 + exp(0.09)) = 0.955.
    assert agrees(segment_clicks(alike, clicks(IN_LEFT)).mask(0), bands(LEFT, MIDDLE))
    found = segment_clicks(alike, clicks(IN_LEFT, negatives=np.array([IN_MIDDLE])))
    assert agrees(found.mask(0), bands(LEFT))
    assert not found.mask(0)[tuple(map(int, IN_MIDDLE))]


@pytest.mark.parametrize('outline_radius', [0, 3])
def test_no_mask_leaves_its_click_out_or_holds_a_negative_one(outline_radius: int,
                                                              rng: np.random.Generator) -> None:
    # At random, so that outlines which follow the image part from those of the network.
    noise = torch.from_numpy(rng.normal(0, 1, (2, *GRID)).astype(np.float32))
    guide = rng.normal(0, 1, (32, 64)).astype(np.float32)
    there = image(0)
    there = replace(there, output=replace(there.output, embeddings=noise), guide=guide)
    for _ in range(50):
        pixels = np.stack([rng.integers(size, size=3) for size in SIZE], axis=1).astype(float)
        alone, other, negative = pixels
        if len({tuple(pixel // SCALE) for pixel in pixels}) < 3:
            continue  # A negative click in the cell of another is refused.
        one = segment_clicks(there, clicks(alone), outline_radius=outline_radius)
        assert one.mask(0)[tuple(alone.astype(int))]
        for merge in (False, True):
            found = segment_clicks(there, clicks(alone, other, negatives=negative[None],
                                                 merge=merge), outline_radius=outline_radius)
            for index in range(len(found)):
                assert not found.mask(index)[tuple(negative.astype(int))]
            for index, pixel in enumerate((alone, other)):
                assert found.mask(0 if merge else index)[tuple(pixel.astype(int))]


def test_a_negative_click_on_something_else_changes_nothing() -> None:
    there = image(0, 10, 20)
    expected = segment_clicks(there, clicks(IN_LEFT)).mask(0)
    found = segment_clicks(there, clicks(IN_LEFT, negatives=np.array([IN_RIGHT])))
    assert np.array_equal(found.mask(0), expected)


@pytest.mark.parametrize('position', [(0, 0), (SIZE[0] - 1, SIZE[1] - 1), (-0.5, 11.5)])
def test_the_outermost_pixels_can_be_clicked(position: tuple[float, float]) -> None:
    assert len(segment_clicks(image(0, 10, 20), clicks(position))) == 1


@pytest.mark.parametrize('position', [
    (-1, 0), (0, -0.6), (SIZE[0], 0), (0, SIZE[1] - 0.5), (np.nan, 0), (0, np.inf), (1e9, 0)])
def test_a_click_outside_the_image_is_named(position: tuple[float, float]) -> None:
    with pytest.raises(ClickError, match='click 1 at row.*24 rows and 48'):
        segment_clicks(image(0, 10, 20), clicks(IN_LEFT, position))
    with pytest.raises(ClickError, match='negative click 0'):
        segment_clicks(image(0, 10, 20), clicks(IN_LEFT, negatives=np.array([position])))


def test_a_negative_click_on_a_positive_one_is_refused() -> None:
    near = (IN_LEFT[0] + 0.5, IN_LEFT[1])
    with pytest.raises(ClickError, match='same cell'):
        segment_clicks(image(0, 10, 20), clicks(IN_LEFT, negatives=np.array([near])))


@pytest.mark.parametrize('similarity_threshold', [-0.1, 1.1, np.nan])
def test_an_impossible_threshold_is_refused(similarity_threshold: float) -> None:
    with pytest.raises(ClickError, match='similarity_threshold must be in'):
        clicks(IN_LEFT, similarity_threshold=similarity_threshold)


def test_no_click_and_too_many_are_refused() -> None:
    with pytest.raises(ClickError, match='at least one'):
        clicks()
    with pytest.raises(ClickError, match=f'{MOST_CLICKS} clicks at most, got {MOST_CLICKS + 1}'):
        clicks(*[IN_LEFT] * (MOST_CLICKS + 1))


def test_the_highest_threshold_may_leave_nothing_but_keeps_the_order() -> None:
    found = segment_clicks(image(0, 10, 20), clicks(IN_LEFT, IN_RIGHT, similarity_threshold=1.0))
    assert len(found) == 2
