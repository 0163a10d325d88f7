# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From pixels with depth to points in the camera's optical frame (REP 103), and back."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np


@dataclass(frozen=True)
class Intrinsics:
    """
    A pinhole camera without distortion; the centre of the top left pixel is (0, 0).

    :param fx: focal length in columns.
    :param fy: focal length in rows.
    :param cx: column of the optical axis.
    :param cy: row of the optical axis.
    """

    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        """Check that it is a camera."""
        values = (self.fx, self.fy, self.cx, self.cy)
        if not all(map(math.isfinite, values)) or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f'fx and fy must be positive, and cx and cy finite, got {values}')

    def scaled(self, rows: float, columns: float) -> Intrinsics:
        """See the image resized: new height over old, new width over old."""
        return Intrinsics(self.fx * columns, self.fy * rows, (self.cx + 0.5) * columns - 0.5,
                          (self.cy + 0.5) * rows - 0.5)

    def moved(self, rows: float, columns: float) -> Intrinsics:
        """
        See the image cropped or padded.

        :param rows: row of the old image that is the new first one; negative with a border.
        :return: the pinhole in the new pixels.
        """
        return Intrinsics(self.fx, self.fy, self.cx - columns, self.cy - rows)

    def points(self, columns: np.ndarray, rows: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """
        Place pixels in space.

        :param columns: (M,) of the pixels.
        :param rows: (M,) of the pixels.
        :param depth: (M,) z of each, in metres.
        :return: (M,3) float32: x right, y down, z forward, in metres.
        """
        x, y = (columns - self.cx) / self.fx, (rows - self.cy) / self.fy
        return np.stack([x * depth, y * depth, depth], axis=-1).astype(np.float32)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """See points, (M,3) metres in front of the camera, at (M,2) column and row."""
        return points[:, :2] / points[:, 2:] * [self.fx, self.fy] + [self.cx, self.cy]


NEAREST_MEDIAN, FARTHEST_MEDIAN = 0.03, 20.0
"""Metres between which the median of any depth camera's image lies."""

STRIDE = 8
"""Of so many rows and columns one is looked at to judge a whole depth image."""


OF_MESSAGES = ('32FC1 must hold metres, 16UC1 millimetres, in the byte order that is_bigendian '
               'says')


def implausible_depth(metres: np.ndarray, remedy: str = OF_MESSAGES) -> str:
    """
    Say that depth is probably in another unit, or its bytes in another order.

    :param metres: (H,W) float32; 0 or NaN where it is not known.
    :param remedy: what it has to be like where it comes from.
    :return: one sentence, or empty.
    """
    sample = metres[::STRIDE, ::STRIDE]
    known = sample[sample > 0]
    if not len(known) or NEAREST_MEDIAN <= (median := float(np.median(known))) <= FARTHEST_MEDIAN:
        return ''
    return (f'the median of the depth is {median:.3g} m, where no depth camera measures: '
            f'{remedy}')


def depth_in_metres(depth: np.ndarray) -> np.ndarray:
    """
    Read a depth image as REP 118 defines it.

    :param depth: (H,W) uint16 millimetres, or float32 metres.
    :return: (H,W) float32 metres; NaN where the depth is not known, which is 0, NaN, infinite or
        negative.
    :raises ValueError: if it is of another type or shape.
    """
    if depth.ndim != 2 or depth.dtype not in (np.uint16, np.float32):
        raise ValueError('depth must be (H,W) uint16 or float32, got '
                         f'{depth.shape} {depth.dtype}')
    metres = depth * np.float32(1e-3) if depth.dtype == np.uint16 else depth
    return np.where(np.isfinite(metres) & (metres > 0), metres, np.float32(np.nan))
