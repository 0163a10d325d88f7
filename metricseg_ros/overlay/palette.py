# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Colours of instances: stable by id, and as far apart as colours go.

Picked like the seeds of the method, each the farthest from those before it, in a colour space
where distance is what people see (OKLab, Ottosson 2020): any first few are well separated.
"""

from __future__ import annotations

from functools import cache

import numpy as np

PALETTE_SIZE = 256
GRID_STEP = 15
LIGHTNESS_RANGE = (0.62, 0.88)
SMALLEST_CHROMA = 0.125
FIRST_COLOR = (0, 150, 255)

LINEAR_TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                          [0.2119034982, 0.6806995451, 0.1073969566],
                          [0.0883024619, 0.2817188376, 0.6299787005]])
LMS_TO_OKLAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                         [1.9779984951, -2.4285922050, 0.4505937099],
                         [0.0259040371, 0.7827717662, -0.8086757660]])


def instance_color(instance_id: int) -> tuple[int, int, int]:
    """Return red, green, blue of an id from 1, always the same; they repeat after 256 ids."""
    red, green, blue = palette()[(int(instance_id) - 1) % PALETTE_SIZE].tolist()
    return red, green, blue


@cache
def palette() -> np.ndarray:
    """
    Pick the colours, each the farthest from those before it.

    :return: (256,3) uint8 RGB; row 0 is the colour of id 1.
    """
    candidates = _vivid_colors()
    positions = oklab(candidates)
    distances = np.linalg.norm(positions - oklab(np.array([FIRST_COLOR])), axis=1)
    picked = np.empty(PALETTE_SIZE - 1, dtype=np.int64)
    for rank in range(PALETTE_SIZE - 1):
        picked[rank] = distances.argmax()
        to_picked = np.linalg.norm(positions - positions[picked[rank]], axis=1)
        np.minimum(distances, to_picked, out=distances)
    return np.concatenate([[FIRST_COLOR], candidates[picked]]).astype(np.uint8)


def oklab(colors: np.ndarray) -> np.ndarray:
    """Convert sRGB, (N,3) in [0,255], to OKLab, whose distances are those perceived."""
    encoded = colors / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ LINEAR_TO_LMS.T) @ LMS_TO_OKLAB.T


def _vivid_colors() -> np.ndarray:
    """Return (N,3) the colours that stand out of a photograph and carry a readable label."""
    axis = np.arange(0, 256, GRID_STEP)
    colors = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    lightness, green_red, blue_yellow = oklab(colors).T
    light = (lightness >= LIGHTNESS_RANGE[0]) & (lightness <= LIGHTNESS_RANGE[1])
    return colors[light & (np.hypot(green_red, blue_yellow) >= SMALLEST_CHROMA)]
