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
        self.counts = [len(axis) for axis in taps]
        self.rows, self.columns = (torch.from_numpy(axis.ravel()).to(device) for axis in taps)
        below, right = np.subtract(geometry.input_size, geometry.content_size).tolist()
        self.padding = (0, right, 0, below)

    def __call__(self, metres: Tensor) -> Tensor:
        """
        Prepare depth, as :func:`metricseg_ros.preprocess.preprocess_depth` does.

        :param metres: (H,W) float32; not known where not positive or not finite.
        :return: (1,1,h,w) float32, 0 where not known.
        """
        along_rows, along_columns = self.counts
        taken = metres.index_select(0, self.rows).index_select(1, self.columns)
        taken = taken.unflatten(1, (along_columns, -1)).unflatten(0, (along_rows, -1))
        taken = torch.where(taken > 0, taken, torch.inf)
        near = taken <= taken.amin(dim=(0, 2), keepdim=True) * SAME_SURFACE
        mean = torch.where(near, taken, 0).sum(dim=(0, 2)) / near.sum(dim=(0, 2))
        return pad(mean.nan_to_num(posinf=0), self.padding)[None, None]
