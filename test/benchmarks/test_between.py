# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights between two models: their share of the way, and statistics of a training's images."""

from __future__ import annotations

from pathlib import Path

from benchmarks.between import between, renew_statistics
from benchmarks.command import main
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.config import from_dict, TrainingConfig
from metricseg_ros.models import load_description
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import read_weights
from metricseg_ros.training.scenes import open_sources, SceneDataset, StepBatches
import pytest
import torch
from torch.utils.data import DataLoader
from training_fixtures import write_scenes
import yaml

SMALL = {'embedding_dim': 4, 'decoder_channels': 8}


def test_weights_lie_a_share_of_the_way_and_what_is_new_stays() -> None:
    before = {'a': torch.tensor([0.0, 4.0]), 'count': torch.tensor(1)}
    after = {'a': torch.tensor([2.0, 0.0]), 'count': torch.tensor(7), 'new': torch.ones(1)}
    found = between(before, after, 0.25)
    assert found['a'].tolist() == [0.5, 3.0]
    assert found['count'] == 7 and found['new'].tolist() == [1.0]


def test_statistics_are_the_mean_of_the_batches_but_of_what_was_frozen(tmp_path: Path) -> None:
    write_scenes(tmp_path, 4)
    config = from_dict(TrainingConfig, {
        'data': [f'folder:{tmp_path}'], 'batch_size': 2, 'steps': 2, 'height': 64, 'width': 64,
        'frozen_stages': 1, 'network': SMALL})
    network = MetricSegmentationNetwork(config.network)
    norm = next(part for part in network.decoder.modules()
                if isinstance(part, torch.nn.BatchNorm2d))
    given: list[torch.Tensor] = []
    norm.register_forward_hook(lambda _, inputs, __: given.append(inputs[0]))
    frozen = network.backbone.state_dict()['stem.2.running_mean'].clone()
    batches = list(DataLoader(SceneDataset(open_sources(config), config),
                              batch_sampler=StepBatches(config, 0)))
    renew_statistics(network, config, batches)
    means = torch.stack([inputs.mean(dim=(0, 2, 3)) for inputs in given])
    assert len(given) == 2 and not network.training
    torch.testing.assert_close(norm.running_mean, means.mean(dim=0))
    assert torch.equal(network.backbone.state_dict()['stem.2.running_mean'], frozen)


def test_all_the_way_gives_the_model_after_but_for_its_statistics(tmp_path: Path) -> None:
    write_scenes(tmp_path / 'scenes', 2)
    training = tmp_path / 'training.yaml'
    training.write_text(yaml.safe_dump({'data': [f'folder:{tmp_path}/scenes'], 'batch_size': 2,
                                        'height': 64, 'width': 64}))
    output = tmp_path / 'weights.safetensors'
    assert main('between', ['household-lite', 'household-rgbd', '--share', '1', '--steps', '1',
                            '--training', str(training), '--output', str(output)]) == DONE
    written = read_weights(output)
    model = load_description('household-rgbd')
    shipped = read_weights(model.checked_file('weights.safetensors'))
    assert set(written) == set(shipped)
    for name, tensor in shipped.items():
        if 'running_' not in name and 'batches' not in name:
            assert torch.equal(written[name], tensor)


@pytest.mark.parametrize('share', ['1.5', '-0.1', 'half'])
def test_a_share_beyond_either_end_is_refused(share: str, capsys) -> None:
    assert main('between', ['a', 'b', '--share', share, '--training', 'x', '--output', 'y']
                ) == BAD_USAGE
    assert '--share' in capsys.readouterr().err
