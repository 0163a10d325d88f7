# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Outlines that follow the image's edges: masks are finer than the network's grid.

The side of the outline a pixel is on is smoothed by a guided filter (He, Sun and Tang, "Guided
Image Filtering", TPAMI 2013, and in its fast form arXiv 1505.00996): around every pixel it is
fitted as a linear function of the image's brightness, and so it changes where the brightness does.
Where depth is known the function is one of brightness and depth, and print and shadows on a
surface draw it less. The fits are made at half the size of the network's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

CONTRAST = 4e-3
"""Variance of a guide (of brightness in units of the normalised input) that counts as an edge."""

DEPTH_EDGE = 4.0
"""What logarithms of depth weigh as a guide: an edge is where depth changes by 1.6 %, which is
what depth cameras see apart."""

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


def depth_guide(metres: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """
    Make a guide of depth.

    :param metres: (H,W) float32; not known where not positive or not finite.
    :param size: (height, width) of the guide.
    :return: of that size, float32, 0 where it is nearest; where depth is not known that of the
        nearest pixel. None where it is known of no pixel.
    """
    seen = (metres > 0) & (metres < np.inf)
    share, sums = (cv2.resize(raster, size[::-1], interpolation=cv2.INTER_AREA)
                   for raster in (seen.astype(np.float32), np.where(seen, metres, 0)))
    known = share > 0
    if not known.any():
        return None
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(nearest.max() + 1, np.float32)
    steps = DEPTH_EDGE * np.log(sums[known] / share[known])
    of_label[nearest[known]] = steps - steps.min()
    return of_label[nearest]


class OutlineFilter:
    """Draws the outlines of masks of one image."""

    def __init__(self, guides: Sequence[np.ndarray], image_size: tuple[int, int],
                 radius: int) -> None:
        """
        Prepare what depends on the image alone.

        :param guides: one or two, each (H,W) float32 of the size of the network's input, at least
            2x2: brightness, depth.
        :param image_size: (height, width) of the image.
        :param radius: of the filter's window, in pixels of half that size, at least 1.
        """
        height, width = (side // 2 for side in guides[0].shape)
        self._radius = radius
        self._fine = [guide[:2 * height, :2 * width] for guide in guides]
        self._coarse = [cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
                        for fine in self._fine]
        self._means = [self._smooth(coarse) for coarse in self._coarse]
        self._precision = inverse([[self._covariance(a, b) for b in range(len(guides))]
                                   for a in range(len(guides))])
        self._fine_to_image = pixel_map(guides[0].shape, image_size)

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
            limit = self._coarse[0].shape[axis]
            window.append(slice(max(0, int(low) - reach), min(limit, int(high) + reach + 1)))
        return tuple(window)

    def _filtered(self, margin: np.ndarray, window: Window) -> np.ndarray:
        for _ in range(PASSES - 1):
            slopes, margin = self._fit(margin, window)
            for slope, coarse in zip(slopes, self._coarse, strict=True):
                margin += slope * coarse[window]
        fine = tuple(slice(2 * part.start, 2 * part.stop) for part in window)
        size = tuple(part.stop - part.start for part in fine)
        slopes, shift = self._fit(margin, window)
        side = cv2.resize(shift, size[::-1])
        for slope, guide in zip(slopes, self._fine, strict=True):
            side += cv2.resize(slope, size[::-1]) * guide[fine]
        return side

    def _fit(self, margin: np.ndarray, window: Window) -> tuple[list[np.ndarray], np.ndarray]:
        """Fit the side of the outline to the guides: a slope for each, and shift; each (h,w)."""
        side = np.where(margin >= 0, np.float32(1), np.float32(-1))
        means, mean_side = [mean[window] for mean in self._means], self._smooth(side)
        with_side = [self._smooth(coarse[window] * side) - mean * mean_side
                     for coarse, mean in zip(self._coarse, means, strict=True)]
        slopes = [weighted(row, with_side, window) for row in self._precision]
        shift = mean_side
        for slope, mean in zip(slopes, means, strict=True):
            shift = shift - slope * mean
        return [self._smooth(slope) for slope in slopes], self._smooth(shift)

    def _covariance(self, a: int, b: int) -> np.ndarray:
        product = self._smooth(self._coarse[a] * self._coarse[b])
        return product - self._means[a] * self._means[b] + (CONTRAST if a == b else 0)

    def _smooth(self, raster: np.ndarray) -> np.ndarray:
        side = 2 * self._radius + 1
        return cv2.blur(raster, (side, side), borderType=cv2.BORDER_REFLECT)


def inverse(matrix: Sequence[Any]) -> list[list[Any]]:
    """
    Invert symmetric matrices of one or two rows, one for each pixel.

    :param matrix: rows of (h,w) float32.
    :return: the same of the inverse.
    """
    if len(matrix) == 1:
        return [[matrix[0][0] ** -1]]
    (a, b), (_, c) = matrix
    determinant = a * c - b * b
    beside = -b / determinant
    return [[c / determinant, beside], [beside, a / determinant]]


def weighted(weights: Sequence[np.ndarray], rasters: Sequence[np.ndarray],
             window: Window) -> np.ndarray:
    """
    Sum rasters up by weights.

    :param weights: G of (H,W).
    :param rasters: G of (h,w).
    :param window: of the weights, that the rasters show.
    :return: (h,w).
    """
    total = weights[0][window] * rasters[0]
    for weight, raster in zip(weights[1:], rasters[1:], strict=True):
        total += weight[window] * raster
    return total
