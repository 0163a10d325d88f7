# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which colours an object has; they say who it is long after its embedding has drifted."""

from __future__ import annotations

from collections.abc import Sequence
import math

import cv2
from metricseg_ros.structures import Instances
import numpy as np

BINS = (6, 12, 12)
"""Of lightness, of green to red, of blue to yellow."""
LOWEST, HIGHEST = (0, 60, 60), (255, 199, 199)
"""Of the same in OpenCV's 8-bit Lab; stronger colours count as these."""
CLIPPED = np.clip(np.arange(256)[:, None], LOWEST, HIGHEST).astype(np.uint8)[None]
"""(1,256,3), each value of each channel brought into these bounds."""
RANGES = [bound for low, high in zip(LOWEST, HIGHEST, strict=True) for bound in (low, high + 1)]
SAMPLES = 2500
"""Pixels of an instance's box that are looked at, roughly: time does not grow with the image."""


def colour_shares(image: np.ndarray, instances: Instances) -> np.ndarray:
    """
    Count the colours of every mask.

    :param image: (H,W,3) uint8 RGB.
    :return: (N,B) float32, the share of the mask's pixels in each bin; rows sum to 1.
    """
    shares = np.zeros((len(instances), math.prod(BINS)), np.float32)
    for row, (box, crop) in zip(shares, zip(instances.boxes, instances.crops, strict=True),
                                strict=True):
        left, top, right, bottom = box
        step = max(1, math.isqrt(crop.size // SAMPLES))
        if not crop[::step, ::step].any():
            step = 1
        window = np.ascontiguousarray(image[top:bottom:step, left:right:step])
        mask = np.ascontiguousarray(crop[::step, ::step]).view(np.uint8)
        colours = cv2.LUT(cv2.cvtColor(window, cv2.COLOR_RGB2LAB), CLIPPED)
        counts = cv2.calcHist([colours], [0, 1, 2], mask, BINS, RANGES).ravel()
        row[:] = counts / counts.sum()
    return shares


def colour_similarities(first: Sequence[np.ndarray], second: np.ndarray) -> np.ndarray:
    """Compare shares of colours (T,B) and (N,B) by Bhattacharyya: (T,N) in [0,1]."""
    return np.clip(np.sqrt(first) @ np.sqrt(second).T, 0, 1)
