# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Looking again from near: which part is seen, and when a mask found there is taken."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping.zoom import magnification, placed_iou, window_around, zoomed_in
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.structures import DepthImage, EmbeddedImage, ImageMasks, NetworkOutput, Seeds
import numpy as np
import pytest
import torch

IMAGE, INPUT = (480, 640), (96, 128)


def embedded(depth: DepthImage | None = None) -> EmbeddedImage:
    output = NetworkOutput(torch.zeros(1, 1, 1), torch.zeros(1, 2, 1, 1), torch.ones(1))
    rows, columns = np.mgrid[:IMAGE[0], :IMAGE[1]]
    image = np.stack([rows // 2, columns // 4, 0 * rows], 2).astype(np.uint8)
    return EmbeddedImage(output, IMAGE, np.eye(2), image=image, depth=depth)


def masks(*placed: tuple) -> ImageMasks:
    seeds = Seeds(torch.zeros(len(placed), 2), *(torch.zeros(len(placed)) for _ in range(3)))
    return ImageMasks(seeds, list(placed), np.zeros((len(placed), 1)), GroupingConfig())


def square(left: int, top: int, side: int) -> tuple:
    return (left, top, left + side, top + side), np.ones((side, side), bool)


@pytest.mark.parametrize('box', [(300, 200, 340, 220), (0, 0, 40, 90), (600, 400, 640, 480),
                                 (10, 10, 630, 100), (5, 5, 6, 6)])
def test_a_window_holds_its_object_and_has_the_proportions_of_the_input(box: tuple) -> None:
    left, top, right, bottom = window_around(box, IMAGE, INPUT)
    assert 0 <= left <= box[0] and box[2] <= right <= 640
    assert 0 <= top <= box[1] and box[3] <= bottom <= 480
    assert (right - left) / (bottom - top) == pytest.approx(4 / 3, abs=0.5)


def test_half_of_an_image_is_seen_twice_as_large() -> None:
    assert magnification((0, 0, 320, 240), IMAGE, INPUT) == pytest.approx(2)
    assert magnification((0, 0, 320, 480), IMAGE, INPUT) == pytest.approx(1)


def test_a_mask_of_the_same_object_is_taken_to_where_it_lies_in_the_image() -> None:
    seen = []

    def look(image: np.ndarray, depth: DepthImage | None) -> list:
        seen.append((image, depth))
        # 100 pixels and 35 on each side are 170 of height, and 4/3 of it of width: 227. So the
        # window starts at column 250 - 113 and row 150 - 85, and the object lies 64 and 35 in.
        return [square(0, 0, 20), ((64, 35, 154, 135), np.ones((100, 90), bool))]

    found = zoomed_in(masks(square(200, 100, 100)), embedded(), INPUT, look)
    assert found.placed[0][0] == (200, 100, 290, 200)
    left, top, right, bottom = 136, 65, 363, 235
    image, depth = seen[0]
    assert image.shape == (bottom - top, right - left, 3) and depth is None
    assert image[0, 0].tolist() == [top // 2, left // 4, 0]
    assert not found.grouping.resolve_overlaps


@pytest.mark.parametrize('near', [[], [square(0, 0, 20)]])
def test_a_mask_stays_where_nothing_seen_from_near_is_the_same_object(near: list) -> None:
    mask = square(200, 100, 100)
    assert zoomed_in(masks(mask), embedded(), INPUT, lambda *_: near).placed == [mask]


def test_what_fills_the_image_is_not_looked_at_again() -> None:
    def look(*_: object) -> list:
        raise AssertionError('looked')

    large, empty = square(100, 20, 440), ((0, 0, 0, 0), np.zeros((0, 0), bool))
    assert zoomed_in(masks(large), embedded(), INPUT, look).placed == [large]
    assert zoomed_in(masks(empty), embedded(), INPUT, lambda *_: []).placed == [empty]


def test_depth_of_a_part_is_seen_through_the_same_pinhole() -> None:
    camera = Intrinsics(500.0, 500.0, 320.0, 240.0)
    metres = np.random.default_rng(0).uniform(1, 2, IMAGE).astype(np.float32)
    window = window_around((200, 100, 300, 200), IMAGE, INPUT)

    def look(image: np.ndarray, depth: DepthImage) -> list:
        row, column = 7, 11
        point = depth.camera.points(np.array([column]), np.array([row]),
                                    depth.metres[row:row + 1, column])
        rows, columns = row + window[1], column + window[0]
        assert np.allclose(point, camera.points(np.array([columns]), np.array([rows]),
                                                metres[rows:rows + 1, columns]))
        return []

    zoomed_in(masks(square(200, 100, 100)), embedded(DepthImage(metres, camera)), INPUT, look)


def test_iou_of_masks_in_one_image() -> None:
    assert placed_iou(square(0, 0, 10), square(5, 0, 10)) == pytest.approx(50 / 150)
    assert placed_iou(square(0, 0, 10), square(50, 50, 10)) == 0
    holed = square(0, 0, 10)
    holed[1][:5] = False
    assert placed_iou(holed, square(0, 0, 10)) == pytest.approx(0.5)
