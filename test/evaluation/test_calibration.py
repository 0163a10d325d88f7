# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Calibration and bootstrap intervals have the values that follow from their definition."""

from __future__ import annotations

import cv2
from metricseg_ros.evaluation.bootstrap import bootstrap_interval, mean_interval
from metricseg_ros.evaluation.calibration import calibration, plot_calibration
import numpy as np
import pytest


def test_scores_that_are_the_iou_are_perfectly_calibrated(rng):
    scores = rng.random(100)
    assert calibration(scores, scores).error == pytest.approx(0)


def test_the_error_is_the_one_computed_by_hand():
    # Two masks in the last bin, 0.95 against 0.5; one in the second, 0.15 against 0.25.
    result = calibration(np.array([0.9, 1.0, 0.15]), np.array([0.4, 0.6, 0.25]))
    assert result.counts.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (result.scores[9], result.ious[9]) == (pytest.approx(0.95), pytest.approx(0.5))
    assert result.error == pytest.approx((2 * 0.45 + 0.1) / 3)


def test_without_masks_there_is_no_error():
    assert np.isnan(calibration(np.zeros(0), np.zeros(0)).error)


def test_the_plot_is_a_picture(tmp_path):
    plot_calibration(calibration(np.array([0.2, 0.9]), np.array([0.1, 0.8])),
                     tmp_path / 'plot.png', 'desk')
    assert cv2.imread(str(tmp_path / 'plot.png')).std() > 5


def test_the_interval_of_a_mean_is_that_of_the_normal_limit(rng):
    values = rng.normal(3.0, 1.0, 400)
    low, high = mean_interval(values, rng_seed=0)
    half = 1.96 * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_images_without_a_figure_are_left_out():
    assert mean_interval(np.array([np.nan, 2.0, 2.0]), 0) == (2.0, 2.0)
    assert np.isnan(mean_interval(np.array([np.nan]), 0)).all()


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20.0)
    first, again, other = (bootstrap_interval(lambda i: values[i].mean(), 20, seed, 50)
                           for seed in (0, 0, 1))
    assert first == again != other
