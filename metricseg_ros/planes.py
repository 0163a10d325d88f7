# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Planes in a depth image: tables, floors and walls, found by RANSAC, always the same way."""

from __future__ import annotations

from dataclasses import dataclass

from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.threads import single_threaded
import numpy as np

TOLERANCE = 0.012
"""Distance to a plane up to which a point near the camera lies in it, in metres."""
NOISE = 0.005
"""What the noise of depth adds to it in 1 m; it grows with the square of the distance."""
MOST_POINTS = 2500
"""Points looked at; more of an image give no better plane."""
TRIED_POINTS = 500
"""Points of these by which planes are compared; all of them sharpen the best."""
FEWEST_POINTS = 50
"""Points in a plane without which there is none."""
TRIALS = 200
"""Planes through three random points that are tried: enough to find one of a fifth of them."""
SHARPENINGS = 3
"""Times the best is fitted again to the points that lie in it."""


@dataclass(frozen=True)
class Plane:
    """
    A plane in the camera's optical frame; normal . point + offset is the height above it.

    :param normal: (3,) float64 of length 1, towards the camera.
    :param offset: height of the camera above it, in metres; not negative.
    :param share: share of the image's known depth that lies in it.
    """

    normal: np.ndarray
    offset: float
    share: float

    def heights(self, metres: np.ndarray, camera: Intrinsics) -> np.ndarray:
        """
        Tell how high above the plane each pixel is.

        :param metres: (H,W) float32; 0 or NaN where not known.
        :return: (H,W) float32 metres, negative below; NaN where depth is not known.
        """
        height, width = metres.shape
        along_rows = (np.arange(height) - camera.cy) / camera.fy * self.normal[1] + self.normal[2]
        along_columns = (np.arange(width) - camera.cx) / camera.fx * self.normal[0]
        # A pixel's ray times the normal, of which depth makes the point times the normal.
        slopes = along_rows[:, None].astype(np.float32) + along_columns.astype(np.float32)
        return np.where(metres > 0, metres * slopes + np.float32(self.offset), np.float32(np.nan))


def fit_dominant_plane(metres: np.ndarray, camera: Intrinsics,
                       least_share: float = 0.1) -> Plane | None:
    """
    Find the plane that holds most pixels of a depth image.

    :param metres: (H,W) float32; 0 or NaN where not known.
    :param least_share: smallest share of the known depth that a plane must hold.
    """
    return next(iter(fit_planes(metres, camera, 1, least_share)), None)


@single_threaded()
def fit_planes(metres: np.ndarray, camera: Intrinsics, most: int,
               least_share: float) -> list[Plane]:
    """
    Find the planes that hold most pixels of a depth image, each of what the ones before left.

    :param metres: (H,W) float32; 0 or NaN where not known.
    :param least_share: smallest share of the known depth that a plane must hold.
    """
    points = sample_points(metres, camera)
    least = max(FEWEST_POINTS, least_share * len(points))
    planes: list[Plane] = []
    left = points
    while len(planes) < most and len(left) >= least:
        normal, offset = _best_plane(left)
        inside = np.abs(left @ normal + offset) <= tolerance(left[:, 2])
        if inside.sum() < least:
            break
        planes.append(Plane(normal, offset, float(inside.sum() / len(points))))
        left = left[~inside]
    return planes


def tolerance(metres: np.ndarray, nearby: float = TOLERANCE) -> np.ndarray:
    """
    Tell how far from a plane a point may be measured that lies in it.

    :param nearby: distance that is allowed near the camera, in metres.
    """
    return np.hypot(nearby, NOISE * metres ** 2)


def sample_points(metres: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """
    Take points of an even grid of pixels.

    :param metres: (H,W) float32; 0 or NaN where not known.
    :return: (M,3) float64 in the camera's optical frame, M at most MOST_POINTS or so.
    """
    along_rows, along_columns = sample_grid(metres.shape)
    depth = metres[np.ix_(along_rows, along_columns)]
    rows, columns = np.nonzero(depth > 0)
    return camera.points(along_columns[columns], along_rows[rows],
                         depth[rows, columns]).astype(np.float64)


def sample_grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """
    Choose the pixels that :func:`sample_points` looks at.

    :param size: (H,W) of the depth image.
    :return: rows and columns.
    """
    step = max(1, int(np.ceil(np.sqrt(size[0] * size[1] / MOST_POINTS))))
    rows, columns = (np.arange(step // 2, side, step) for side in size)
    return rows, columns


def random_planes(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Lay planes through three random points each, always the same ones.

    :param points: (M,3) float64, M at least 1.
    :param count: K, how many planes.
    :return: (K,3) normals of length 1 and (K,) offsets; NaN where the three are in a line.
    """
    corners = points[np.random.default_rng(0).integers(len(points), size=(count, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.where(lengths > 0, lengths, np.nan)
    return normals, -(normals * corners[:, 0]).sum(1)


def _best_plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return normal and offset of the plane that holds most of (M,3) points."""
    normals, offsets = random_planes(points, TRIALS)
    tried = points[::-(-len(points) // TRIED_POINTS)]
    near = np.abs(tried @ normals.T + offsets) <= tolerance(tried[:, 2:])
    best = np.count_nonzero(near, axis=0).argmax()
    normal, offset = normals[best], offsets[best]
    for _ in range(SHARPENINGS):
        inside = points[np.abs(points @ normal + offset) <= tolerance(points[:, 2])]
        if len(inside) < 3:
            break
        centre = inside.mean(0)
        normal = np.linalg.svd(np.cov((inside - centre).T))[0][:, 2]
        offset = -(normal @ centre)
    return (normal, offset) if offset >= 0 else (-normal, -offset)
