# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plain tracker knows the overlap of masks and nothing else."""

from __future__ import annotations

from benchmarks.ids.overlap_tracker import iou, OverlapTracker
from metricseg_ros.config import SegmenterConfig
import numpy as np
from squares import squares


def test_overlap_alone_follows_the_overlap_and_nothing_else() -> None:
    tracker = OverlapTracker()
    assert tracker.update(squares((0, 0), (50, 9))).ids.tolist() == [1, 2]
    assert tracker.update(squares((52, 0), (3, 9))).ids.tolist() == [2, 1]
    # 7 of 10 columns away: an IoU of 3 / 17 is below 0.3.
    assert tracker.update(squares((10, 9))).ids.tolist() == [3]


def test_overlap_alone_remembers_where_an_object_was() -> None:
    tracker = OverlapTracker()
    tracker.update(squares((0, 0)))
    for _ in range(SegmenterConfig().tracking.memory):
        assert len(tracker.update(squares())) == 0
    assert tracker.update(squares((0, 0))).ids.tolist() == [1]
    for _ in range(SegmenterConfig().tracking.memory + 1):
        tracker.update(squares())
    assert tracker.update(squares((0, 0))).ids.tolist() == [2]


def test_iou_counts_pixels() -> None:
    first, second = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    first[:, :2], second[:, 1:3] = True, True
    assert iou(first, second) == 2 / 6
    assert iou(first & second, first & ~first) == iou(~first & first, second & ~second) == 0
