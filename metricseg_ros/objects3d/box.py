# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The largest flat part of a surface, and the oriented box that stands on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
from metricseg_ros.planes import random_planes
import numpy as np

MOST_POINTS = 2000
"""Points looked at; more of a surface give no better box."""
TRIALS = 64
"""Planes through three random points that are tried."""
FLATNESS = 0.005
"""Distance to a plane up to which a point lies in it, as a share of the distance."""
SHARPENINGS = 3
"""Times the plane is fitted again to the points that are nearest to it."""
SPREAD = 3.0
"""Distance to a plane up to which a point is kept, in medians of all their distances."""
TRIM = 0.005
"""Share of the points that may stick out of a side of the box."""


@dataclass(frozen=True)
class OrientedBox:
    """
    A box in space.

    :param centre: (3,) in metres.
    :param axes: (3,3), columns are its x, y and z axis: a rotation. z is the normal of the largest
        flat part of the surface, towards the camera; x is the longer of the other two sides.
    :param size: (3,) full size along the axes, in metres.
    """

    centre: np.ndarray
    axes: np.ndarray
    size: np.ndarray


def oriented_box(points: np.ndarray) -> OrientedBox:
    """
    Fit the box with one side in the largest flat part, and of the smallest area there.

    Of a cuboid any of whose sides is seen this is the cuboid itself, as far as it is seen.

    :param points: (M,3) of a surface, in the optical frame; M at least 3.
    """
    points = points[::-(-len(points) // MOST_POINTS)].astype(np.float64)
    normal = flat_normal(points)
    along = _in_plane_axis(points, normal)
    axes = np.stack([along, np.cross(normal, along), normal], axis=1)
    low, high = np.quantile(points @ axes, [TRIM, 1 - TRIM], axis=0)
    if high[1] - low[1] > high[0] - low[0]:
        axes = np.stack([axes[:, 1], -axes[:, 0], axes[:, 2]], axis=1)
        low, high = np.quantile(points @ axes, [TRIM, 1 - TRIM], axis=0)
    return OrientedBox(axes @ ((low + high) / 2), axes, high - low)


def flat_normal(points: np.ndarray) -> np.ndarray:
    """
    Find the plane that holds most points (RANSAC, always the same trials), then fit it to them.

    :param points: (M,3) float64; M at least 3.
    :return: (3,) its normal, towards the camera.
    """
    normals, offsets = random_planes(points, TRIALS)
    near = np.abs(points @ normals.T + offsets) <= FLATNESS * np.median(points[:, 2])
    inside = points[near[:, near.sum(0).argmax()]]
    if len(inside) < 3:
        return _towards_camera(_thin_direction(points), points)
    return _towards_camera(_sharpened(inside), points)


def _sharpened(points: np.ndarray) -> np.ndarray:
    """Return (3,) the normal of a plane after leaving out what belongs to the sides beside it."""
    for _ in range(SHARPENINGS):
        distances = np.abs((points - np.median(points, axis=0)) @ _thin_direction(points))
        kept = points[distances <= SPREAD * np.median(distances)]
        if len(kept) < 3:
            break
        points = kept
    return _thin_direction(points)


def _thin_direction(points: np.ndarray) -> np.ndarray:
    return np.linalg.svd(np.cov(points.T))[0][:, 2]


def _towards_camera(normal: np.ndarray, points: np.ndarray) -> np.ndarray:
    return -normal if normal @ points.mean(0) > 0 else normal


def _in_plane_axis(points: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return (3,) a side of the rectangle of smallest area around the points in the plane."""
    helper = np.eye(3)[np.abs(normal).argmin()]
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first)
    basis = np.stack([first, np.cross(normal, first)], axis=1)
    flat = points @ basis
    # OpenCV takes float32, in which small objects far away would lose their shape.
    _, _, angle = cv2.minAreaRect((flat - flat.mean(0)).astype(np.float32))
    return basis @ [np.cos(np.radians(angle)), np.sin(np.radians(angle))]
