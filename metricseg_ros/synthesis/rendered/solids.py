# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Define the textured solids that rendered scenes are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

HULL_POINTS = 48  # enough for a stable contact, few enough for fast physics


@dataclass(frozen=True)
class Surface:
    """
    Hold triangles of one material.

    :param vertices: (V,3) float32, metres, z up.
    :param normals: (V,3) float32 unit vectors.
    :param texcoords: (V,2) float32, v downwards from the texture's first row.
    :param faces: (F,3) int32, counter-clockwise seen from outside.
    :param colour: RGBA in 0..1, multiplied with the texture.
    :param texture: (H,W,3) uint8 RGB or None for a plain colour.
    :param gloss: 0 (matt) to 1.
    """

    vertices: np.ndarray
    normals: np.ndarray
    texcoords: np.ndarray
    faces: np.ndarray
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    texture: np.ndarray | None = None
    gloss: float = 0.2


@dataclass(frozen=True)
class Solid:
    """
    Hold one object: what is seen of it, and the convex parts it collides with.

    :param name: where it came from, for messages.
    :param surfaces: what is drawn.
    :param hulls: point sets (n,3) whose convex hulls collide.
    """

    name: str
    surfaces: tuple[Surface, ...]
    hulls: tuple[np.ndarray, ...]

    @property
    def points(self) -> np.ndarray:
        """Return the collision points of all parts, (n,3)."""
        return np.concatenate(self.hulls)

    @property
    def extent(self) -> np.ndarray:
        """Return the size of the bounding box (x, y, z) in metres."""
        return np.ptp(self.points, axis=0)


def solid_of(name: str, surfaces: list[Surface]) -> Solid:
    """Centre surfaces as one solid, which collides as their convex hull."""
    points = np.concatenate([surface.vertices for surface in surfaces])
    centre = (points.min(0) + points.max(0)) / 2
    moved = tuple(replace(surface, vertices=(surface.vertices - centre).astype(np.float32))
                  for surface in surfaces)
    return Solid(name, moved, (support_points(points - centre),))


def support_points(points: np.ndarray, count: int = HULL_POINTS) -> np.ndarray:
    """
    Choose the few points that approximate the convex hull of many.

    :param points: (n,3) points.
    :param count: number of directions to look into.
    :return: (m,3) with m <= count + 6, thickened where flat so that a hull has volume.
    """
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    angle = np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - height**2)
    sphere = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], 1)
    directions = np.concatenate([sphere, np.eye(3), -np.eye(3)])
    scaled = points / np.maximum(np.ptp(points, axis=0), 1e-6)
    chosen = np.unique(np.argmax(scaled @ directions.T, axis=0))
    return _thickened(points[chosen])


def _thickened(points: np.ndarray) -> np.ndarray:
    thin = 0.02 * np.ptp(points, axis=0).max()
    for axis in range(3):
        if np.ptp(points[:, axis]) < thin:
            shift = np.zeros(3)
            shift[axis] = thin / 2
            points = np.concatenate([points - shift, points + shift])
    return points.astype(np.float32)
