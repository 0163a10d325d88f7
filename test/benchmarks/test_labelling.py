# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulated user sees the errors that there are, and its clicks mend them."""

from __future__ import annotations

from benchmarks.labelling import corners_needed, errors, mean_iou, simulate
from labelled_bands import image, SIZE, WITHOUT_OUTLINES
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.labelling.labels import Labels
import numpy as np
import pytest


def bands(*parts: tuple[int, int, int]) -> np.ndarray:
    label_map = np.zeros(SIZE, np.uint16)
    for left, right, label in parts:
        label_map[:, left:right] = label
    return label_map


TRUTH = bands((0, 16, 1), (16, 32, 2))


def test_each_kind_of_error_is_seen_with_its_area() -> None:
    said = Labels(bands((0, 12, 5), (40, 48, 6)), (('object'),) * 6)
    found = {(own.action, own.label, own.area) for own in errors(said, TRUTH)}
    rows = SIZE[0]
    assert found == {('extend', 5, 4 * rows), ('delete', 6, 8 * rows), ('add', 0, 16 * rows)}
    over = Labels(bands((0, 20, 5)), (('object'),) * 5)
    assert ('cut', 5, 4 * rows) in {(own.action, own.label, own.area)
                                    for own in errors(over, TRUTH)}


def test_the_mean_iou_counts_missing_objects_and_leaves_out_what_is_ignored() -> None:
    assert mean_iou(Labels(bands((0, 16, 1))), TRUTH) == 0.5
    ignored = bands((0, 16, 1), (16, 48, IGNORE_LABEL))
    assert mean_iou(Labels(bands((0, 48, 1))), ignored) == 1.0


def test_from_nothing_each_object_takes_a_click_and_what_is_right_takes_none(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('benchmarks.labelling.GOAL', 0.8)  # Edges of bands are off by a pixel.
    embedded = image(0, 10, 20)
    empty = Labels(np.zeros(SIZE, np.uint16))
    clicks, iou = simulate(empty, TRUTH, embedded, WITHOUT_OUTLINES)
    assert clicks == 2
    assert iou >= 0.8
    assert simulate(Labels(TRUTH, ('object',) * 2), TRUTH, embedded, WITHOUT_OUTLINES)[0] == 0


def test_a_rectangle_takes_four_corners() -> None:
    assert corners_needed(TRUTH, 1) == 4


def test_what_lies_on_an_object_is_no_part_of_its_outline() -> None:
    truth = bands((0, 40, 1))
    truth[4:20, 8:32] = 2
    assert corners_needed(truth, 1) == 4
