# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Outlines that follow the image's edges: masks are finer than the network's grid.

The side of the outline a pixel is on is smoothed by a guided filter (He, Sun and Tang, "Guided
Image Filtering", TPAMI 2013, and in its fast form arXiv 1505.00996): around every pixel it is
fitted as a linear function of the image's brightness, and so it changes where the brightness does.
The fits are made at half the size of the network's input.
"""

from __future__ import annotations

import cv2
import numpy as np

CONTRAST = 4e-3
"""Variance of brightness (in units of the normalised input) that counts as an edge."""

PASSES = 3
"""How often an outline is drawn anew: a pass carries it less than the radius."""

LEAST_KEPT = 0.7
"""Share of a mask's area below which it was too small or thin for the filter, and stays."""

Window = tuple[slice, slice]


def pixel_map(size: tuple[int, int], target_size: tuple[int, int]) -> np.ndarray:
    """
    Give the map from the pixel centres of one raster to those of another of the same content.

    :param size: (height, width) of the one.
    :param target_size: (height, width) of the other.
    :return: (2,2) float64, rows are (scale, offset) of row and of column.
    """
    scale = np.divide(target_size, size)
    return np.stack([scale, scale / 2 - 0.5], axis=1)


def resample(raster: np.ndarray, to_raster: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """
    Read a raster bilinearly at other places.

    :param raster: (h,w) float32; beyond it its border goes on.
    :param to_raster: (2,2), rows are (scale, offset) of row and of column: place in the raster =
        scale * pixel + offset.
    :param size: (height, width) of the result.
    :return: (height,width) float32.
    """
    (row_scale, row_offset), (column_scale, column_offset) = to_raster
    matrix = np.array([[column_scale, 0, column_offset], [0, row_scale, row_offset]])
    return cv2.warpAffine(raster, matrix, size[::-1], borderMode=cv2.BORDER_REPLICATE,
                          flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


class OutlineFilter:
    """Draws the outlines of masks of one image."""

    def __init__(self, guide: np.ndarray, image_size: tuple[int, int], radius: int) -> None:
        """
        Prepare what depends on the image alone.

        :param guide: (H,W) float32, brightness of the image at the size of the network's input, at
            least 2x2.
        :param image_size: (height, width) of the image.
        :param radius: of the filter's window, in pixels of half that size, at least 1.
        """
        height, width = (side // 2 for side in guide.shape)
        self._radius = radius
        self._fine = guide[:2 * height, :2 * width]
        self._coarse = cv2.resize(self._fine, (width, height), interpolation=cv2.INTER_AREA)
        self._mean = self._smooth(self._coarse)
        variance = self._smooth(self._coarse ** 2) - self._mean ** 2
        self._precision = 1 / (variance + CONTRAST)
        self._fine_to_image = pixel_map(guide.shape, image_size)

    def __call__(self, margin: np.ndarray, to_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Draw the outline of one mask.

        :param margin: (h,w) float32, not negative inside the mask.
        :param to_image: (2,2), rows are (scale, offset) of row and of column of the grid.
        :return: a margin of the mask's surroundings, finer than the grid, and its `to_image`; or
            what was given, if the mask is empty, or too small or thin to be filtered.
        """
        to_grid = self._coarse_to_grid(to_image)
        window = self._window(margin >= 0, to_grid)
        if window is None:
            return margin, to_image
        start, size = zip(*((part.start, part.stop - part.start) for part in window), strict=True)
        to_grid[:, 1] += to_grid[:, 0] * start
        coarse = resample(margin, to_grid, size)
        fine = self._filtered(coarse, window)
        if np.count_nonzero(fine >= 0) < LEAST_KEPT * 4 * np.count_nonzero(coarse >= 0):
            return margin, to_image
        moved = self._fine_to_image.copy()
        moved[:, 1] += moved[:, 0] * 2 * np.array(start)
        return fine, moved

    def _coarse_to_grid(self, to_image: np.ndarray) -> np.ndarray:
        scale, offset = self._fine_to_image.T
        grid_scale, grid_offset = to_image.T
        return np.stack([2 * scale / grid_scale,
                         (0.5 * scale + offset - grid_offset) / grid_scale], axis=1)

    def _window(self, inside: np.ndarray, to_grid: np.ndarray) -> Window | None:
        window, reach = [], PASSES * self._radius + 1
        for axis, (scale, offset) in enumerate(to_grid):
            cells = np.flatnonzero(inside.any(axis=1 - axis))
            if len(cells) == 0:
                return None
            low, high = (np.array([cells[0] - 1, cells[-1] + 1]) - offset) / scale
            limit = self._coarse.shape[axis]
            window.append(slice(max(0, int(low) - reach), min(limit, int(high) + reach + 1)))
        return tuple(window)

    def _filtered(self, margin: np.ndarray, window: Window) -> np.ndarray:
        for _ in range(PASSES - 1):
            slope, shift = self._fit(margin, window)
            margin = slope * self._coarse[window] + shift
        rows, columns = (slice(2 * part.start, 2 * part.stop) for part in window)
        guide = self._fine[rows, columns]
        slope, shift = (cv2.resize(part, guide.shape[::-1]) for part in self._fit(margin, window))
        slope *= guide
        slope += shift
        return slope

    def _fit(self, margin: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Fit the side of the outline to the brightness: slope and shift, each (h,w)."""
        side = np.where(margin >= 0, np.float32(1), np.float32(-1))
        guide, mean, mean_side = self._coarse[window], self._mean[window], self._smooth(side)
        slope = self._smooth(guide * side)
        slope -= mean * mean_side
        slope *= self._precision[window]
        return self._smooth(slope), self._smooth(mean_side - slope * mean)

    def _smooth(self, raster: np.ndarray) -> np.ndarray:
        side = 2 * self._radius + 1
        return cv2.blur(raster, (side, side), borderType=cv2.BORDER_REFLECT)
