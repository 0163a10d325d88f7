# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When there are seeds enough: once their masks hold nearly every candidate."""

from __future__ import annotations

from metricseg_ros.grouping.picked_pixels import CHUNK, PickedPixels
import numpy as np


class SeedCover:
    """
    Knows which candidates lie in the mask of a seed, and so need none of their own.

    The image is gone through from the top, only as far as it takes to find more unexplained
    candidates than may stay. Those explained once stay so.
    """

    def __init__(self, pixels: PickedPixels, squared_radii: np.ndarray,
                 unexplained_rest: int) -> None:
        """
        Begin with nothing explained.

        :param squared_radii: (N,) float32, squared distance to which each pixel's mask reaches.
        :param unexplained_rest: candidates that may stay outside all masks.
        """
        self.pixels, self.squared_radii, self.rest = pixels, squared_radii, unexplained_rest
        self.unexplained, self.looked_at = np.empty(0, np.int64), 0
        self.gone_through = 0

    def complete(self, candidate: int) -> bool:
        """
        Tell whether the seeds explain the candidate, and all others but the rest that may stay.

        :param candidate: the pixel that would be the next seed. While that one is not explained
            there is no need to look at the others.
        """
        if not self._explained(0, slice(candidate, candidate + 1)).all():
            return False
        left = self.unexplained
        self.unexplained = left[~self._explained(self.looked_at, left)]
        self.looked_at = len(self.pixels.seeds)
        while len(self.unexplained) <= self.rest:
            if self.gone_through >= len(self.pixels.scores):
                return True
            self._go_on()
        return False

    def _go_on(self) -> None:
        chunk = slice(self.gone_through, self.gone_through + CHUNK)
        left = (self.pixels.scores[chunk] > 0) & ~self._explained(0, chunk)
        self.unexplained = np.append(self.unexplained, np.flatnonzero(left) + chunk.start)
        self.gone_through = chunk.stop

    def _explained(self, first: int, which: slice | np.ndarray) -> np.ndarray:
        """Tell which pixels lie in the mask of a seed."""
        pixels = self.pixels
        seeds = pixels.seeds[first:]
        rows = pixels.seed_rows[first:len(pixels.seeds)]
        # |s|^2 - 2 p.s - r^2 of all seeds: some seed's is below -|p|^2 where d^2 <= r^2.
        terms = rows[:, :-2] @ pixels.points[:, which]
        terms += (rows[:, -1] - self.squared_radii[seeds])[:, None]
        return terms.min(axis=0, initial=np.inf) <= -pixels.norms[which]
