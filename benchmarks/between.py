# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write weights that lie between those of two models, for a training to start from.

A network that goes on with other data forgets some of what it could. Between its weights of before
and after lie some that keep more of both (Wortsman et al., "Robust fine-tuning of zero-shot
models", CVPR 2022). The statistics of batch normalisations are none of them: they are taken anew
from images of a training. Stages that this training freezes are those of the later model.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
import sys

from benchmarks.command import main
from metricseg_ros.arguments import real_number, whole_number
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.config import TrainingConfig
from metricseg_ros.models import load_description
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import load_weights, read_weights
from metricseg_ros.preprocess import normalise
from metricseg_ros.training.configuration import training_config
from metricseg_ros.training.scenes import (
    open_sources,
    SceneDataset,
    StepBatches,
    TrainingScene,
)
from safetensors.torch import save_file
import torch
from torch import nn, Tensor
from torch.utils.data import DataLoader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('before', metavar='MODEL', help='a model, by name or folder')
    parser.add_argument('after', metavar='MODEL', help='the model that it became')
    parser.add_argument('--share', type=real_number(0, 1), default=0.5,
                        help='how far from the one to the other (default: %(default)s)')
    parser.add_argument('--training', type=Path, required=True, metavar='TRAINING.yaml',
                        help='its images, of which the statistics are')
    parser.add_argument('--steps', type=whole_number(1), default=60,
                        help='batches of them (default: %(default)s)')
    parser.add_argument('--output', type=Path, required=True, metavar='FILE.safetensors',
                        help='weights, as `pretrained` of a training takes them')


def run(args: argparse.Namespace) -> int:
    """Write the weights; return the exit code."""
    config = training_config(args.training, [f'steps={args.steps}'])
    network, later = (MetricSegmentationNetwork(load_description(args.after).network)
                      for _ in range(2))
    after = weights_of(args.after)
    load_weights(later, after, args.after)
    load_weights(network, between(weights_of(args.before), after, args.share), args.after)
    for stage, kept in zip(*(each.backbone.first_stages(config.frozen_stages)
                             for each in (network, later)), strict=True):
        stage.load_state_dict(kept.state_dict())
    renew_statistics(network, config, DataLoader(
        SceneDataset(open_sources(config), config), batch_sampler=StepBatches(config, 0)))
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()},
              args.output)
    print(args.output)
    return DONE


def weights_of(model: str) -> dict[str, Tensor]:
    """Read a model's weights, by the names of their tensors."""
    return read_weights(load_description(model).checked_file('weights.safetensors'))


def between(before: Mapping[str, Tensor], after: Mapping[str, Tensor],
            share: float) -> dict[str, Tensor]:
    """
    Give the weights between two.

    :param share: how far from those before to those after.
    :return: all tensors after; those that were not there before, and whole numbers, as they are.
    """
    return {name: torch.lerp(before[name], tensor, share)
            if name in before and tensor.is_floating_point() else tensor
            for name, tensor in after.items()}


@torch.no_grad()
def renew_statistics(network: MetricSegmentationNetwork, config: TrainingConfig,
                     batches: Iterable[TrainingScene]) -> None:
    """
    Take the mean statistics of batches, but of stages that were frozen and of the trunk of names.

    :param network: it is changed, and left in evaluation mode.
    :param config: says which stages are frozen.
    :param batches: the images.
    """
    network.train()
    frozen = [*network.backbone.first_stages(config.frozen_stages)]
    for part in frozen + ([network.names] if network.has_name_trunk else []):
        part.eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.training:
            module.reset_running_stats()
            module.momentum = None  # The mean of all batches.
    for scenes in batches:
        depth = (scenes.depth, scenes.camera) if network.config.depth else ()
        network(normalise(scenes.image), *depth)
    network.eval()


if __name__ == '__main__':
    sys.exit(main('between'))
