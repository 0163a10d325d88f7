# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of a mask are surely on the object: not its rim, not a jump in depth."""

from __future__ import annotations

import cv2
from metricseg_ros.config import DepthConfig
import numpy as np

MAD_TO_DEVIATION = 1.4826
"""Standard deviation of a normal distribution in units of its median absolute deviation."""
SMALLEST_DEVIATION = 0.002
"""Deviation that depth always has, as a share of the distance: 2 mm in 1 m."""


def surface_pixels(crop: np.ndarray, depth: np.ndarray, config: DepthConfig) -> np.ndarray:
    """
    Choose the pixels of a mask that show the object's surface.

    At the rim of a mask, depth sensors mix the object with what is behind it; so the rim is left
    out, and then whatever is far from the median depth.

    :param crop: (h,w) bool, a mask in its box.
    :param depth: (h,w) float32 metres in the same box; 0 or NaN where not known.
    :return: (h,w) bool; all False where too few pixels have depth.
    """
    known = depth > 0
    chosen = without_rim(crop, config.erosion) & known
    enough = max(config.minimum_points, config.minimum_share * np.count_nonzero(crop))
    if np.count_nonzero(chosen) < enough:
        chosen = crop & known  # Rather the rim of a thin object than nothing of it.
    if np.count_nonzero(chosen) < enough:
        return np.zeros_like(crop)
    chosen[chosen] = near_median(depth[chosen], config.outlier_deviations)
    return chosen


def without_rim(crop: np.ndarray, width: int) -> np.ndarray:
    """Cut the rim, so many pixels wide, off a mask (h,w), also around its holes."""
    if not width:
        return crop.copy()
    kernel = np.ones((2 * width + 1,) * 2, np.uint8)
    return cv2.erode(crop.view(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT,
                     borderValue=0).view(bool)


def near_median(values: np.ndarray, deviations: float) -> np.ndarray:
    """Tell which depths, (M,), are within so many standard deviations of the median."""
    middle = np.median(values)
    distances = np.abs(values - middle)
    deviation = max(MAD_TO_DEVIATION * np.median(distances), SMALLEST_DEVIATION * middle)
    return distances <= deviations * deviation
