# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The shipped training configurations can be read, and the paper's is the paper's."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.training.configuration import training_config
from metricseg_ros.training.schedule import rate_factor
import pytest
import torch

FOLDER = Path(__file__).resolve().parents[2] / 'config' / 'training'


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.yaml')), ids=lambda path: path.stem)
def test_shipped_configurations_can_be_read_and_their_networks_built(path):
    config = training_config(path, [])
    with torch.device('meta'):
        network = MetricSegmentationNetwork(config.network)
    classes = 1 if config.network.name_backbone else config.network.class_count
    assert network.class_head.shape == (4, classes + 1)


def test_the_papers_network_and_losses_have_the_papers_numbers():
    config = training_config(FOLDER / 'paper_voc.yaml', [])
    with torch.device('meta'):
        network = MetricSegmentationNetwork(config.network)
    # Four scales of 2048 channels each, an embedding of 64, and 20 classes and background at
    # four thresholds.
    assert network.stride == 8 and network.scales == (0.25, 0.5, 1.0, 2.0)
    assert network.embedding_head.project.weight.shape == (64, 4 * 2048, 1, 1)
    assert network.class_head.project.weight.shape == (4 * 21, 4 * 2048, 1, 1)
    assert config.network.similarity_thresholds == (0.25, 0.5, 0.75, 0.9)
    assert (config.samples_per_instance, config.correct_iou) == (10, 0.5)
    assert config.classification_weight == 0.2 and config.classification_ramp > 0
    assert not config.soft_targets and not config.same_pair_share
    # DeepLab v2's: 0.00025 for the trunk, ten times that for new layers, power 0.9.
    assert config.learning_rate * config.backbone_rate == pytest.approx(0.00025)
    assert rate_factor(config.steps // 2, config) == pytest.approx(0.5 ** 0.9)
