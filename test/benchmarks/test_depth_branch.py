# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Variants of the depth branch change what they say, and are trained and measured."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.command import main
from benchmarks.depth_branch import (
    ConcatenatingBranch,
    in_metres,
    one_focal_length,
    without_plane,
)
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.config import from_dict, NetworkConfig
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.depth import depth_channels
import numpy as np
import pytest
from safetensors.torch import save_file
import torch
from torch import Tensor
from training_fixtures import TRAINING, write_scenes, write_wall
import yaml

NETWORK = {'embedding_dim': 4, 'decoder_channels': 8}
CAMERA = torch.tensor([[150.0, 0.0, 0.0, -1.0, 1.0]])


@pytest.fixture
def depth() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0.5, 2, (1, 1, 32, 64))).float()


def test_variants_change_the_channels_they_name_and_no_others(depth: Tensor) -> None:
    usual = depth_channels(depth, CAMERA)[0]

    def changed(other: Tensor) -> list[int]:
        return [index for index in range(7) if not torch.equal(other[0, index], usual[index])]
    assert changed(without_plane(depth, CAMERA)) == [5, 6]
    assert changed(one_focal_length(depth, CAMERA)) == [2, 3]
    assert changed(in_metres(depth, CAMERA)) == [0]
    # The nearest of four pixels, in metres.
    nearest = -torch.nn.functional.max_pool2d(-depth, 2)
    torch.testing.assert_close(in_metres(depth, CAMERA)[:, :1], nearest)


def test_concatenated_features_change_nothing_at_first_and_learn(depth: Tensor) -> None:
    torch.manual_seed(0)
    branch, lateral = ConcatenatingBranch((4, 8), 8), torch.randn(1, 8, 8, 16)
    fused = lateral + branch(depth, CAMERA)[0]
    torch.testing.assert_close(fused, lateral)
    fused.square().sum().backward()
    assert branch.fuse[0].weight.grad[:, 8:].abs().max() > 0


def test_variants_start_without_depth_and_are_measured_with_and_without(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path / 'scenes', 2)
    for index in range(2):
        write_wall(scenes, f'scene{index}', (64, 96))
    start = MetricSegmentationNetwork(from_dict(NetworkConfig, {**NETWORK, 'depth': True}))
    save_file(start.state_dict(), tmp_path / 'weights.safetensors')
    (tmp_path / 'training.yaml').write_text(yaml.safe_dump({
        **TRAINING, 'network': {**NETWORK, 'depth': True}, 'picture_steps': 0,
        'pretrained': str(tmp_path / 'weights.safetensors'), 'data': [f'folder:{scenes}']}))
    assert main('depth_branch', [
        str(tmp_path / 'training.yaml'), f'folder:{scenes}', '--output', str(tmp_path / 'out'),
        '--variant', 'concatenated, not added', '--variant', 'no depth at all',
        'grouping.minimum_score=0', 'grouping.maximum_seeds=4', 'support.enabled=false',
        'backend.name=torch']) == DONE
    rows = json.loads((tmp_path / 'out' / 'depth_branch.json').read_text())
    assert list(rows) == ['depth', 'colour alone']
    for variants in rows.values():
        assert list(variants) == ['concatenated, not added', 'no depth at all']
        assert all(entry['images'] == 4 for entry in variants.values())
        assert variants['concatenated, not added']['difference']['mean'] == 0
    # A network that takes no depth finds the same with it and without.
    with_it, without = (rows[senses]['no depth at all']['datasets']['scenes']['figures']
                        for senses in rows)
    assert with_it == without
