# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where masks lie on each other, and where they touch."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
from metricseg_ros.structures import Instances
from metricseg_ros.tracking.track import Track, View
import numpy as np

REACH = 2
"""Pixels between masks that still touch."""
CONTACT = 0.5
"""Pixels of contact of masks that touch, by the square root of the smaller mask's pixels."""


def mask_overlaps(views: Sequence[View], tracks: Sequence[Track],
                  instances: Instances) -> tuple[np.ndarray, np.ndarray]:
    """
    Overlay every instance with every object, moved to where it should be.

    :param views: T views, one of each object.
    :return: (T,N) float32, the IoU of the masks, and (T,N), the share of the instance inside.
    """
    areas = instances.areas
    ious, inside = np.zeros((2, len(tracks), len(instances)), np.float32)
    for row, (view, track) in enumerate(zip(views, tracks, strict=True)):
        moved = view.moved_box(track.velocity)
        low = np.maximum(moved[:2], instances.boxes[:, :2])
        high = np.minimum(moved[2:], instances.boxes[:, 2:])
        for column in np.flatnonzero((low < high).all(axis=1)):
            shared = count_shared_pixels(view.crop, moved, instances.crops[column],
                                         instances.boxes[column])
            ious[row, column] = shared / (view.area + areas[column] - shared)
            inside[row, column] = shared / areas[column]
    return ious, inside


def count_shared_pixels(first: np.ndarray, first_box: np.ndarray, second: np.ndarray,
                        second_box: np.ndarray) -> int:
    """
    Count the pixels that two masks have in common.

    :param first: (h,w) bool.
    :param first_box: (4,) left, top, right, bottom of it.
    :param second: (h',w') bool.
    :param second_box: (4,) left, top, right, bottom of it.
    """
    # Plain numbers: on arrays of four, NumPy would take longer than on the masks themselves.
    a, b = first_box.tolist(), second_box.tolist()
    window = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    if window[0] >= window[2] or window[1] >= window[3]:
        return 0
    return np.count_nonzero(_part(first, a, window) & _part(second, b, window))


def touch(instances: Instances, first: int, second: int) -> bool:
    """
    Tell whether two masks lie side by side, not only corner to corner.

    :return: whether the smaller, a bit widened, lies on the other along half of its own width.
    """
    small, large = sorted((first, second), key=lambda index: instances.crops[index].size)
    box = instances.boxes[small] + [-REACH, -REACH, REACH, REACH]
    other_box = instances.boxes[large]
    if (np.maximum(box[:2], other_box[:2]) >= np.minimum(box[2:], other_box[2:])).any():
        return False
    grown = cv2.dilate(np.pad(instances.crops[small], REACH).view(np.uint8),
                       np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)).view(bool)
    pixels = min(np.count_nonzero(instances.crops[index]) for index in (small, large))
    return bool(count_shared_pixels(grown, box, instances.crops[large], other_box)
                >= CONTACT * np.sqrt(pixels))


def _part(crop: np.ndarray, box: Sequence[int], window: Sequence[int]) -> np.ndarray:
    """Cut a window (left, top, right, bottom), which lies in the box, out of a crop."""
    left, top = box[:2]
    return crop[window[1] - top:window[3] - top, window[0] - left:window[2] - left]
