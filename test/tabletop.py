# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Scenes of flat things above planes whose depth is known exactly, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.planes import Plane
from metricseg_ros.structures import DepthImage
import numpy as np

CAMERA = Intrinsics(300.0, 310.0, 158.0, 121.0)
SIZE = (240, 320)
DOWN = (0.1, -0.8, -0.6)
"""Normal of a table that is seen obliquely, before it is brought to length 1."""
WOOD, PAPER, BLUE = (120, 85, 60), (225, 225, 215), (50, 80, 190)

PlacedMask = tuple[tuple[int, int, int, int], np.ndarray]


def plane(offset: float, normal: tuple[float, ...] = DOWN) -> Plane:
    return Plane(np.array(normal) / np.linalg.norm(normal), offset, 1.0)


def depth_of(surface: Plane) -> np.ndarray:
    """Return (H,W) float32, where each pixel's ray meets a plane: n . (z ray) + d = 0."""
    columns, rows = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    rays = np.stack([(columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy,
                     np.ones(SIZE)], axis=-1)
    with np.errstate(divide='ignore'):
        depth = -surface.offset / (rays @ surface.normal)
    return np.where(depth > 0, depth, np.inf).astype(np.float32)


@dataclass
class Tabletop:
    """
    A table, and what is put on it.

    :param surface: of the table.
    """

    surface: Plane = field(default_factory=lambda: plane(0.7))

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        self._rng = rng
        self.image = np.clip(np.array(WOOD) + rng.normal(0, 3, (*SIZE, 3)), 0, 255
                             ).astype(np.uint8)
        self.metres = depth_of(self.surface)

    def put(self, corners: list[tuple[int, int]], height: float,
            colour: tuple[int, int, int] | None = None) -> PlacedMask:
        """
        Put a flat thing above the table.

        :param corners: (column, row) of its outline in the image.
        :param height: of its upper side above the table, in metres.
        :param colour: RGB; None leaves that of the table.
        :return: its mask.
        """
        inside = polygon(corners)
        lifted = Plane(self.surface.normal, self.surface.offset - height, 1.0)
        self.metres[inside] = depth_of(lifted)[inside]
        if colour is not None:
            self.image[inside] = colour
            self.image[inside] += self._rng.integers(0, 6, (inside.sum(), 3), dtype=np.uint8)
        return placed(inside)

    def seen(self, noise: float = 0.0005) -> DepthImage:
        """Return its depth as a sensor sees it: noise in 1 m, which grows with the square."""
        rough = self._rng.normal(0, noise, SIZE).astype(np.float32) * self.metres ** 2
        metres = np.where(np.isfinite(self.metres), self.metres + rough, 0)
        return DepthImage(metres.astype(np.float32), CAMERA)


def polygon(corners: list[tuple[int, int]]) -> np.ndarray:
    """Return (H,W) bool, what lies inside an outline of (column, row)."""
    inside = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(inside, [np.array(corners, np.int32)], 1)
    return inside.view(bool)


def placed(inside: np.ndarray) -> PlacedMask:
    """Return a mask in its box."""
    left, top, width, height = cv2.boundingRect(inside.view(np.uint8))
    box = (left, top, left + width, top + height)
    return box, inside[top:top + height, left:left + width].copy()


def rectangle(left: int, top: int, right: int, bottom: int) -> list[tuple[int, int]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
