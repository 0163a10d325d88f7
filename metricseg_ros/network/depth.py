# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The light encoder of depth, whose features are added to those of the colours.

What it sees of depth does not change with the scale of the scene: ratios of depths, slopes,
heights above the support as shares of the distance. Plain operators only, and means rather than
sums, so that half precision and TensorRT 8.5 take them.
"""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.network.efficientnet_lite import conv_bn, InvertedResidual
from metricseg_ros.network.heads import positions
import torch
from torch import nn, Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

CHANNELS = 7
"""What :func:`depth_channels` tells of each pixel."""

SMOOTHED, SURROUNDINGS = 3, 21  # pixels of half the input's resolution
HEIGHT, NEAR = 0.05, 0.008  # shares of the distance: an object's height, the support's noise
RELIEF = 0.05  # of ln z
FARTHEST = 2.0  # of ln z, from the mean
# (blocks, kernel, stride, expansion, channels) of each stage; the first is at stride 4.
STAGES = ((2, 3, 1, 2, 24), (2, 3, 2, 4, 40), (2, 5, 2, 4, 80), (1, 5, 2, 4, 112))
STRIDES = (4, 8, 16, 32)


def depth_channels(depth: Tensor, camera: Tensor) -> Tensor:
    """
    Tell what depth says of shapes, at half the input's resolution.

    :param depth: (B,1,h,w) metres, 0 where it is not known.
    :param camera: (B,5), as :func:`metricseg_ros.preprocess.camera_vector` makes it.
    :return: (B,7,h/2,w/2): ln z less its mean; whether z is known; slopes along columns and rows;
        ln z less the mean around; height above the support as a share of the distance, and
        nearness to it. All 0 where depth is not known.
    """
    valid = (depth > 0).to(depth.dtype)
    # Of four pixels the nearest surface: its inverse is the largest, and 0 is none.
    inverse = max_pool2d(valid / (depth + (1 - valid)), 2)
    valid = (inverse > 0).to(depth.dtype)
    focal, ray_column, ray_row, ray_ahead, distance = (
        camera[:, index:index + 1, None, None] for index in range(5))
    log_depth = -torch.log(inverse + (1 - valid))
    mean = (log_depth.mean(dim=(2, 3), keepdim=True)
            / valid.mean(dim=(2, 3), keepdim=True).clamp_min(1e-4))
    relative = (log_depth - mean) * valid
    rows, columns = positions(inverse)
    height = distance * inverse + (ray_column * columns + ray_row * rows + ray_ahead) * valid
    supported = (distance > 0).to(depth.dtype) * valid
    return torch.cat([
        relative.clamp(-FARTHEST, FARTHEST), valid,
        *(softsign(slope) for slope in slopes(relative, valid, focal / 2)),
        softsign((relative - masked_mean(relative, valid, SURROUNDINGS)) * valid / RELIEF),
        softsign(height / HEIGHT) * supported,
        supported / (1 + (height / NEAR).clamp(-100, 100).square())], dim=1)


def masked_mean(values: Tensor, valid: Tensor, size: int) -> Tensor:
    """
    Average over the square around each pixel what is known there.

    :param values: (B,1,h,w), 0 where nothing is known.
    :param valid: (B,1,h,w), 1 where something is known, else 0.
    :param size: side of the square, odd.
    :return: (B,1,h,w); 0 where nothing is known in the whole square.
    """
    def mean(maps: Tensor) -> Tensor:
        along = avg_pool2d(maps, (size, 1), stride=1, padding=(size // 2, 0))
        return avg_pool2d(along, (1, size), stride=1, padding=(0, size // 2))
    return mean(values) / mean(valid).clamp_min(0.5 / size ** 2)


def slopes(log_depth: Tensor, valid: Tensor, focal: Tensor) -> tuple[Tensor, Tensor]:
    """
    Tell how steeply surfaces fall away from the camera: f d(ln z)/dx, on the optical axis dz/dX.

    :param log_depth: (B,1,h,w) ln z, 0 where it is not known.
    :param valid: (B,1,h,w), 1 where it is known, else 0.
    :param focal: (B,1,1,1), focal length in pixels.
    :return: slopes along columns and rows, (B,1,h,w) each; 0 where it cannot be told.
    """
    smooth = masked_mean(log_depth, valid, SMOOTHED)
    # Differences by hand: a convolution may round its inputs to ten bits on a GPU.
    across = (smooth[..., 2:] - smooth[..., :-2]) * valid[..., 2:] * valid[..., :-2]
    down = (smooth[..., 2:, :] - smooth[..., :-2, :]) * valid[..., 2:, :] * valid[..., :-2, :]
    return pad(across, (1, 1, 0, 0)) * focal / 2, pad(down, (0, 0, 1, 1)) * focal / 2


def softsign(values: Tensor) -> Tensor:
    """Squash values of any shape to (-1, 1), by x / (1 + |x|)."""
    return values / (1 + values.abs())


class DepthBranch(nn.Module):
    """From depth to what is added to the pyramid's laterals; nothing where no depth is known."""

    def __init__(self, strides: Sequence[int], channels: int) -> None:
        """
        Build it so that it adds nothing before it is trained.

        :param strides: of the pyramid's laterals, finest first.
        :raises ValueError: if the pyramid has a stride that the encoder has not.
        """
        super().__init__()
        if not set(strides) <= set(STRIDES):
            raise ValueError(f'depth needs a pyramid of strides {STRIDES}, got {tuple(strides)}: '
                             'take decoder_stride=4 or coarser, and a trunk that goes down to 32')
        width = STAGES[0][-1]
        self.stem = conv_bn(CHANNELS, width, 3, stride=2)
        self.stages = nn.ModuleList()
        for count, kernel, stride, expansion, outputs in STAGES:
            blocks = [InvertedResidual(width if number == 0 else outputs, outputs, kernel,
                                       stride if number == 0 else 1, expansion)
                      for number in range(count)]
            self.stages.append(nn.Sequential(*blocks))
            width = outputs
        self.taps = [STRIDES.index(stride) for stride in strides]
        self.project = nn.ModuleList(nn.Conv2d(STAGES[tap][-1], channels, 1) for tap in self.taps)
        for layer in self.project:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, depth: Tensor, camera: Tensor) -> list[Tensor]:
        """
        Compute what is added.

        :param depth: (B,1,h,w) metres, 0 where it is not known.
        :param camera: (B,5), as :func:`metricseg_ros.preprocess.camera_vector` makes it.
        :return: for each of the strides s, (B,channels,h/s,w/s); 0 for an image without depth.
        """
        known = depth.amax(dim=(2, 3), keepdim=True) > 0
        # Batch statistics are those of images with depth alone.
        if self.training and known.any() and not known.all():
            own = known.flatten()
            return [features.new_zeros(len(own), *features.shape[1:]).index_put(
                (own.nonzero().squeeze(1),), features)
                for features in self.features(depth[own], camera[own])]
        return [features * known.to(depth.dtype) for features in self.features(depth, camera)]

    def features(self, depth: Tensor, camera: Tensor) -> list[Tensor]:
        """
        Encode depth.

        :param depth: (B,1,h,w) metres.
        :param camera: (B,5).
        :return: for each of the strides s, (B,channels,h/s,w/s).
        """
        features, maps = self.stem(depth_channels(depth, camera)), []
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        return [layer(maps[tap]) for layer, tap in zip(self.project, self.taps, strict=True)]
