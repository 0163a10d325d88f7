# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a click on an image does to its labels, from the embeddings that are there.

A click never takes pixels from an object that it did not point at: what is right stays right.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
from metricseg_ros.clicks import ClickError, Clicks, segment_clicks
from metricseg_ros.config import BACKGROUND, GroupingConfig, IGNORE_LABEL
from metricseg_ros.instances import trimmed
from metricseg_ros.labelling.labels import LabelError, Labels, painted, with_object
from metricseg_ros.structures import EmbeddedImage, Instances
import numpy as np

SLIVER_DEPTH = 3.0
"""Pieces of less than twice this width, in pixels, are thin."""

SLIVER_SHARE = 0.25

Pixel = tuple[float, float]
"""(row, col) in the image."""


def presegmented(instances: Instances, name_of: Sequence[str]) -> Labels:
    """Take what a model found for labels."""
    names = [''] * int(instances.ids.max(initial=0))
    for object_id, name in zip(instances.ids.tolist(), name_of, strict=True):
        names[object_id - 1] = name
    return Labels(instances.label_map, tuple(names))


def added(labels: Labels, embedded: EmbeddedImage, grouping: GroupingConfig, pixel: Pixel,
          name: str) -> tuple[Labels, int]:
    """
    Add the object under a click.

    :return: the labels with it, and its id. It takes from the background, or from the one object
        that was clicked on, which it is then told from.
    :raises LabelError: if nothing grows there.
    """
    there = label_at(labels, pixel)
    on_object = there not in (BACKGROUND, IGNORE_LABEL)
    negatives = [anchor(labels.label_map == there, pixel)] if on_object else []
    region = grown(embedded, grouping, [pixel], negatives)
    return with_object(labels, region & (labels.label_map == there), name)


def extended(labels: Labels, embedded: EmbeddedImage, grouping: GroupingConfig, object_id: int,
             pixel: Pixel) -> Labels:
    """
    Add what is under a click to an object.

    :return: the labels. It takes from the background, or from what was clicked on.
    :raises LabelError: if there is no such object, or nothing is won.
    """
    own, there = labels.mask(object_id), label_at(labels, pixel)
    region = grown(embedded, grouping, [pixel], [])
    won = region & ~own & ((labels.label_map == BACKGROUND) | (labels.label_map == there))
    if not won.any():
        raise LabelError('the object has all that looks alike there: paint the rest with the '
                         'brush')
    return without_slivers(painted(labels, won, object_id), there, won)


def cut(labels: Labels, embedded: EmbeddedImage, grouping: GroupingConfig, object_id: int,
        pixel: Pixel) -> Labels:
    """
    Take what is under a click from an object.

    :param pixel: the click, on it.
    :return: the labels; what is more like the middle of the object than like the click stays.
    :raises LabelError: if there is no such object, or the click lies beside it.
    """
    part = part_at(labels, embedded, grouping, object_id, pixel)
    return without_slivers(painted(labels, part, BACKGROUND), object_id, part)


def without_slivers(labels: Labels, object_id: int, taken: np.ndarray) -> Labels:
    """
    Drop what a click leaves of an object along the edge of what it took.

    :param object_id: of whom it took; background and ignored have no slivers.
    :param taken: (H,W) bool, what it took.
    """
    if object_id in (BACKGROUND, IGNORE_LABEL):
        return labels
    left = labels.label_map == object_id
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(left.view(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < SLIVER_SHARE * np.count_nonzero(taken)
    slivers = [piece for piece in range(1, count) if small[piece]]
    if slivers:
        depth = depth_inside(left)
        slivers = [piece for piece in slivers if depth[pieces == piece].max() < SLIVER_DEPTH]
    return painted(labels, np.isin(pieces, slivers), BACKGROUND) if slivers else labels


def part_at(labels: Labels, embedded: EmbeddedImage, grouping: GroupingConfig, object_id: int,
            pixel: Pixel) -> np.ndarray:
    """
    Find the part of an object that is under a click.

    :param pixel: the click, on it.
    :return: (H,W) bool: what looks like the click and unlike the middle of the object.
    :raises LabelError: if there is no such object, or the click lies beside it, or too near its
        middle.
    """
    own = labels.mask(object_id)
    if label_at(labels, pixel) != object_id:
        raise LabelError('that pixel is not of the object: click inside it')
    return own & grown(embedded, grouping, [pixel], [anchor(own, pixel)])


def grown(embedded: EmbeddedImage, grouping: GroupingConfig, positives: Sequence[Pixel],
          negatives: Sequence[Pixel]) -> np.ndarray:
    """
    Grow a mask from clicks.

    :param grouping: whether masks are connected, and how outlines are drawn.
    :return: (H,W) bool.
    :raises LabelError: if these cannot be told apart.
    """
    clicks = Clicks(np.array(positives, float).reshape(-1, 2),
                    np.array(negatives, float).reshape(-1, 2), merge=True)
    try:
        found = segment_clicks(embedded, clicks, grouping.connected, grouping.outline_radius)
    except ClickError as error:
        raise LabelError(f'{error}; or use brush and eraser') from None
    return found.label_map > 0


def anchor(mask: np.ndarray, away_from: Pixel) -> Pixel:
    """
    Choose a pixel that surely belongs to an object, and not to the part that is clicked on.

    :return: the pixel that is deepest inside, where depth counts no more than the distance to the
        click.
    """
    (left, top, right, bottom), crop = trimmed(((0, 0, *mask.shape[::-1]), mask))
    rows, columns = np.ogrid[top:bottom, left:right]
    distance = np.hypot(rows - away_from[0], columns - away_from[1])
    deepest = np.argmax(np.minimum(depth_inside(crop), distance))
    row, column = np.unravel_index(deepest, crop.shape)
    return float(top + row), float(left + column)


def depth_inside(mask: np.ndarray) -> np.ndarray:
    """
    Tell how far the pixels of a mask are from its edge; beyond the border nothing is of it.

    :return: (H,W) float32, in pixels.
    """
    return cv2.distanceTransform(np.pad(mask, 1).view(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]


def label_at(labels: Labels, pixel: Pixel) -> int:
    """
    Look a click up.

    :return: what it lies on: an id, background or ignored.
    :raises LabelError: if it lies outside the image.
    """
    height, width = labels.label_map.shape
    row, column = (round(value) if abs(value) < 1e9 else -1 for value in pixel)
    if not (0 <= row < height and 0 <= column < width):
        raise LabelError(f'the click at row {pixel[0]:g}, column {pixel[1]:g} is outside the '
                         f'image of {height} rows and {width} columns')
    return int(labels.label_map[row, column])
