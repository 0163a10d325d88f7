# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A thing is said once in a period, whatever the numbers in it."""

from __future__ import annotations

from metricseg_ros.ros.diagnostics.throttle import MOST_KINDS, ThrottledLog
import pytest


@pytest.fixture
def said() -> list[str]:
    """Collect what was logged."""
    return []


@pytest.fixture
def now() -> list[float]:
    """Give a clock's hand."""
    return [123.4]


@pytest.fixture
def log(said: list[str], now: list[float]) -> ThrottledLog:
    """Give a throttled log of 10 s."""
    return ThrottledLog(said.append, 10.0, lambda: now[0])


def test_repetitions_are_counted_and_told_after_the_period(
        log: ThrottledLog, said: list[str], now: list[float]) -> None:
    for _ in range(4):
        log('bad image')
    assert said == ['bad image']
    now[0] += 10.1
    log('bad image')
    assert said[1:] == ['bad image (3 more of these since)']


def test_texts_that_differ_in_numbers_are_one(log: ThrottledLog, said: list[str]) -> None:
    log('truncated at 17 of 100 bytes')
    log('truncated at 3 of 100 bytes')
    log('zero size')
    assert said == ['truncated at 17 of 100 bytes', 'zero size']


def test_memory_is_bounded(log: ThrottledLog) -> None:
    for number in range(10 * MOST_KINDS):
        log('x' * number)
    assert len(log._said) <= MOST_KINDS
