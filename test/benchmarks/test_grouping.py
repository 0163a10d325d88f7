# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of groupings is with the right thing."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.command import main
from metricseg_ros.cli.exit_codes import BAD_USAGE
import pytest


def test_grouping_is_compared_with_the_formula(report_of: Callable) -> None:
    report = report_of('grouping', '--grid', '48x64', '--seeds', '20', '--runs', '2',
                       '--clustering-limit', '0')
    assert [(row['kind'], row['ends']) for row in report['rows']] == [
        ('random', 'at 20'), ('real', 'at 20'), ('real', 'once explained')]
    for row in report['rows']:
        assert row['grid'] == '48x64' and row['seeds_identical']
        assert row['plain_ms'] > 0 and row['ours_ms'] > 0 and row['speedup'] > 0
    assert report['rows'][0]['seeds'] == 20 and report['rows'][0]['dimensions'] == 64
    assert {'cpu', 'cores', 'torch_threads', 'versions'} <= set(report['machine'])


@pytest.mark.parametrize('words', [['--runs', '0'], ['--grid', '240']])
def test_nonsense_is_refused(words: list[str]) -> None:
    assert main('grouping', words) == BAD_USAGE
