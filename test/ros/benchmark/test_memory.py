# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The slope of a process's memory, with its error."""

from __future__ import annotations

from mmap import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, mmap
import os

from metricseg_ros.ros.benchmark.memory import memory_of, slope_per_hour
import numpy as np
import pytest

SECONDS = np.arange(0.0, 300.0)


def test_a_line_is_found_without_error() -> None:
    slope = slope_per_hour(SECONDS, 500 + 20 * SECONDS / 3600)
    assert slope.value == pytest.approx(20)
    assert slope.error == pytest.approx(0, abs=1e-6)


def test_noise_lies_within_a_few_errors(rng: np.random.Generator) -> None:
    slopes = [slope_per_hour(SECONDS, 500 + rng.normal(0, 1, len(SECONDS))) for _ in range(200)]
    scores = np.array([slope.value / slope.error for slope in slopes])
    # Student's t with 28 degrees of freedom: standard deviation 1.04.
    assert scores.std() == pytest.approx(1.04, rel=0.2)


def test_neighbouring_samples_that_depend_on_each_other_do_not_feign_certainty(
        rng: np.random.Generator) -> None:
    # The same noise held for 10 s each, as an allocator does: N / 10 samples of information.
    held = np.repeat(rng.normal(0, 1, 30), 10)
    blocks = slope_per_hour(SECONDS, held).error
    every_sample = np.sqrt(held.var() / ((SECONDS / 3600).var() * len(SECONDS)))
    assert blocks > 2 * every_sample


def test_too_short_a_time_has_no_error() -> None:
    assert np.isnan(slope_per_hour(np.arange(5.0), np.ones(5)).error)


@pytest.mark.parametrize(('flags', 'kind'), [(MAP_PRIVATE, 'own'), (MAP_SHARED, 'shared')])
def test_memory_that_is_used_is_resident(flags: int, kind: str) -> None:
    before = memory_of(os.getpid())
    # From the system itself: an allocator may give memory that is resident already.
    with mmap(-1, 50_000_000, flags=flags | MAP_ANONYMOUS) as block:
        block.write(bytes(1000) * 50_000)
        after = memory_of(os.getpid())
    assert getattr(after, kind) - getattr(before, kind) == pytest.approx(50, abs=10)
    assert after.total - before.total == pytest.approx(50, abs=10)
