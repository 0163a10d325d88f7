# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Let names go on from the trunk that finds objects, without training.

The first stages of the trunk that names are left out, and the later ones read the map of the other
trunk's first stages instead (`network.name_stages_shared`). What is between these two maps is a
linear map, fitted by least squares to images of a training; it goes into the weights of the first
later convolution, and so costs nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
import sys

from benchmarks.command import main
from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.export import named_source
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import load_weights
from metricseg_ros.network.efficientnet_lite import InvertedResidual
from metricseg_ros.network.names import NAMES
from metricseg_ros.preprocess import normalise
from metricseg_ros.training.checkpoints import write_checkpoint
from metricseg_ros.training.configuration import training_config
from metricseg_ros.training.scenes import open_sources, SceneDataset, StepBatches
import torch
from torch import nn, Tensor
from torch.utils.data import DataLoader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('objects', metavar='MODEL|RUN', help='what finds objects')
    parser.add_argument('names', metavar='MODEL|RUN', help='what names them by a trunk of its own')
    parser.add_argument('--stages', type=whole_number(1), default=3,
                        help='first stages that are shared: 1, 2, 3 or 5 (default: %(default)s)')
    parser.add_argument('--training', type=Path, required=True, metavar='TRAINING.yaml',
                        help='its images, which the map is fitted to')
    parser.add_argument('--steps', type=whole_number(1), default=24,
                        help='batches of them (default: %(default)s)')
    parser.add_argument('--output', type=Path, required=True, metavar='FOLDER',
                        help='gets checkpoint.pt, which metricseg export and a training take')


def run(args: argparse.Namespace) -> int:
    """Write the checkpoint; return the exit code."""
    config = training_config(args.training, [f'steps={args.steps}'])
    objects, names = (named_source(text).network.eval() for text in (args.objects, args.names))
    network = joined(objects, names, args.stages)
    batches = DataLoader(SceneDataset(open_sources(config), config),
                         batch_sampler=StepBatches(config, 0))
    matrix, left = fitted_map(
        *(nn.Sequential(*part.first_stages(args.stages))
          for part in (network.backbone, names.names.backbone)),
        (normalise(scenes.image) for scenes in batches))
    put_before(network.names.backbone.stages[args.stages][0], matrix)
    args.output.mkdir(parents=True, exist_ok=True)
    write_checkpoint(args.output / 'checkpoint.pt',
                     {'config': asdict(network.config), 'average': network.state_dict()})
    print(f'{args.output}: {left:.3f} of the variance of the other map is left')
    return DONE


def joined(objects: MetricSegmentationNetwork, names: MetricSegmentationNetwork,
           stages: int) -> MetricSegmentationNetwork:
    """
    Put the later stages of a trunk of names behind the first ones of a trunk of objects.

    :raises ValueError: if the two do not go together.
    """
    if not names.has_name_trunk or names.stages_shared:
        raise ValueError('names must come from a whole trunk of their own')
    network = MetricSegmentationNetwork(replace(
        objects.config, name_backbone=names.config.name_backbone, name_stages_shared=stages,
        class_count=names.config.class_count))
    own = network.state_dict()
    load_weights(network, {
        name: tensor for part, kept in ((objects, False), (names, True))
        for name, tensor in part.state_dict().items()
        if name.startswith(NAMES) == kept and (not kept or name in own)}, 'both together')
    return network.eval()


@torch.no_grad()
def fitted_map(own: nn.Module, theirs: nn.Module,
               images: Iterable[Tensor]) -> tuple[Tensor, float]:
    """
    Fit a linear map between what two networks make of the same images.

    :param own: image -> (B,C,h,w).
    :param theirs: image -> (B,C',h,w).
    :param images: (B,3,H,W) each.
    :return: (C + 1,C') that takes the former, and 1, to the latter, and the share of the latter's
        variance that is left.
    """
    squares: Sequence[Tensor] | None = None
    for image in images:
        left, right = (module(image).movedim(1, -1).flatten(0, -2).double()
                       for module in (own, theirs))
        both = torch.cat([left, torch.ones_like(left[:, :1]), right], dim=1)
        squares = both.T @ both + (0 if squares is None else squares)
    inputs = left.shape[1] + 1
    inner, across, outer = (squares[:inputs, :inputs], squares[:inputs, inputs:],
                            squares[inputs:, inputs:])
    matrix = torch.linalg.lstsq(inner, across, driver='gelsd').solution
    mean = squares[inputs - 1, inputs:] / squares[inputs - 1, inputs - 1]
    variance = outer.trace() - squares[inputs - 1, inputs - 1] * mean.square().sum()
    return matrix.float(), ((outer.trace() - (matrix * across).sum()) / variance).item()


@torch.no_grad()
def put_before(block: InvertedResidual, matrix: Tensor) -> None:
    """
    Let a block see a linear map of its input, by its first convolution and the mean after it.

    :param block: without a shortcut; it is changed.
    :param matrix: (C + 1,C), as :func:`fitted_map` gives it.
    """
    convolution, norm = block.expand[:2]
    weight = convolution.weight.flatten(1)
    norm.running_mean -= weight @ matrix[-1]
    convolution.weight.copy_((weight @ matrix[:-1].T).view_as(convolution.weight))


if __name__ == '__main__':
    sys.exit(main('name_branch'))
