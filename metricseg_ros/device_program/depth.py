# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth on the device: resized as on the CPU, the nearest surface of each new pixel."""

from __future__ import annotations

from metricseg_ros.preprocess import depth_taps, ImageGeometry, SAME_SURFACE
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad


class DepthPreparation:
    """Prepares depth of one size."""

    def __init__(self, geometry: ImageGeometry, device: torch.device) -> None:
        """
        Write the resizing down.

        :param geometry: how the image lies in the network's input.
        :param device: where depth is.
        """
        taps = depth_taps(geometry.image_size, geometry.content_size)
        self.counts, self.content_size = [len(axis) for axis in taps], geometry.content_size
        rows, columns = (axis.ravel().astype(np.int32) for axis in taps)
        self.pixels = torch.from_numpy(np.add.outer(
            rows * geometry.image_size[1], columns).ravel()).to(device)
        below, right = np.subtract(geometry.input_size, geometry.content_size).tolist()
        self.padding = (0, right, 0, below)

    def __call__(self, metres: Tensor) -> Tensor:
        """
        Prepare depth, as :func:`metricseg_ros.preprocess.preprocess_depth` does.

        :param metres: (H,W) float32; not known where not positive or not finite.
        :return: (1,1,h,w) float32, 0 where not known.
        """
        along_rows, along_columns = self.counts
        height, width = self.content_size
        taken = metres.flatten().index_select(0, self.pixels)
        taken = taken.view(along_rows, height, along_columns, width)
        taken = torch.where(taken > 0, taken, torch.inf)
        near = taken <= taken.amin(dim=(0, 2), keepdim=True) * SAME_SURFACE
        mean = torch.where(near, taken, 0).sum(dim=(0, 2)) / near.sum(dim=(0, 2))
        return pad(mean.nan_to_num(posinf=0), self.padding)[None, None]
