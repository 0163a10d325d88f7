# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How far a figure would move with other images: percentile bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RESAMPLES = 1000
COVERAGE = 0.95


def bootstrap_interval(statistic: Callable[[np.ndarray], float], count: int, rng_seed: int,
                       resamples: int = RESAMPLES) -> tuple[float, float]:
    """
    Resample images with replacement.

    :param statistic: takes (count,) indices of images, some of them several times, and gives the
        figure; NaN where it cannot.
    :return: the bounds of the middle 95 %; NaN where the figure never is a number.
    """
    rng = np.random.default_rng(rng_seed)
    values = np.array([statistic(rng.integers(count, size=count)) for _ in range(resamples)])
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)


def mean_interval(values: np.ndarray, rng_seed: int,
                  resamples: int = RESAMPLES) -> tuple[float, float]:
    """Give the interval of a mean over images, (N,); an image may have NaN."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return np.nan, np.nan
    return bootstrap_interval(lambda chosen: float(values[chosen].mean()), len(values), rng_seed,
                              resamples)
