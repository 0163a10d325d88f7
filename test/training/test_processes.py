# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two processes that share each batch train as one process does."""

from __future__ import annotations

import json
import os
from pathlib import Path
import subprocess
import sys

from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.main import main
import pytest
import torch
from training_fixtures import TRAINING, write_scenes
import yaml

# Momentum rather than Adam, whose steps have the size of the rate where a gradient is only noise;
# frozen normalisation, since on CPUs each process would normalise its part of the batch alone.
CHANGES = {'optimiser': 'sgd', 'learning_rate': 0.01, 'warmup_steps': 0, 'batch_norm': 'frozen',
           'batch_size': 4, 'steps': 3, 'classification_ramp': 0.0, 'gradient_norm': 1.0}


@pytest.fixture(scope='module')
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Train the same on one process and on two."""
    root = tmp_path_factory.mktemp('processes')
    write_scenes(root / 'scenes', 3)
    (root / 'training.yaml').write_text(yaml.safe_dump({
        **TRAINING, **CHANGES, 'data': [f'folder:{root / "scenes"}']}))
    done = {name: root / name for name in ('one', 'two')}
    assert main(arguments(root, done['one'])) == DONE
    subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2',
         '-m', 'metricseg_ros.cli.main', *arguments(root, done['two'])], check=True,
        capture_output=True, text=True, timeout=240, env={**os.environ, 'OMP_NUM_THREADS': '1'})
    return done


def arguments(root: Path, output: Path) -> list[str]:
    return ['train', str(root / 'training.yaml'), '--output', str(output), '--workers', '0',
            '--device', 'cpu']


def log_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / 'log.jsonl').read_text().splitlines()]


def test_two_processes_report_the_losses_of_one(runs: dict[str, Path]) -> None:
    one, two = log_of(runs['one']), log_of(runs['two'])
    assert [row['step'] for row in two] == [0, 1, 2]
    for row, other in zip(one, two, strict=True):
        for name in ('embedding_loss', 'classification_loss', 'gradient_norm'):
            assert other[name] == pytest.approx(row[name], rel=1e-3), name


def test_two_processes_reach_the_weights_of_one(runs: dict[str, Path]) -> None:
    one, two = (torch.load(run / 'checkpoint.pt', weights_only=True) for run in runs.values())
    moved = 0.0
    for part in ('network', 'average'):
        for name, tensor in one[part].items():
            torch.testing.assert_close(two[part][name], tensor, rtol=1e-3, atol=1e-5)
    for name, tensor in one['network'].items():
        if tensor.is_floating_point():
            moved = max(moved, float((tensor - one['average'][name]).abs().max()))
    assert moved > 1e-3, 'nothing was trained that could have differed'
