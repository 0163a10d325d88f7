# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg benchmark node` measures a real node against a real bare one."""

from __future__ import annotations

import json
import os
from pathlib import Path
import subprocess
import sys

from metricseg_ros.cli.benchmark.node import stream_rows
from metricseg_ros.cli.main import main
import pytest

pytestmark = pytest.mark.ros

TWO_CAMERAS = """
import json, pathlib, sys
from metricseg_ros.ros.benchmark import streams
from metricseg_ros.ros.benchmark.benchmark import photograph
streams.WARM_UP_S = 0.5
print(json.dumps(streams.streams(pathlib.Path(sys.argv[1]), sys.argv[2], photograph((96, 192)),
                                 2, 10.0, 2.0)))
"""
"""In a process of its own, as it changes the environment; with little time to warm up."""


def test_the_overhead_is_the_difference_of_what_was_timed(colour_model: Path,
                                                          tmp_path: Path) -> None:
    path = tmp_path / 'node.json'
    assert main(['benchmark', 'node', '--model', str(colour_model), '--runs', '1', '--soak', '4',
                 '--json', str(path)]) == 0
    report = json.loads(path.read_text())
    assert {row['size'] for row in report['rows']} == {'240x320', '720x1280'}
    assert len(report['rows']) == 6
    for row in report['rows']:
        difference = row['node_ms'] - row['library_ms'] - row['bare_ms']
        assert row['overhead_ms'] == pytest.approx(difference, abs=0.01)
        assert min(row['bare_ms'], row['library_ms']) > 0
    soak = report['soak']
    assert 0 < soak['images_segmented'] <= soak['images_sent']
    assert 50 < soak['rss_mb_settled'] <= soak['rss_mb_most'] < 1000
    assert 0 < soak['shared_mb_most'] < soak['rss_mb_most']


def test_every_camera_is_counted_and_so_is_what_else_keeps_the_machine_busy(
        colour_model: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, '-c', TWO_CAMERAS, tmp_path, colour_model],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = stream_rows([json.loads(done.stdout)])
    assert [(row['cameras'], row['camera']) for row in rows] == [(2, 'camera0'), (2, 'camera1')]
    for row in rows:
        assert 0 < row['segmented'] <= row['received'] and row['sent'] <= 21
        assert row['age_ms_p50'] <= row['age_ms_p99']
        assert 50 < row['rss_mb'] < 2000
        assert min(row['cpu_cores'], row['feeder_cores']) > 0
        assert -0.1 < row['other_cores'] < os.cpu_count()


@pytest.mark.parametrize(('words', 'text'), [
    (['--runs', '0'], '--runs: must be a whole number of at least 1'),
    (['--soak', '-1'], '--soak: must be a number of at least 0'),
    (['--streams', '-1'], '--streams: must be a number of at least 0'),
    (['--model', '/nowhere/x'], 'no model at /nowhere/x')])
def test_bad_arguments_are_named(capsys: pytest.CaptureFixture[str], words: list[str],
                                 text: str) -> None:
    assert main(['benchmark', 'node', *words]) == 2
    assert text in capsys.readouterr().err
