# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg benchmark node` measures a real node against a real bare one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.ros
pytest.importorskip('metricseg_msgs')

from metricseg_ros.cli.main import main  # noqa: E402


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


@pytest.mark.parametrize(('words', 'text'), [
    (['--runs', '0'], '--runs must be at least 1'), (['--soak', '-1'], '--soak must not be'),
    (['--model', '/nowhere/x'], 'no model at /nowhere/x')])
def test_bad_arguments_are_named(capsys: pytest.CaptureFixture[str], words: list[str],
                                 text: str) -> None:
    assert main(['benchmark', 'node', *words]) == 2
    assert text in capsys.readouterr().err
