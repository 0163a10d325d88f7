# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines that follow the image's edges, of all masks at once."""

from __future__ import annotations

from metricseg_ros.outlines import CONTRAST, LEAST_KEPT, PASSES, pixel_map
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate


def box_matrix(size: int, radius: int) -> np.ndarray:
    """
    Write cv2.blur along one axis as a matrix.

    :param size: pixels.
    :param radius: of the window.
    :return: (size,size) float64, rows of sum 1; beyond the border the raster is mirrored.
    """
    reached = np.arange(size)[:, None] + np.arange(-radius, radius + 1)
    period = reached % (2 * size)
    mirrored = np.minimum(period, 2 * size - 1 - period)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], mirrored), 1 / (2 * radius + 1))
    return matrix


def places(to_raster: np.ndarray, size: tuple[int, int], raster_size: tuple[int, int],
           device: torch.device) -> Tensor:
    """
    Say where each pixel is read from, in 32nds of a pixel of the raster, as cv2.warpAffine does.

    :param to_raster: (2,2), rows are (scale, offset) of row and of column.
    :param size: (height, width) of the result.
    :param raster_size: (height, width) of the raster.
    :param device: where rasters are.
    :return: (1,height,width,2) for grid_sample with align_corners.
    """
    axes = []
    for (scale, offset), pixels, cells in zip(to_raster, size, raster_size, strict=True):
        steps = np.rint(scale * np.arange(pixels) * 1024) + np.rint(offset * 1024) + 16
        place = (np.floor(steps / 32) / 32).clip(0, cells - 1)
        axes.append(2 * place / max(1, cells - 1) - 1)
    rows, columns = (torch.tensor(axis, dtype=torch.float32, device=device) for axis in axes)
    return torch.stack([columns.expand(len(rows), -1), rows[:, None].expand(-1, len(columns))],
                       dim=2)[None]


def read(rasters: Tensor, where: Tensor) -> Tensor:
    """
    Read rasters bilinearly at other places.

    :param rasters: (K,h,w) float32.
    :param where: from :func:`places`.
    :return: (K,height,width) float32.
    """
    return grid_sample(rasters[None], where, mode='bilinear', padding_mode='border',
                       align_corners=True)[0]


class Outlines:
    """Draws the outlines of all masks, as :class:`metricseg_ros.outlines.OutlineFilter` does."""

    def __init__(self, content: tuple[int, int], image_size: tuple[int, int],
                 grid_size: tuple[int, int], to_image: np.ndarray, radius: int,
                 device: torch.device) -> None:
        """
        Write down what depends on sizes alone.

        :param content: (height, width) of the guide.
        :param image_size: (height, width) of the image.
        :param grid_size: (height, width) of the network's grid.
        :param to_image: (2,2), rows are (scale, offset) of row and of column of the grid.
        :param radius: of the filter's window.
        :param device: where masks are.
        """
        coarse = tuple(side // 2 for side in content)
        self.fine_size = tuple(2 * side for side in coarse)
        scale, offset = pixel_map(content, image_size).T
        grid_scale, grid_offset = to_image.T
        to_grid = np.stack([2 * scale / grid_scale,
                            (0.5 * scale + offset - grid_offset) / grid_scale], axis=1)
        self.to_grid = places(to_grid, coarse, grid_size, device)
        self.to_fine = places(np.stack([1 / scale, -offset / scale], axis=1), image_size,
                              self.fine_size, device)
        self.rows, self.columns = (
            torch.tensor(box_matrix(side, radius), dtype=torch.float32, device=device)
            for side in coarse)

    def __call__(self, margins: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """
        Draw outlines.

        :param margins: (K,h,w) float32 on the grid.
        :param guide: (H,W) float32, brightness of the image.
        :return: (K,H',W') margins on a finer raster, to be read at `to_fine`; and (K,) bool,
            whether the mask was too small or thin to be filtered and keeps its outline.
        """
        fine = guide[:self.fine_size[0], :self.fine_size[1]]
        coarse = avg_pool2d(fine[None], 2)
        basis = torch.cat([torch.ones_like(coarse), coarse])[:, None]
        mean, square = self._smooth(torch.cat([coarse, coarse.square()]))
        precision = 1 / (square - mean.square() + CONTRAST)
        tilt = -mean * precision
        # Slope and shift are linear in the smoothed side and its smoothed product with the guide.
        of_side = torch.stack([tilt, 1 - mean * tilt])[:, None]
        of_product = torch.stack([precision, tilt])[:, None]
        start = drawn = read(margins, self.to_grid)
        for number in range(PASSES):
            sides, products = self._smooth(drawn.sign() * basis)
            fit = self._smooth(torch.addcmul(sides * of_side, products, of_product))
            if number + 1 < PASSES:
                drawn = torch.addcmul(fit[1], fit[0], coarse)
        fit = interpolate(fit, size=self.fine_size, mode='bilinear', align_corners=False)
        drawn = torch.addcmul(fit[1], fit[0], fine)
        found, had = ((raster >= 0).sum(dim=(1, 2)) for raster in (drawn, start))
        return drawn, found < LEAST_KEPT * 4 * had

    def _smooth(self, rasters: Tensor) -> Tensor:
        return self.rows @ rasters @ self.columns.t()
