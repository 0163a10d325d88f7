# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When there are seeds enough: once their masks hold nearly every candidate."""

from __future__ import annotations

from metricseg_ros.grouping.lazy_seeds import LazySeeds
import numpy as np


class SeedCover:
    """Knows which candidates lie in the mask of a seed, and so need none of their own."""

    def __init__(self, image: LazySeeds, squared_radii: np.ndarray,
                 unexplained_rest: int) -> None:
        """
        Begin with nothing explained.

        :param image: the pixels, and the seeds picked of them.
        :param squared_radii: (h,w) float32, squared distance to which each pixel's mask reaches.
        :param unexplained_rest: candidates that may stay outside all masks.
        """
        self.image, self.squared_radii = image, squared_radii.ravel()
        self.points, self.norms = image.points.reshape(len(image.points), -1), image.norms.ravel()
        self.unexplained = np.flatnonzero(image.scores)
        self.rest, self.looked_at = unexplained_rest, 0

    def complete(self, candidate: int) -> bool:
        """
        Tell whether the seeds explain the candidate, and all others but the rest that may stay.

        :param candidate: the pixel that would be the next seed. While that one is not explained
            there is no need to look at the others.
        :return: whether picking may end.
        """
        if not self._inside(0, slice(candidate, candidate + 1)).any():
            return False
        # Those explained once stay so: each look is at fewer pixels than the one before.
        inside = self._inside(self.looked_at, self.unexplained)
        self.unexplained = self.unexplained[~inside.any(axis=0)]
        self.looked_at = len(self.image.seeds)
        return len(self.unexplained) <= self.rest

    def _inside(self, first: int, which: slice | np.ndarray) -> np.ndarray:
        seeds = self.image.seeds[first:]
        products = self.image.seed_points[first:] @ self.points[:, which]
        distances = self.norms[which] + self.norms[seeds, None] - 2 * products
        return distances <= self.squared_radii[seeds, None]
