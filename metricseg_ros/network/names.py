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

    def read(self, maps: Sequence[Tensor]) -> Tensor:
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

    def named(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return what :meth:`read` does, and the two maps that it reads."""
        return self.read(maps), maps[-2], maps[-1]


class NameBranch(NameHead):
    """
    Names from a trunk of their own, beside the one that finds objects.

    Training for masks makes a trunk forget what things are. So the one that names can stay as it
    was trained for classes, at the price of a second trunk; or it teaches the first one, or a
    branch of it.
    """

    def __init__(self, backbone: nn.Module, class_count: int, stages_shared: int = 0,
                 most_blocks: int = 0) -> None:
        """
        Build it.

        :param backbone: a trunk, with `strides` and `channels`.
        :param class_count: number C of classes, without the background.
        :param stages_shared: first stages that are left out of it, as another trunk has them.
        """
        super().__init__(backbone.strides, backbone.channels, class_count)
        self.backbone = backbone
        if stages_shared:
            backbone.leave_out(stages_shared, most_blocks)

    def forward(self, image: Tensor) -> Tensor:
        """
        Name each pixel.

        :param image: (B,3,h,w), normalised; or the map of the other trunk's last shared stage.
        :return: (B,C,h'',w'') logits of the class of an object.
        """
        return self.read(self.backbone(image))
