# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train variants of the branch for depth from one start, each for a short while, and measure them.

TRAINING.yaml is one of `metricseg train` with depth; its `pretrained` is where all variants start,
without what it had learnt of depth. Each variant changes one thing. All are measured on the same
labelled images, with depth and with colour alone. A training that was stopped goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
import sys
from typing import Any
from unittest.mock import patch

from benchmarks.ablation import measured, Variant
from benchmarks.ablations.table import difference, markdown_table
from benchmarks.command import main
from metricseg_ros.cli.evaluations import make_suite, open_all
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import (
    add_configuration,
    configuration,
    split_overrides,
    write_report,
)
from metricseg_ros.config import TrainingConfig, with_values
from metricseg_ros.network.checkpoint import read_weights
from metricseg_ros.network.depth import depth_channels, DepthBranch
from metricseg_ros.network.pretrained import DEPTH
from metricseg_ros.training.configuration import training_config
from metricseg_ros.training.scenes import StepBatches
import torch
from torch import nn, Tensor
from torch.nn.functional import max_pool2d

CHANNELS_AT = 'metricseg_ros.network.depth.depth_channels'
BRANCH_AT = 'metricseg_ros.network.network.DepthBranch'
COLOUR = 'colour alone'
USUAL_FOCAL_LENGTH = 300.0  # pixels of the network's input


def without_plane(depth: Tensor, camera: Tensor) -> Tensor:
    """Tell of depth all but heights above the dominant plane; shapes as of depth_channels."""
    return depth_channels(depth, camera * camera.new_tensor([1.0, 0, 0, 0, 0]))


def one_focal_length(depth: Tensor, camera: Tensor) -> Tensor:
    """Take all cameras' focal lengths for the same; shapes as of depth_channels."""
    return depth_channels(depth, camera * camera.new_tensor([0.0, 1, 1, 1, 1])
                          + camera.new_tensor([USUAL_FOCAL_LENGTH, 0, 0, 0, 0]))


def in_metres(depth: Tensor, camera: Tensor) -> Tensor:
    """Tell metres instead of ln z less its mean in the image; shapes as of depth_channels."""
    valid = (depth > 0).to(depth.dtype)
    inverse = max_pool2d(valid / (depth + (1 - valid)), 2)
    known = (inverse > 0).to(depth.dtype)
    metres = known / (inverse + (1 - known))
    return torch.cat([metres, depth_channels(depth, camera)[:, 1:]], dim=1)


class Beside:
    """Features of depth that are put beside those of colour, where others are added to them."""

    def __init__(self, features: Tensor, layer: nn.Module) -> None:
        """
        Hold them.

        :param features: (B,C,h,w).
        :param layer: from both, (B,2C,h,w), to (B,C,h,w).
        """
        self.features, self.layer = features, layer

    def __radd__(self, lateral: Tensor) -> Tensor:
        """Fuse both: (B,C,h,w)."""
        return self.layer(torch.cat([lateral, self.features], dim=1))


class ConcatenatingBranch(DepthBranch):
    """A branch whose features are concatenated; at first the colours' pass unchanged."""

    def __init__(self, strides: tuple[int, ...], channels: int) -> None:
        """Build it, as a DepthBranch."""
        super().__init__(strides, channels)
        self.fuse = nn.ModuleList(nn.Conv2d(2 * channels, channels, 1) for _ in strides)
        for layer in (*self.project, *self.fuse):
            nn.init.zeros_(layer.bias)
        for layer in self.project:
            nn.init.kaiming_uniform_(layer.weight)
        for layer in self.fuse:
            nn.init.zeros_(layer.weight)
            nn.init.dirac_(layer.weight[:, :channels])

    def forward(self, depth: Tensor, camera: Tensor) -> list[Any]:
        """Compute what stands beside each lateral; 0 for an image without depth."""
        return [Beside(features, layer) for features, layer in
                zip(super().forward(depth, camera), self.fuse, strict=True)]


@dataclass(frozen=True)
class Change:
    """
    What a variant changes.

    :param training: parameters of its training.
    :param parts: name of a part of the network -> what stands in for it.
    :param sensed: whether rendered depth is seen by a sensor.
    """

    training: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    sensed: bool = True


CHANGES = {
    'as it is': Change(),
    'as it is, other random numbers': Change({'rng_seed': 1}),
    'concatenated, not added': Change(parts={BRANCH_AT: ConcatenatingBranch}),
    'metres, not normalised': Change(parts={CHANNELS_AT: in_metres}),
    'without height above the plane': Change(parts={CHANNELS_AT: without_plane}),
    'one focal length for all': Change(parts={CHANNELS_AT: one_focal_length}),
    'no dropout of depth and colour': Change({'depth_dropout': 0.0, 'colour_dropout': 0.0}),
    'exact depth, no sensors': Change(sensed=False),
    'no depth at all': Change({'network.depth': False}),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('training', type=Path, metavar='TRAINING.yaml',
                        help='how all are trained; with few steps, and network.depth')
    parser.add_argument('inputs', nargs='+', metavar='DATASET',
                        help='labelled images with depth; or KEY=VALUE of the segmenter')
    parser.add_argument('--variant', action='append', choices=tuple(CHANGES), metavar='NAME',
                        help='one of these, in this order; all by default: '
                        f'{"; ".join(CHANGES)}')
    parser.add_argument('--output', type=Path, required=True, metavar='DIR',
                        help='folder for trainings, models, depth_branch.md and .json')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """Train and measure the variants; return the exit code."""
    texts, args.overrides = split_overrides(args.inputs)
    config, suite = configuration(args), make_suite(texts, None)
    datasets = {**{f'{name}, {COLOUR}': dataset for name, dataset in
                   open_all(suite, depth=False).items()}, **open_all(suite)}
    args.output.mkdir(parents=True, exist_ok=True)
    start = without_depth(training_config(args.training, []), args.output)
    rows: dict[str, dict[str, Any]] = {'depth': {}, COLOUR: {}}
    for name in args.variant or CHANGES:
        training = changed(start, CHANGES[name])
        with ExitStack() as stack:
            for place, part in CHANGES[name].parts.items():
                stack.enter_context(patch(place, part))
            both = measured(Variant(name, training=training), config, datasets, args.output,
                            suite.rng_seed)
        for senses, variants in rows.items():
            reports = {key.removesuffix(f', {COLOUR}'): report for key, report in both.items()
                       if key.endswith(COLOUR) == (senses == COLOUR)}
            first = next(iter(variants.values()), {'datasets': reports})['datasets']
            variants[name] = {'images': sum(map(len, StepBatches(training, 0))),
                              'datasets': reports,
                              'difference': difference(first, reports, suite.rng_seed)}
        write_report(rows, str(args.output / 'depth_branch.json'))
    tables = '\n\n'.join(f'## {senses}\n\n{markdown_table(variants, str(args.training))}'
                         for senses, variants in rows.items())
    (args.output / 'depth_branch.md').write_text(tables + '\n')
    print(tables)
    return DONE


def without_depth(config: TrainingConfig, folder: Path) -> TrainingConfig:
    """
    Let a training start without what its start has learnt of depth.

    :param folder: where the weights go.
    :return: the training, from these weights.
    """
    from safetensors.torch import save_file

    weights = read_weights(Path(config.pretrained))
    save_file({name: tensor.contiguous()
               for name, tensor in weights.get('average', weights).items()
               if not name.startswith(DEPTH)}, folder / 'start.safetensors')
    return replace(config, pretrained=str(folder / 'start.safetensors'))


def changed(config: TrainingConfig, change: Change) -> TrainingConfig:
    """Make a variant's training of that of all."""
    config = with_values(config, change.training)
    if change.sensed:
        return config
    return replace(config, data=tuple(
        entry if isinstance(entry, str) else {**entry, 'sensed': False} for entry in config.data))


if __name__ == '__main__':
    sys.exit(main('depth_branch'))
