# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The frame on the device: fitted into the box, padded and normalised."""

from __future__ import annotations

from metricseg_ros.preprocess import ImageGeometry
import numpy as np
import torch
from torch import Tensor


def resize_matrix(source: int, target: int, padded: int, area: bool) -> np.ndarray:
    """
    Write cv2's resizing along one axis as a matrix, and the padding that repeats the last pixel.

    :param source: pixels before.
    :param target: pixels after.
    :param padded: pixels after padding.
    :param area: means over the pixels' areas, as for shrinking; else linear interpolation.
    :return: (padded,source) float64, rows of sum 1.
    """
    scale, pixels = source / target, np.arange(source)
    if area:
        first = np.arange(target)[:, None] * scale
        weights = (np.minimum(first + scale, pixels + 1) - np.maximum(first, pixels)).clip(0)
    else:
        centres = ((np.arange(target) + 0.5) * scale - 0.5).clip(0, source - 1)[:, None]
        weights = (1 - abs(centres - pixels)).clip(0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.concatenate([weights, np.repeat(weights[-1:], padded - target, axis=0)])


class FramePreparation:
    """Prepares frames of one size."""

    def __init__(self, geometry: ImageGeometry, mean: tuple[float, ...], std: tuple[float, ...],
                 device: torch.device) -> None:
        """
        Write the resizing down.

        :param geometry: how the frame lies in the network's input.
        :param mean: normalisation of each channel, of values in [0,1].
        :param std: the same.
        :param device: where frames are.
        """
        shrinks = geometry.content_size[0] < geometry.image_size[0]
        self.rows, self.columns = (
            torch.tensor(resize_matrix(source, target, padded, shrinks), dtype=torch.float32,
                         device=device)
            for source, target, padded in zip(geometry.image_size, geometry.content_size,
                                              geometry.input_size, strict=True))
        self.scale, self.shift = (torch.tensor(values, device=device)[:, None, None] for values in
                                  ([1 / (255 * s) for s in std],
                                   [-m / s for m, s in zip(mean, std, strict=True)]))
        # cv2 rounds halves up where it halves an image, to even numbers everywhere else.
        self.halves = all(2 * target == source for source, target in
                          zip(geometry.image_size, geometry.content_size, strict=True))

    def __call__(self, frame: Tensor) -> Tensor:
        """
        Prepare a frame, as :func:`metricseg_ros.preprocess.preprocess` does.

        :param frame: (H,W,3) uint8 RGB.
        :return: (1,3,h,w) float32.
        """
        pixels = self.rows @ frame.permute(2, 0, 1).float() @ self.columns.t()
        pixels = (pixels + 0.5).floor() if self.halves else pixels.round()
        return torch.addcmul(self.shift, pixels, self.scale)[None]
