# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Latencies are those of the latest frames."""

from __future__ import annotations

import math

from metricseg_ros.ros.frames.latencies import Latencies, summarise
import pytest


def test_percentiles_are_interpolated() -> None:
    summary = summarise({'network': list(range(101))})
    assert summary == {'network': {'p50': 50.0, 'p95': 95.0, 'p99': 99.0}}


def test_only_the_window_counts() -> None:
    latencies = Latencies(window=10)
    for value in [1000.0] * 5 + [7.0] * 10:
        latencies.add({'network': value})
    assert latencies.percentiles()['network']['p99'] == 7.0


def test_what_could_not_be_measured_is_left_out() -> None:
    latencies = Latencies(window=10)
    latencies.add({'network': 5.0, 'age': math.nan})
    assert list(latencies.percentiles()) == ['network']


def test_the_rate_is_that_of_the_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr('metricseg_ros.ros.frames.latencies.monotonic', lambda: now[0])
    latencies = Latencies(window=100)
    assert latencies.rate() == 0
    for _ in range(11):
        now[0] += 0.1
        latencies.add({'network': 1.0})
    assert latencies.rate() == pytest.approx(10.0)
    now[0] += 60.0
    assert latencies.rate() == 0
    for _ in range(2):
        now[0] += 8.0  # Longer than the horizon.
        latencies.add({'network': 8000.0})
    now[0] += 7.0
    assert latencies.rate() == pytest.approx(1 / 8)
    now[0] += 10.0
    assert latencies.rate() == 0
