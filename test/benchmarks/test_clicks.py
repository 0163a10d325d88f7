# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clicks are compared with the network."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.command import main
from metricseg_ros.cli.exit_codes import BAD_USAGE
import pytest


def test_clicks_are_measured_against_the_network(report_of: Callable) -> None:
    report = report_of('clicks', '--runs', '2', '--size', '120x160')
    network, one, three = report['rows']
    assert network['what'] == 'network' and network['network_times'] == 1
    for row in (one, three):
        assert 0 < row['p50_ms'] <= row['p95_ms']
        assert row['network_times'] == pytest.approx(network['p50_ms'] / row['p50_ms'], abs=0.06)


def test_nonsense_is_refused() -> None:
    assert main('clicks', ['--runs', '0']) == BAD_USAGE
