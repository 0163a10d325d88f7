# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Outlines that follow the image's edges, of all masks at once.

cv2.blur mirrors a raster at its border. Here rasters are mirrored once, beyond the border by what
all passes reach: then each smoothing is one operator, whatever it makes of the rim.
"""

from __future__ import annotations

from collections.abc import Iterable

from metricseg_ros.outlines import CONTRAST, LEAST_KEPT, PASSES, pixel_map
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, avg_pool3d, grid_sample, interpolate, pad


def mirrored(size: int, beyond: int) -> np.ndarray:
    """
    Tell which pixel lies where on a line that is mirrored beyond both ends.

    :param size: pixels.
    :param beyond: pixels beyond each end.
    :return: (size + 2 beyond,) int64.
    """
    period = np.arange(-beyond, size + beyond) % (2 * size)
    return np.minimum(period, 2 * size - 1 - period)


def places(to_raster: np.ndarray, size: tuple[int, int], raster_size: tuple[int, int],
           device: torch.device, beyond: int = 0) -> Tensor:
    """
    Say where each pixel is read from, in 32nds of a pixel of the raster, as cv2.warpAffine does.

    :param to_raster: (2,2), rows are (scale, offset) of row and of column.
    :param size: (height, width) of the result.
    :param raster_size: (height, width) of the raster.
    :param device: where rasters are.
    :param beyond: pixels by which the result is mirrored beyond each side.
    :return: (1,height,width,2) for grid_sample with align_corners.
    """
    axes = []
    for (scale, offset), pixels, cells in zip(to_raster, size, raster_size, strict=True):
        steps = np.rint(scale * mirrored(pixels, beyond) * 1024) + np.rint(offset * 1024) + 16
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


def side_of(fit: Tensor, guides: Tensor) -> Tensor:
    """
    Say by a fit on which side of the outline each pixel is.

    :param fit: (1+G,K,h,w), slopes and shift.
    :param guides: (G,h,w).
    :return: (K,h,w), not negative inside.
    """
    *slopes, side = fit
    for slope, guide in zip(slopes, guides, strict=True):
        side = torch.addcmul(side, slope, guide)
    return side


class Outlines:
    """Draws the outlines of all masks, as :class:`metricseg_ros.outlines.OutlineFilter` does."""

    def __init__(self, content: tuple[int, int], image_size: tuple[int, int],
                 grid_size: tuple[int, int], to_image: np.ndarray, radius: int,
                 least: tuple[float, ...], device: torch.device) -> None:
        """
        Write down what depends on sizes alone.

        :param content: (height, width) of the guides.
        :param image_size: (height, width) of the image.
        :param grid_size: (height, width) of the network's grid.
        :param to_image: (2,2), rows are (scale, offset) of row and of column of the grid.
        :param radius: of the filter's window.
        :param least: G values, the least of each guide: brightness, or brightness and depth.
        :param device: where masks are.
        """
        self.radius, self.side = radius, 2 * radius + 1
        self.size = coarse = tuple(side // 2 for side in content)
        self.fine_size = tuple(2 * side for side in coarse)
        self.beyond = beyond = 2 * PASSES * radius
        scale, offset = pixel_map(content, image_size).T
        grid_scale, grid_offset = to_image.T
        to_grid = np.stack([2 * scale / grid_scale,
                            (0.5 * scale + offset - grid_offset) / grid_scale], axis=1)
        self.to_grid = places(to_grid, coarse, grid_size, device, beyond)
        # The middle of four pixels is their mean.
        self.to_guide = places(np.array([[2, 0.5], [2, 0.5]]), coarse, self.fine_size, device,
                               beyond)
        self.to_fine = places(np.stack([1 / scale, -offset / scale], axis=1), image_size,
                              self.fine_size, device)
        self.one, self.none = (torch.tensor(value, device=device) for value in (1.0, 0.0))
        self.least = torch.tensor(least, device=device)[:, None, None]
        self.ones = torch.ones(1, *(side + 2 * beyond for side in coarse), device=device)
        contrast = CONTRAST * torch.eye(len(least), device=device)
        self.signs = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], device=device)[:, :, None, None]
        self.contrast = pad(contrast, (0, 0, 1, 0))[:, :, None, None]

    def __call__(self, margins: Tensor, guides: Tensor) -> tuple[Tensor, Tensor]:
        """
        Draw outlines.

        :param margins: (K,h,w) float32 on the grid.
        :param guides: (G,H,W) float32, brightness of the image, and perhaps its depth.
        :return: (K,H',W') margins on a finer raster, to be read at `to_fine`; and (K,) bool,
            whether the mask was too small or thin to be filtered and keeps its outline.
        """
        fine = guides[:, :self.fine_size[0], :self.fine_size[1]] - self.least
        coarse = read(fine, self.to_guide)
        basis = torch.cat([self.ones, coarse])  # Nowhere negative, so that a sign can be put on.
        fits = self._fits(coarse, basis)
        drawn = read(margins, self.to_grid)
        signed = torch.copysign(basis, drawn[:, None])
        sides = self._within(signed[:, 0]).sum(dim=(1, 2))
        for number in range(PASSES):
            fit = self._fitted(signed, fits)
            if number + 1 < PASSES:
                signed = torch.copysign(basis, side_of(fit, coarse)[:, None])
        fit = interpolate(self._within(fit), size=self.fine_size, mode='bilinear',
                          align_corners=False)
        drawn = side_of(fit, fine)
        found = (drawn >= 0).sum(dim=(1, 2))
        return drawn, self._loses(found, sides)

    def _fits(self, coarse: Tensor, basis: Tensor) -> Tensor:
        """
        Say how a fit depends on the smoothed side and its smoothed products with the guides.

        :param coarse: (G,h,w), the guides.
        :param basis: (1+G,h,w), 1 and the guides.
        :return: (1+G,1,1+G,h,w), what slopes and shift take of each.
        """
        smooth = self._smooth(torch.addcmul(self.contrast, basis[:, None], coarse))
        mean = smooth[0]
        precision = self._inverse(torch.addcmul(smooth[1:], mean[:, None], mean, value=-1))
        tilts = self._less(self.none, precision, mean)  # Symmetric: rows are columns.
        rows = [part for tilt, row in zip(tilts, precision, strict=True) for part in (tilt, *row)]
        parts = [*rows, self._less(self.one, mean, tilts), *tilts]
        return torch.stack(parts).unflatten(0, (len(basis), 1, len(basis)))

    def _inverse(self, matrices: Tensor) -> Tensor:
        """Invert symmetric matrices of one or two rows, (G,G,h,w)."""
        if len(matrices) == 1:
            return matrices ** -1
        (a, b), (_, c) = matrices
        return matrices.flip(0, 1) * self.signs / (a * c - b * b)

    @staticmethod
    def _less(total: Tensor, ones: Iterable[Tensor], others: Iterable[Tensor]) -> Tensor:
        """Take the products of each with the other from what there is."""
        for one, other in zip(ones, others, strict=True):
            total = torch.addcmul(total, one, other, value=-1)
        return total

    def _fitted(self, signed: Tensor, fits: Tensor) -> Tensor:
        """
        Fit the side of the outline to the guides.

        :param signed: (K,1+G,h,w), side of the outline and its products with the guides.
        :param fits: from :meth:`_fits`.
        :return: (1+G,K,h,w), slopes and shift, smoothed.
        """
        side, radius = self.side, self.radius
        return avg_pool3d(fits * self._smooth(signed), (len(fits), side, side), 1,
                          (0, radius, radius), divisor_override=side * side).squeeze(2)

    def _smooth(self, rasters: Tensor) -> Tensor:
        return avg_pool2d(rasters, self.side, 1, self.radius)

    def _within(self, rasters: Tensor) -> Tensor:
        """Leave out what lies beyond the border."""
        height, width = self.size
        return rasters[..., self.beyond:self.beyond + height, self.beyond:self.beyond + width]

    def _loses(self, found: Tensor, sides: Tensor) -> Tensor:
        """
        Tell where fewer pixels are found than a share of four times those that were inside.

        :param found: (K,), pixels inside after.
        :param sides: (K,), pixels inside minus those outside, before.
        """
        share, pixels = LEAST_KEPT * 2, self.size[0] * self.size[1]
        # Both are whole numbers; half a step of a tenth keeps rounding out.
        return torch.add(found, sides, alpha=-share) < share * pixels - 0.05
