# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pixels of one image, and the seeds picked of them so far, as a CPU likes them."""

from __future__ import annotations

import numpy as np

CHUNK = 4096
"""Pixels at once: their embeddings stay in the cache of one core."""

LARGEST_NORM, SMALLEST_NORM = np.float32(1e37), np.float32(1e-35)
"""Squared norms above the first could overflow in a distance; below the other, they underflow."""


class PickedPixels:
    """
    N pixels, of which seeds are picked.

    :ivar points: (D,N) float32 embeddings.
    :ivar norms: (N,) float32 upper bounds of their squared norms.
    :ivar scores: (N,) float32 seediness; pixels of 0 are no candidates.
    :ivar seeds: pixels picked, in order.
    :ivar seed_rows: a row (-2 s, 1, |s|^2) for each seed: times (p, |p|^2, 1) it is |p - s|^2.
    :ivar distance_rounding: bound of the rounding of that in float32, relative to |p|^2 + |s|^2.
    """

    def __init__(self, points: np.ndarray, scores: np.ndarray, maximum_seeds: int) -> None:
        """
        Take the pixels in.

        :param points: (D,N) float32 embeddings. A pixel whose squared norm is not finite, or
            above 1e37, is no candidate.
        :param scores: (N,) float32 seediness; pixels of 0 are no candidates.
        """
        norms = squared_norms(points)
        if not norms.max(initial=0) <= LARGEST_NORM:
            usable = norms <= LARGEST_NORM
            points, norms, scores = (np.where(usable, values, np.float32(0))
                                     for values in (points, norms, scores))
        self.points, self.scores = points, scores
        # Norms are rounded up, so that every sum with them is an upper bound.
        self.distance_rounding = (2 * len(points) + 16) * 2.0 ** -23
        self.norms = norms * np.float32(1 + self.distance_rounding) + SMALLEST_NORM
        self.seeds: list[int] = []
        self.seed_rows = np.ones((maximum_seeds, len(points) + 2), np.float32)

    def add(self, seed: int) -> None:
        """Take a pixel for a seed."""
        row = self.seed_rows[len(self.seeds)]
        np.multiply(self.points[:, seed], -2, out=row[:-2])
        row[-1] = self.norms[seed]
        self.seeds.append(seed)


def squared_norms(points: np.ndarray) -> np.ndarray:
    """Compute the squared norm of every pixel's embedding: (D,N) float32 to (N,)."""
    norms = np.empty(points.shape[1], np.float32)
    for start in range(0, len(norms), CHUNK):
        chunk = points[:, start:start + CHUNK]
        np.einsum('dn,dn->n', chunk, chunk, out=norms[start:start + CHUNK])
    return norms
