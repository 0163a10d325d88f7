# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A trunk of its own that names things, beside the one that finds them.

Training for masks makes a trunk forget what things are, and the other way round. So the one that
names can stay as it was trained for classes, and a layer on top reads its deep features off.
"""

from __future__ import annotations

import torch
from torch import nn, Tensor
from torch.nn.functional import interpolate

NAMES = 'names.'
"""How the tensors of a network's :class:`NameBranch` begin."""


class NameBranch(nn.Module):
    """Tells at each pixel which class an object there would be of."""

    def __init__(self, backbone: nn.Module, class_count: int, stride: int) -> None:
        """
        Build it.

        :param backbone: a trunk, with `strides` and `channels`.
        :param class_count: number C of classes, without the background.
        :param stride: of the grid.
        """
        super().__init__()
        self.backbone = backbone
        self.scales = [own / stride for own in backbone.strides[-2:]]
        self.project = nn.ModuleList(nn.Conv2d(channels, class_count, 1)
                                     for channels in backbone.channels[-2:])

    def forward(self, image: Tensor) -> Tensor:
        """
        Name each pixel.

        :param image: (B,3,h,w), normalised.
        :return: (B,C,h',w') logits of the class of an object.
        """
        logits = [interpolate(layer(features), scale_factor=scale, mode='bilinear',
                              align_corners=False)
                  for features, scale, layer in zip(self.backbone(image)[-2:], self.scales,
                                                    self.project, strict=True)]
        return logits[0] + logits[1]


def named(class_logits: Tensor, names: Tensor) -> Tensor:
    """
    Share the score of an object out among the classes: P(c) = P(object) P(c | object).

    :param class_logits: (B,T,2,h,w), background and object.
    :param names: (B,C,h,w) logits of P(c | object).
    :return: (B,T,C+1,h,w) logits of the background and of the classes; together the classes have
        the probability of the object.
    """
    background, thing = class_logits[:, :, :1], class_logits[:, :, 1:]
    # Not log_softmax: TensorRT takes the logarithm of a softmax, which is that of 0 where a class
    # is far from likely.
    names = names - names.amax(dim=1, keepdim=True)
    names = names - names.exp().sum(dim=1, keepdim=True).log()
    return torch.cat([background, thing + names[:, None]], dim=2)
