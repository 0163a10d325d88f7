# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg benchmark`: fair timing, and a comparison that is with the right thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from metricseg_ros.backends.gpus import found_gpu
from metricseg_ros.cli.benchmark.measuring import alternate, distribution, spread, table
from metricseg_ros.cli.benchmark.pipeline import stage_rows
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.cli.main import main
import numpy as np
import pytest


def benchmark(tmp_path: Path, *words: str) -> dict[str, Any]:
    path = tmp_path / 'report.json'
    assert main(['benchmark', *words, '--json', str(path)]) == DONE
    return json.loads(path.read_text())


def test_candidates_run_by_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    times = alternate({name: lambda name=name: calls.append(name) for name in 'ab'}, runs=2)
    assert calls == ['a', 'b'] * 3
    assert {name: len(values) for name, values in times.items()} == {'a': 2, 'b': 2}


def test_the_spread_is_median_and_quartiles() -> None:
    assert spread('x_ms', np.array([1.0, 2, 3, 4, 100])) == {'x_ms': 3, 'x_ms_quartiles': [2, 4]}


def test_a_table_shows_what_is_missing_as_a_dash() -> None:
    lines = table([{'a': 'x', 'b': 1.234, 'c': True}, {'a': 'yy'}], ['a', 'b', 'c']).splitlines()
    assert [line.split() for line in lines] == [['a', 'b', 'c'], ['x', '1.23', 'yes'],
                                                ['yy', '-', '-']]


def test_the_network_is_measured_by_backend(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'network', '--size', '60x64', '--runs', '3',
                       'backend.device_policy=cpu')
    assert [row['backend'] for row in report['rows']] == ['onnxruntime', 'torch']
    for row in report['rows']:
        assert row['size'] == '64x64'
        assert 0 < row['network_ms'] <= row['network_p95_ms'] <= row['network_p99_ms']
        assert 0 < row['grouping_ms'] < row['segment_ms'] <= row['segment_p99_ms']


@pytest.mark.skipif(bool(found_gpu()), reason='there is a GPU')
def test_a_preferred_gpu_that_is_missing_gives_each_backend_one_row(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'network', '--size', '32x32', '--runs', '1')
    assert [row['backend'] for row in report['rows']] == ['onnxruntime', 'torch']


def test_a_way_longer_than_the_median_shows_in_the_percentiles() -> None:
    values = np.concatenate([np.full(98, 1.0), [50.0, 50.0]])
    assert distribution('x_ms', values) == {'x_ms': 1, 'x_ms_quartiles': [1, 1], 'x_p95_ms': 1,
                                            'x_p99_ms': 50}


def test_the_pipeline_is_measured_by_stage(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'pipeline', '--rounds', '2')
    rows = {row['stage']: row for row in report['rows']}
    assert list(rows) == ['preprocess', 'network', 'grouping', 'masks', 'segment', 'overlay']
    shares = [int(rows[stage]['share'].removesuffix(' %'))
              for stage in ('preprocess', 'network', 'grouping', 'masks')]
    # A little is lost between the stages, on a busy machine more; and four shares are rounded.
    assert 50 < sum(shares) <= 102
    assert all(row['p50_ms'] <= row['p95_ms'] for row in rows.values())


def test_shares_are_of_the_whole_of_all_images() -> None:
    times = {'preprocess': [1.0, 3.0], 'network': [5.0, 7.0], 'grouping': [2.0, 0.0],
             'masks': [1.0, 1.0], 'segment': [9.0, 11.0], 'overlay': [30.0, 50.0]}
    rows = stage_rows(times)
    assert [row['share'] for row in rows] == ['20 %', '60 %', '10 %', '10 %', None, None]
    assert [row['p50_ms'] for row in rows] == [2, 6, 1, 1, 10, 40]


@pytest.mark.parametrize('words', [
    ['network', '--runs', '0'], ['pipeline', '--rounds', '0'],
    ['pipeline', '/no/where.jpg']])
def test_nonsense_is_refused(words: list[str]) -> None:
    assert main(['benchmark', *words]) == BAD_USAGE
