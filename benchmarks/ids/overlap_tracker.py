# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plain way to keep identities, to measure against: by the overlap of masks alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from metricseg_ros.config import TrackingConfig
from metricseg_ros.structures import Instances
from metricseg_ros.tracking.affinity import MINIMUM_IOU
from metricseg_ros.tracking.assignment import assign
import numpy as np


@dataclass(frozen=True)
class LastSeen:
    """
    An object as it was seen last.

    :param track_id: its id.
    :param mask: (H,W) bool.
    :param age: images since then.
    """

    track_id: int
    mask: np.ndarray
    age: int = 0


class OverlapTracker:
    """
    Take an instance for the object whose latest mask it overlaps most.

    Objects that are hidden are remembered as long as by the other tracker; nothing is known of
    embeddings and motion.
    """

    def __init__(self) -> None:
        """Begin without any object."""
        self._seen: list[LastSeen] = []
        self._count = 0

    def update(self, instances: Instances) -> Instances:
        """
        Tell which objects the instances of the next image are.

        :param instances: N instances, numbered in any way.
        :return: the same in the same order, with the objects' ids.
        """
        masks = [instances.mask(index) for index in range(len(instances))]
        ious = np.array([[iou(known.mask, mask) for mask in masks] for known in self._seen])
        ious = ious.reshape(len(self._seen), len(masks))
        row_of = {column: row for row, column in assign(np.where(ious >= MINIMUM_IOU, ious, 0))}
        present = [LastSeen(self._id(row_of, index), mask) for index, mask in enumerate(masks)]
        hidden = [replace(known, age=known.age + 1) for row, known in enumerate(self._seen)
                  if row not in row_of.values() and known.age < TrackingConfig().memory]
        self._seen = present + hidden
        return replace(instances, ids=np.array([one.track_id for one in present], np.uint16))

    def _id(self, row_of: Mapping[int, int], index: int) -> int:
        if index in row_of:
            return self._seen[row_of[index]].track_id
        self._count += 1
        return self._count


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """
    Compare two masks.

    :param first: (H,W) bool.
    :param second: (H,W) bool.
    :return: pixels in both by pixels in either; 0 where both are empty.
    """
    either = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / either if either else 0.0
