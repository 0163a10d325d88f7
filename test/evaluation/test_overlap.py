# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlap measures: values counted by hand."""

from __future__ import annotations

import math

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.evaluation.overlap import overlap
import numpy as np
import pytest


def line(*labels):
    """Make a label map of one row."""
    return np.array([labels], dtype=np.uint16)


def test_equal_maps_are_perfect_whatever_the_labels():
    score = overlap(line(0, 7, 7, 3, 0), line(0, 1, 1, 2, 0))
    assert (score.precision, score.recall, score.f, score.found, score.mean_best_iou) == (
        1, 1, 1, 1, 1)


def test_values_are_those_counted_by_hand():
    # Object 1: 4 pixels, 3 of them in prediction 5, which has 5. Object 2: 2 pixels, missed.
    true = line(1, 1, 1, 1, 0, 0, 2, 2)
    predicted = line(0, 5, 5, 5, 5, 5, 0, 0)
    score = overlap(predicted, true)
    assert score.precision == pytest.approx(3 / 5)
    assert score.recall == pytest.approx(3 / 6)
    assert score.f == pytest.approx(2 * 0.6 * 0.5 / 1.1)
    assert score.found == 0
    assert score.mean_best_iou == pytest.approx((3 / 6 + 0) / 2)


@pytest.mark.parametrize(('extra', 'found'), [(3, 1.0), (4, 0.0)])
def test_object_is_found_just_above_an_f_of_three_quarters(extra, found):
    # 5 shared pixels: F = 10 / (5 + 5 + extra), 0.769 and 0.714.
    true = line(*[1] * 5, *[0] * 5)
    predicted = line(*[1] * (5 + extra), *[0] * (5 - extra))
    assert overlap(predicted, true).found == found


def test_prediction_over_two_objects_is_matched_once():
    score = overlap(line(9, 9, 9, 9), line(1, 1, 1, 2))
    assert score.precision == score.recall == pytest.approx(3 / 4)


def test_matching_is_the_best_in_sum_and_not_greedy():
    # Prediction 1 fits object 1 best, but then object 2 would go without.
    true = line(*[1] * 6, *[2] * 4)
    predicted = line(*[2] * 3, *[1] * 3, *[1] * 4)
    score = overlap(predicted, true)
    assert score.recall == pytest.approx((3 + 4) / 10)


def test_ignored_pixels_count_for_nothing():
    true = line(1, 1, IGNORE_LABEL, IGNORE_LABEL, 0)
    assert overlap(line(1, 1, 1, 2, 0), true).f == 1


@pytest.mark.parametrize(('predicted', 'true', 'expected'), [
    ((0, 0), (0, 0), (1, 1, 1)), ((0, 0), (1, 1), (1, 0, 0)), ((1, 1), (0, 0), (0, 1, 0))])
def test_empty_sides_follow_the_convention(predicted, true, expected):
    score = overlap(line(*predicted), line(*true))
    assert (score.precision, score.recall, score.f) == expected
    assert math.isnan(score.found) == (not any(true))


def test_maps_of_different_size_are_refused():
    with pytest.raises(ValueError, match=r'\(1, 2\)'):
        overlap(line(0, 0), line(0, 0, 0))
