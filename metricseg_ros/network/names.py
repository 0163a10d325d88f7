# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What an object at a pixel would be called, read off the deep maps of a trunk."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn, Tensor
from torch.nn.functional import interpolate

NAMES = 'names.'
"""How the tensors of a network's :class:`NameHead` begin."""


class NameHead(nn.Module):
    """Tells at each pixel which class an object there would be of."""

    def __init__(self, strides: Sequence[int], channels: Sequence[int], class_count: int) -> None:
        """
        Build it.

        :param strides: of a trunk's maps, finest first.
        :param channels: of the same.
        :param class_count: number C of classes, without the background.
        """
        super().__init__()
        self.scale = strides[-1] / strides[-2]
        self.project = nn.ModuleList(nn.Conv2d(width, class_count, 1) for width in channels[-2:])

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """
        Name each pixel.

        :param maps: of the trunk, finest first; the last two are read.
        :return: (B,C,h'',w'') logits of the class of an object, on the grid of the last but one.
        """
        finer, coarser = (layer(features) for layer, features in
                          zip(self.project, maps[-2:], strict=True))
        if self.scale > 1:
            coarser = interpolate(coarser, scale_factor=self.scale, mode='bilinear',
                                  align_corners=False)
        return finer + coarser


class NameBranch(NameHead):
    """
    Names from a trunk of their own, beside the one that finds objects.

    Training for masks makes a trunk forget what things are. So the one that names can stay as it
    was trained for classes, at the price of a second trunk; or it teaches the first one.
    """

    def __init__(self, backbone: nn.Module, class_count: int) -> None:
        """
        Build it.

        :param backbone: a trunk, with `strides` and `channels`.
        :param class_count: number C of classes, without the background.
        """
        super().__init__(backbone.strides, backbone.channels, class_count)
        self.backbone = backbone

    def forward(self, image: Tensor) -> Tensor:
        """
        Name each pixel.

        :param image: (B,3,h,w), normalised.
        :return: (B,C,h'',w'') logits of the class of an object.
        """
        return super().forward(self.backbone(image))
