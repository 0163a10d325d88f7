# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The input pyramid: one image at several scales, and their maps back on one grid."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate


def whole_factor(scale: float) -> int:
    """
    Read a scale as a whole factor.

    Only such scales keep every map an exact multiple of another, at any input size and in ONNX.

    :param scale: n or 1/n.
    :return: n, at least 1.
    :raises ValueError: for another scale.
    """
    factor = max(scale, 1 / scale) if scale > 0 else 0.0
    if factor < 1 or abs(factor - round(factor)) > 1e-6:
        raise ValueError(f'pyramid_scales must be whole numbers or one over them, got {scale!r}')
    return round(factor)


def rescale(maps: Tensor, scale: float) -> Tensor:
    """
    Enlarge bilinearly, or shrink by the mean of each block of pixels.

    :param maps: (B,C,h,w), h and w multiples of 1 / scale.
    :param scale: n or 1/n.
    :return: (B,C,h scale,w scale).
    """
    factor = whole_factor(scale)
    if factor == 1:
        return maps
    if scale < 1:
        return avg_pool2d(maps, factor)
    return interpolate(maps, scale_factor=float(factor), mode='bilinear', align_corners=False)


def size_multiple(stride: int, scales: Sequence[float]) -> int:
    """Tell what an image's sides must be multiples of, so that every scale fits the trunk."""
    return stride * max(factor if scale < 1 else 1
                        for scale, factor in zip(scales, map(whole_factor, scales), strict=True))
