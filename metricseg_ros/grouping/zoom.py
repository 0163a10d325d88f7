# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Look again at each object, from near: its part of the image fills the network's input.

The zoom-in of UCN (arXiv 2007.15157) with the same network: outlines become sharper, since a cell
of the grid is a smaller piece of the object there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from metricseg_ros.structures import Box, DepthImage, EmbeddedImage, ImageMasks, PlacedMask
import numpy as np

Look = Callable[[np.ndarray, DepthImage | None], Sequence[PlacedMask]]
"""Finds masks in (H,W,3) uint8 RGB, with depth of the same (H,W) where it is known."""
MARGIN = 0.35
"""What is seen around an object on each side, as a share of its size."""
LEAST_GAIN = 1.3
"""Objects that would not be seen so many times as large are left as they are."""
SAME_OBJECT = 0.75
"""IoU from which on a mask found from near is of the same object."""


def zoomed_in(masks: ImageMasks, embedded: EmbeddedImage, input_size: tuple[int, int],
              look: Look) -> ImageMasks:
    """
    Replace masks by those that are found from near, where these are surely of the same object.

    :param masks: K masks in the image.
    :param embedded: the image itself is needed, or nothing is done; its depth where it is known.
    :param input_size: (height, width) of the network's input.
    :param look: finds masks in a part of the image.
    :return: the same masks, drawn anew; they may overlap.
    """
    placed, image = [], embedded.image
    if image is None:
        return masks
    for mask in masks.placed:
        window = window_around(mask[0], embedded.image_size, input_size)
        near = []
        if magnification(window, embedded.image_size, input_size) >= LEAST_GAIN:
            near = [moved(found, window) for found in look(
                *part_of(image, embedded.depth, window))]
        placed.append(the_same_object(mask, near))
    return replace(masks, placed=placed,
                   grouping=replace(masks.grouping, resolve_overlaps=False))


def window_around(box: Box, image_size: tuple[int, int], input_size: tuple[int, int]) -> Box:
    """
    Choose what is seen of an image around an object, in the proportions of the network's input.

    :param box: of the object.
    :return: left, top, right, bottom within the image, half open.
    """
    lows, highs, limits = np.array(box[:2]), np.array(box[2:]), np.array(image_size[::-1])
    size = (highs - lows) * (1 + 2 * MARGIN)
    shape = np.array(input_size[::-1])
    size = np.minimum(np.ceil((size / shape).max() * shape), limits).astype(int).clip(1)
    start = np.clip(((lows + highs - size) / 2).astype(int), 0, limits - size)
    return (*start.tolist(), *(start + size).tolist())


def magnification(window: Box, image_size: tuple[int, int], input_size: tuple[int, int]) -> float:
    """Tell how many times as large things are seen in a window as in the whole image."""
    left, top, right, bottom = window
    near, far = (min(np.divide(input_size, size)) for size in (
        (bottom - top, right - left), image_size))
    return float(near / far)


def part_of(image: np.ndarray, depth: DepthImage | None,
            window: Box) -> tuple[np.ndarray, DepthImage | None]:
    """Cut a window out of an image and its depth."""
    left, top, right, bottom = window
    rows, columns = slice(top, bottom), slice(left, right)
    return np.ascontiguousarray(image[rows, columns]), depth and DepthImage(
        np.ascontiguousarray(depth.metres[rows, columns]), depth.camera.moved(top, left))


def moved(mask: PlacedMask, window: Box) -> PlacedMask:
    """Take a mask of a window to the image."""
    (left, top, right, bottom), crop = mask
    return (left + window[0], top + window[1], right + window[0], bottom + window[1]), crop


def the_same_object(mask: PlacedMask, others: Sequence[PlacedMask]) -> PlacedMask:
    """Return the one of several masks that is surely of the same object, or else the mask."""
    best = max(others, key=lambda other: placed_iou(mask, other), default=mask)
    return best if placed_iou(mask, best) >= SAME_OBJECT else mask


def placed_iou(first: PlacedMask, second: PlacedMask) -> float:
    """Compute the IoU of two masks that lie in one image; 0 where both are empty."""
    lows = np.maximum(first[0][:2], second[0][:2])
    highs = np.maximum(np.minimum(first[0][2:], second[0][2:]), lows)
    common = [crop[lows[1] - top:highs[1] - top, lows[0] - left:highs[0] - left]
              for (left, top, _, _), crop in (first, second)]
    shared = np.count_nonzero(common[0] & common[1])
    union = np.count_nonzero(first[1]) + np.count_nonzero(second[1]) - shared
    return shared / union if union else 0.0
