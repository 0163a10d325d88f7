# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A branch of names without training: the map between two trunks, and where it goes."""

from __future__ import annotations

from dataclasses import asdict
import json
from pathlib import Path

from benchmarks.command import main
from benchmarks.name_branch import fitted_map, joined, put_before
from metricseg_ros.cli.export import named_source
from metricseg_ros.config import NetworkConfig, with_values
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.efficientnet_lite import InvertedResidual
from metricseg_ros.training.checkpoints import write_checkpoint
import pytest
import torch
from torch import nn
from training_fixtures import write_scenes

OBJECTS = NetworkConfig(embedding_dim=4, decoder_channels=8)
NAMED = with_values(OBJECTS, {'name_backbone': 'efficientnet_lite0', 'class_count': 3})


def test_a_linear_map_between_two_networks_is_found() -> None:
    torch.manual_seed(0)
    own, linear = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 1)
    images = [torch.randn(2, 3, 9, 11) for _ in range(3)]
    matrix, left = fitted_map(own, nn.Sequential(own, linear), images)
    assert torch.allclose(matrix[:-1].T, linear.weight.flatten(1), atol=1e-4)
    assert torch.allclose(matrix[-1], linear.bias, atol=1e-4) and abs(left) < 1e-6
    # Noise of variance 1 beside a signal of 4: a fifth of the variance cannot be told.
    told, noise = torch.randn(4, 1, 200, 200), torch.randn(4, 1, 200, 200)
    pair = torch.cat([told, 2 * told + noise], dim=1)
    _, left = fitted_map(lambda maps: maps[:, :1], lambda maps: maps[:, 1:], [pair])
    assert left == pytest.approx(0.2, abs=0.01)


@torch.inference_mode()
def test_a_block_sees_the_map() -> None:
    torch.manual_seed(0)
    block = InvertedResidual(4, 6, 3, 2, 6).eval()
    features, matrix = torch.randn(1, 4, 8, 8), torch.randn(5, 4)
    expected = block(torch.einsum('bchw,cd->bdhw', features, matrix[:-1])
                     + matrix[-1].view(1, 4, 1, 1))
    put_before(block, matrix)
    assert torch.allclose(block(features), expected, atol=1e-4)


@torch.inference_mode()
def test_a_branch_is_made_of_two_networks(tmp_path: Path) -> None:
    torch.manual_seed(0)
    objects, names = (MetricSegmentationNetwork(config).eval() for config in (OBJECTS, NAMED))
    # Of equal first stages the map is the identity, and the names are the same.
    names.names.backbone.load_state_dict(objects.backbone.state_dict())
    for part, network in (('objects', objects), ('names', names)):
        (tmp_path / part).mkdir()
        write_checkpoint(tmp_path / part / 'checkpoint.pt', {
            'config': asdict(network.config), 'average': network.state_dict()})
    training = tmp_path / 'training.yaml'
    training.write_text(json.dumps({
        'data': [f'folder:{write_scenes(tmp_path / "scenes", 3)}'], 'batch_size': 2, 'height': 64,
        'width': 96, 'pretrained': 'none'}))
    folder = tmp_path / 'branch'
    assert main('name_branch', [str(tmp_path / 'objects'), str(tmp_path / 'names'), '--training',
                                str(training), '--steps', '3', '--output', str(folder)]) == 0
    branch, image = named_source(str(folder)).network.eval(), torch.randn(1, 3, 64, 96)
    embeddings, scores, named = branch(image)
    expected = objects(image)
    assert torch.equal(embeddings, expected[0]) and torch.equal(scores, expected[1])
    assert torch.allclose(named, names(image)[2], atol=1e-3)
    with pytest.raises(ValueError, match='a whole trunk of their own'):
        joined(objects, branch, 3)
