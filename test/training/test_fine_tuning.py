# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Going on from a model with a few images of one's own teaches it to tell their objects apart."""

from __future__ import annotations

import json
from pathlib import Path

from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.main import main
from metricseg_ros.config import BACKGROUND
from metricseg_ros.datasets.label_folder import open_label_folder
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.preprocess import normalise
from metricseg_ros.similarity import similarity, squared_distances
from metricseg_ros.training.checkpoints import read_average
from model_fixtures import small_network
import numpy as np
import pytest
import torch
from training_fixtures import write_scenes

RECIPE = Path(__file__).resolve().parents[2] / 'config' / 'training' / 'finetune.yaml'
STEPS = 60


@pytest.fixture(scope='module')
def tuned(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go on from a model by the shipped recipe, but for sizes that make it a matter of seconds."""
    root = tmp_path_factory.mktemp('tuning')
    write_scenes(root / 'scenes', 3)
    assert main(['train', str(RECIPE), f'pretrained={small_model}',
                 f'data=folder:{root / "scenes"}',
                 f'steps={STEPS}', 'batch_size=4', 'crop_sizes=32x64', 'learning_rate=0.01',
                 'warmup_steps=5', 'average_decay=0.8', '--output', str(root / 'run'),
                 '--workers', '0', '--device', 'cpu']) == DONE
    return root


@torch.no_grad()
def similarities(network: MetricSegmentationNetwork, scenes: Path) -> tuple[float, float]:
    """Give the mean similarity within the objects of some scenes, and that between regions."""
    within, between = [], []
    folder = open_label_folder(scenes)
    for name in folder.names:
        image, labels = folder.read(name)
        embeddings, _ = network.eval()(normalise(torch.from_numpy(image)[None]))
        stride = network.stride
        regions = torch.from_numpy(
            labels[stride // 2::stride, stride // 2::stride].astype(np.int64)).flatten()
        points = embeddings[0].flatten(1).t()
        for number in (1, 2):
            own = points[regions == number]
            within.append(similarity(squared_distances(own, own)).mean())
            for other in {BACKGROUND, 1, 2} - {number}:
                between.append(similarity(
                    squared_distances(own, points[regions == other])).mean())
    return float(torch.stack(within).mean()), float(torch.stack(between).mean())


def test_the_losses_of_a_training_that_goes_on_fall(tuned: Path) -> None:
    rows = [json.loads(line) for line in (tuned / 'run' / 'log.jsonl').read_text().splitlines()]
    losses = np.array([row['embedding_loss'] for row in rows])
    assert len(losses) == STEPS
    assert losses[-10:].mean() < 0.6 * losses[:5].mean()


def test_embeddings_of_objects_come_apart_and_each_keeps_together(tuned: Path) -> None:
    before = similarities(small_network(), tuned / 'scenes')
    after = similarities(read_average(tuned / 'run' / 'checkpoint.pt'), tuned / 'scenes')
    # The radius of the threshold 0.5 holds most of an object, and most else lies outside.
    assert after[0] > 0.5 > after[1]
    assert after[0] - after[1] > 3 * (before[0] - before[1])
