# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the instances of an image are in space."""

from __future__ import annotations

from dataclasses import dataclass

from metricseg_ros.config import DepthConfig
from metricseg_ros.objects3d.box import oriented_box, OrientedBox
from metricseg_ros.objects3d.surface import surface_pixels
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.structures import Instances
import numpy as np


@dataclass(frozen=True)
class ObjectInSpace:
    """
    An instance in the camera's optical frame.

    :param pixels: (M,2) int, column and row of the pixels used; none where depth is missing.
    :param points: (M,3) float32, the point of each, in metres.
    :param depth_share: share of the mask's pixels whose depth is known.
    :param box: around the points; None where depth is missing.
    """

    pixels: np.ndarray
    points: np.ndarray
    depth_share: float
    box: OrientedBox | None

    @property
    def centroid(self) -> np.ndarray:
        """Return (3,) the mean of the visible points; NaN where depth is missing."""
        return self.points.mean(0) if len(self.points) else np.full(3, np.nan, np.float32)


def locate(instances: Instances, depth: np.ndarray, intrinsics: Intrinsics,
           config: DepthConfig) -> list[ObjectInSpace]:
    """
    Place every instance in space.

    :param depth: (H,W) float32 metres of the same image; 0 or NaN where not known.
    :raises ValueError: if depth is of another size than the image.
    """
    if depth.shape != tuple(instances.image_size):
        raise ValueError(f'depth must be {tuple(instances.image_size)} like its image, got '
                         f'{depth.shape}')
    return [_located(instances, index, depth, intrinsics, config)
            for index in range(len(instances))]


def _located(instances: Instances, index: int, depth: np.ndarray, intrinsics: Intrinsics,
             config: DepthConfig) -> ObjectInSpace:
    left, top, right, bottom = instances.boxes[index].tolist()
    crop, window = instances.crops[index], depth[top:bottom, left:right]
    known = np.count_nonzero(window[crop] > 0)
    chosen = surface_pixels(crop, window, config)
    rows, columns = np.nonzero(chosen)
    points = intrinsics.points(columns + left, rows + top, window[chosen])
    return ObjectInSpace(np.stack([columns + left, rows + top], axis=1), points,
                         known / max(1, np.count_nonzero(crop)),
                         oriented_box(points) if len(points) else None)
