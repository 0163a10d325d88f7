# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Boundary precision, recall and F of label maps, as the OCID and OSD benchmarks define them.

Objects are matched as for the overlap. A pixel of an object's boundary counts as found if the
boundary of the object it is matched with is near.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.evaluation.overlap import (
    best_matching,
    f_of_pairs,
    harmonic_mean,
    shared_pixels,
)
import numpy as np

TOLERANCE = 0.003
"""How far boundaries may lie apart, as a share of the image's diagonal."""


@dataclass(frozen=True)
class Boundary:
    """
    How well one image's outlines were found.

    :param precision: share of the predicted boundary pixels near the true object's boundary.
    :param recall: share of the true boundary pixels near the predicted object's boundary.
    :param f: harmonic mean of both.
    """

    precision: float
    recall: float
    f: float


def boundary(predicted: np.ndarray, true: np.ndarray) -> Boundary:
    """
    Compare the boundaries in two label maps.

    :param predicted: (H,W) unsigned integers, 0 background.
    :param true: (H,W) unsigned integers, 0 background; boundary pixels on or beside IGNORE_LABEL
        count for nothing.
    :return: the measures; where one side has no objects as for the overlap.
    """
    shared = shared_pixels(predicted, true)
    true_count, predicted_count = np.subtract(shared.shape, 1)
    if true_count == 0 or predicted_count == 0:
        precision, recall = float(predicted_count == 0), float(true_count == 0)
        return Boundary(precision, recall, harmonic_mean(precision, recall))
    ignored = true == IGNORE_LABEL
    of_true, of_predicted = (list(_boundaries(label_map, ignored))
                             for label_map in (true, predicted))
    found = np.zeros(2)
    for row, column in zip(*best_matching(f_of_pairs(shared)), strict=True):
        found += _near(of_predicted[column], of_true[row]), _near(of_true[row],
                                                                  of_predicted[column])
    precision, recall = (share / max(1, sum(map(np.count_nonzero, boundaries)))
                         for share, boundaries in zip(found, (of_predicted, of_true)))
    return Boundary(precision, recall, harmonic_mean(precision, recall))


def boundary_pixels(mask: np.ndarray) -> np.ndarray:
    """
    Mark the pixels that differ from the one right, below, or right below; the frame is no edge.

    :return: (H,W) bool, a line one pixel wide, half a pixel to the upper left of the true edge.
    """
    grown = np.pad(mask, ((0, 1), (0, 1)), mode='edge')
    return ((mask != grown[:-1, 1:]) | (mask != grown[1:, :-1]) | (mask != grown[1:, 1:]))


def disk(radius: int) -> np.ndarray:
    """Draw a disk, (2 radius + 1, 2 radius + 1) uint8, 1 within the radius."""
    offsets = np.arange(-radius, radius + 1)
    return (offsets[:, None] ** 2 + offsets ** 2 <= radius ** 2).astype(np.uint8)


def _boundaries(label_map: np.ndarray, ignored: np.ndarray) -> Iterator[np.ndarray]:
    """Give the boundary of every object with a pixel that counts, in the order of the labels."""
    # Where ignored pixels begin is no boundary that anybody has drawn.
    counts = ~(ignored | boundary_pixels(ignored))
    labels = np.unique(label_map[~ignored])
    yield from (boundary_pixels(label_map == label) & counts for label in labels if label != 0)


def _near(pixels: np.ndarray, others: np.ndarray) -> int:
    radius = math.ceil(TOLERANCE * math.hypot(*pixels.shape))
    return np.count_nonzero(pixels & cv2.dilate(others.view(np.uint8), disk(radius)).view(bool))
