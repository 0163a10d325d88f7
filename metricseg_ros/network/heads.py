# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The layers on top of a trunk: decoder, embedding head and class head."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.network.efficientnet_lite import conv_bn
import torch
from torch import nn, Tensor
from torch.nn.functional import interpolate

SQUARINGS = 4  # k = 16: of two classes of 0.5 and 0.4 the first keeps 97 % of both
SHARPNESS = 2**SQUARINGS
LARGEST_LOGIT = 60.0  # keeps the exponential finite


def separable(channels: int) -> nn.Sequential:
    """Build a depthwise separable 3x3 convolution."""
    return nn.Sequential(conv_bn(channels, channels, 3, groups=channels),
                         conv_bn(channels, channels))


class PyramidDecoder(nn.Module):
    """Feature pyramid: carries context from the coarse maps down to the finest one."""

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        """
        Build it.

        :param inputs: channels of the trunk's maps, finest first, each half the size before.
        :param channels: channels of the pyramid, and out.
        """
        super().__init__()
        self.laterals = nn.ModuleList(conv_bn(width, channels, activation=False)
                                      for width in inputs)
        self.smooth = nn.ModuleList(separable(channels) for _ in inputs)

    def forward(self, maps: Sequence[Tensor], added: Sequence[Tensor] | None = None) -> Tensor:
        """
        Fuse the maps.

        :param maps: (B,inputs,h/2^i,w/2^i), finest first.
        :param added: (B,channels,h/2^i,w/2^i), what another encoder adds to each lateral.
        :return: (B,channels,h,w).
        """
        context = None
        for index in reversed(range(len(maps))):
            fused = self.laterals[index](maps[index])
            if added is not None:
                fused = fused + added[index]
            if context is not None:
                fused = fused + interpolate(context, scale_factor=2.0, mode='bilinear',
                                            align_corners=False)
            context = self.smooth[index](fused)
        return context


def append_positions(features: Tensor) -> Tensor:
    """
    Add two channels with each pixel's place, for objects that look alike.

    A pure convolution gives equal embeddings to equal objects however far apart they are.

    :param features: (B,C,h,w).
    :return: (B,C+2,h,w): row and column in units of the map's longer side, 0 at its centre.
    """
    shape = features.shape[0], 1, *features.shape[-2:]
    rows, columns = positions(features)
    return torch.cat([features, rows.expand(shape), columns.expand(shape)], dim=1)


def positions(features: Tensor) -> tuple[Tensor, Tensor]:
    """
    Tell each pixel's place.

    :param features: (B,C,h,w).
    :return: rows (1,1,h,1) and columns (1,1,1,w) in units of the map's longer side, 0 at its
        centre.
    """
    height, width = features.shape[-2:]
    scale = max(height, width)
    # Whole numbers, cast afterwards: TensorRT 8.5 makes no other range of a size that varies.
    rows, columns = (torch.arange(side, device=features.device).to(features.dtype)
                     for side in (height, width))
    rows, columns = (rows - (height - 1) / 2) / scale, (columns - (width - 1) / 2) / scale
    return rows.view(1, 1, height, 1), columns.view(1, 1, 1, width)


class EmbeddingHead(nn.Module):
    """A d-dimensional embedding for each pixel (section 3.1 of the paper)."""

    def __init__(self, inputs: int, embedding_dim: int, position_channels: bool) -> None:
        """
        Build it.

        :param position_channels: whether pixels are told their place.
        """
        super().__init__()
        self.position_channels = position_channels
        self.project = nn.Conv2d(inputs + 2 * position_channels, embedding_dim, 1)

    def forward(self, features: Tensor) -> Tensor:
        """
        Embed each pixel.

        :param features: (B,inputs,h,w).
        :return: (B,d,h,w).
        """
        return self.project(append_positions(features) if self.position_channels else features)


class ClassHead(nn.Module):
    """For each pixel and similarity threshold, the class of the mask it would grow."""

    def __init__(self, inputs: int, thresholds: int, class_count: int) -> None:
        """
        Build it.

        :param thresholds: number T of similarity thresholds.
        :param class_count: number C of classes, without the background.
        """
        super().__init__()
        self.shape = (thresholds, class_count + 1)
        self.project = nn.Conv2d(inputs, thresholds * (class_count + 1), 1)

    def forward(self, features: Tensor) -> Tensor:
        """
        Score each pixel.

        :param features: (B,inputs,h,w).
        :return: (B,T(C+1),h,w) logits, those of a threshold together; :attr:`shape` is (T,C+1).
        """
        return self.project(features)


def scored_as_objects(class_logits: Tensor) -> Tensor:
    """
    Give the likeliest class the score of all classes together; the background keeps its own.

    Where classes c >= 1 share a score, seediness would be low although an object is certain. The
    share of each among them is raised to a high power, which leaves one: P'(c) = P(c >= 1)
    P(c)^k / sum_{i>=1} P(i)^k.

    :param class_logits: (B,T,C+1,h,w).
    :return: the same shape, logits of P'.
    """
    background, classes = class_logits[:, :, :1], class_logits[:, :, 1:]
    classes = classes.clamp(-LARGEST_LOGIT, LARGEST_LOGIT)
    # One exponential and squarings: a softmax across channels costs ONNX Runtime six times more.
    exponentials = classes.exp()
    together = exponentials.sum(dim=2, keepdim=True)
    shares = exponentials / together
    for _ in range(SQUARINGS):
        shares = shares.square()
    norm = shares.sum(dim=2, keepdim=True)
    sharpened = SHARPNESS * classes - (SHARPNESS - 1) * together.log() - norm.log()
    return torch.cat([background, sharpened], dim=2)
