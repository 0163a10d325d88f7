# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The greedy choice of seeds on a CPU: lazy, and still exact.

A pixel's value log S_p + alpha log D_p only falls as seeds are added, so an old value is an upper
bound of the new one. Only a small active set, the pixels of highest bound, is kept up to date. As
long as the best of them is above the bounds of all others, nothing else is looked at; else a new
active set is chosen. Rounding does not change the choice: float32 values are rounded up, and
whoever may be the best is evaluated in float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metricseg_ros.grouping.seed_cover import SeedCover

# About so many pixels are kept up to date; their threshold is estimated from a sample of all,
# every so many-th.
ACTIVE = 2048
SAMPLE_STEP = 13
# Pixels at once: their embeddings stay in the cache of one core.
CHUNK = 4096
EXACT_CHUNK = 256
# |log x| of any float32 x > 0.
LARGEST_LOG = 104
# Squared norms above this could overflow in a distance; below the other, they underflow.
LARGEST_NORM, SMALLEST_NORM = np.float32(1e37), np.float32(1e-35)


class LazySeeds:
    """
    Picks one seed after the other from the N pixels of one image.

    :ivar points: (D,N) float32 embeddings.
    :ivar norms: (N,) float32 upper bounds of their squared norms.
    :ivar scores: (N,) float32 seediness; pixels of 0 are no candidates.
    :ivar seeds: pixels picked, in order.
    """

    def __init__(self, points: np.ndarray, scores: np.ndarray, diversity_weight: float) -> None:
        """
        Take the pixels in.

        :param points: (D,N) float32 embeddings. A pixel whose squared norm is not finite, or
            above 1e37, is no candidate.
        :param scores: (N,) float32 seediness; pixels of 0 are no candidates.
        :param diversity_weight: alpha.
        """
        norms = squared_norms(points)
        if not norms.max(initial=0) <= LARGEST_NORM:
            usable = norms <= LARGEST_NORM
            points, norms, scores = (np.where(usable, values, np.float32(0))
                                     for values in (points, norms, scores))
        self.points, self.scores = points, scores
        self.diversity_weight = diversity_weight
        # Bounds of float32 rounding: of |p|^2 - 2 p.s + |s|^2, relative to |p|^2 + |s|^2, and of
        # a value, absolute. Norms are rounded up, so that every sum with them is an upper bound.
        self.distance_rounding = (2 * len(points) + 16) * 2.0 ** -23
        self.value_rounding = LARGEST_LOG * (1 + diversity_weight) * 2.0 ** -21
        self.norms = norms * np.float32(1 + self.distance_rounding) + SMALLEST_NORM
        with np.errstate(divide='ignore'):
            self.log_scores = np.log(scores)
        self.log_scores += np.float32(self.value_rounding)
        self.seeds: list[int] = []
        self.highest_seed_norm = 0.0
        self.active_size = ACTIVE

    def pick(self, maximum_seeds: int, cover: SeedCover | None = None) -> np.ndarray:
        """
        Pick seeds until there are enough, or no candidates, or nothing left to explain.

        :param maximum_seeds: most seeds picked.
        :param cover: says when everything is explained, or None to go on.
        :return: (K,) int64 indices in the order picked.
        """
        # A row (-2 s, 1, |s|^2) for each seed: times (p, |p|^2, 1) it is |p - s|^2.
        self.seed_rows = np.ones((maximum_seeds, len(self.points) + 2), np.float32)
        best = int(self.scores.argmax()) if self.scores.max(initial=0) > 0 else -1
        while best >= 0 and not (cover and cover.complete(best)):
            self._add(best)
            if len(self.seeds) == maximum_seeds:
                break
            best = self._next_best()
        return np.array(self.seeds, dtype=np.int64)

    def _add(self, seed: int) -> None:
        row = self.seed_rows[len(self.seeds)]
        np.multiply(self.points[:, seed], -2, out=row[:-2])
        row[-1] = norm = self.norms[seed]
        self.seeds.append(seed)
        self.highest_seed_norm = max(self.highest_seed_norm, float(norm))
        if len(self.seeds) == 1:
            self._measure_all(row)
            return
        np.minimum(self.active_distances, row @ self.active_columns, out=self.active_distances)
        self.active_values = self._upper_values(self.active_log_scores, self.active_distances)

    def _measure_all(self, row: np.ndarray) -> None:
        """
        Measure the distance of every pixel to the first seed, and choose the active set.

        :param row: of the first seed.
        """
        self.distances = row[:-2] @ self.points
        self.distances += self.norms
        self.distances += row[-1]
        self.bounds = self._upper_values(self.log_scores, self.distances)
        self.seen = np.ones(len(self.bounds), np.int32)
        self.threshold = np.inf
        self._activate()

    def _activate(self) -> None:
        """Make the pixels of highest bound the active set, and bring them up to date."""
        self.threshold = self._lower_threshold()
        self.active = active = np.flatnonzero(self.bounds >= self.threshold)
        self.active_columns = columns = np.ones((self.seed_rows.shape[1], len(active)), np.float32)
        # With clipping, of which there is none, numpy writes in place: twice as fast.
        np.take(self.points, active, axis=1, out=columns[:-2], mode='clip')
        columns[-2] = self.norms[active]
        self.active_log_scores = self.log_scores[active]
        self.active_distances = distances = self.distances[active]
        unseen = self.seed_rows[self.seen[active].min():len(self.seeds)]
        for start in range(0, len(active) if len(unseen) else 0, CHUNK):
            chunk = slice(start, start + CHUNK)
            np.minimum(distances[chunk], (unseen @ columns[:, chunk]).min(axis=0),
                       out=distances[chunk])
        self.active_values = self._upper_values(self.active_log_scores, distances)

    def _lower_threshold(self) -> float:
        """
        Find a bound that about so many pixels reach as the active set shall have.

        :return: a bound below the threshold of now; -inf if all pixels shall be active.
        """
        sample = self.bounds[::SAMPLE_STEP]
        threshold = np.inf
        while threshold >= self.threshold:
            rank = self.active_size // SAMPLE_STEP
            if rank >= len(sample):
                return -np.inf
            threshold = np.partition(sample, -rank)[-rank]
            if threshold >= self.threshold:
                self.active_size *= 2
        return threshold

    def _deactivate(self) -> None:
        """Write down what is known of the active pixels."""
        self.bounds[self.active], self.distances[self.active] = (self.active_values,
                                                                 self.active_distances)
        self.seen[self.active] = len(self.seeds)

    def _upper_values(self, log_scores: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """
        Compute upper bounds of log S + alpha log D from those of D.

        :param log_scores: (n,) float32 log S, rounded up; -inf for no candidates.
        :param distances: (n,) float32 upper bounds of D, above 0.
        :return: (n,) float32.
        """
        values = np.log(distances)
        values *= self.diversity_weight
        values += log_scores
        return values

    def _next_best(self) -> int:
        """
        Find the pixel of highest value.

        :return: the first among equals; -1 if there is none.
        """
        leader, least = self._leader()
        while least < self.threshold:
            self._deactivate()
            self._activate()
            leader, least = self._leader()
        contenders = np.flatnonzero(self.active_values >= least)
        if len(contenders) == 1 and least > -np.inf:
            return int(self.active[leader])
        return self._exact_best(self.active[contenders])

    def _leader(self) -> tuple[int, float]:
        """
        Find the active pixel of highest upper value.

        :return: its place in the active set, and a lower bound of its value: -inf where its D
            may be 0.
        """
        leader = int(self.active_values.argmax())
        value = float(self.active_values[leader])
        norms = float(self.norms[self.active[leader]]) + self.highest_seed_norm
        rounding = 2 * self.distance_rounding * norms + 4 * float(SMALLEST_NORM)
        rounding /= float(self.active_distances[leader])
        if rounding >= 1 or value == -np.inf:
            return leader, -math.inf
        least = value + self.diversity_weight * math.log1p(-rounding)
        return leader, least - 2 * self.value_rounding

    def _exact_best(self, pixels: np.ndarray) -> int:
        """
        Decide in float64 among all that may be the best.

        :param pixels: (n,) which.
        :return: the pixel of highest value, the first among equals; -1 if none is a candidate.
        """
        pixels = np.sort(pixels[self.scores[pixels] > 0])
        if len(pixels) == 0:
            return -1
        values = self._exact_values(pixels)
        best = values.argmax()
        return int(pixels[best]) if values[best] > -np.inf else -1

    def _exact_values(self, pixels: np.ndarray) -> np.ndarray:
        seeds = self.seed_rows[:len(self.seeds), :-2].astype(np.float64) / -2
        distances = np.empty(len(pixels))
        for start in range(0, len(pixels), EXACT_CHUNK):
            chunk = slice(start, start + EXACT_CHUNK)
            offsets = self.points[:, pixels[chunk]].T[:, None] - seeds
            distances[chunk] = np.einsum('pkd,pkd->pk', offsets, offsets).min(axis=1)
        log_scores = np.log(self.scores[pixels].astype(np.float64))
        with np.errstate(divide='ignore', invalid='ignore'):
            values = log_scores + self.diversity_weight * np.log(distances)
        return np.where(distances > 0, values, -np.inf)


def squared_norms(points: np.ndarray) -> np.ndarray:
    """
    Compute the squared norm of every pixel's embedding.

    :param points: (D,N) float32.
    :return: (N,) float32.
    """
    norms = np.empty(points.shape[1], np.float32)
    for start in range(0, len(norms), CHUNK):
        chunk = points[:, start:start + CHUNK]
        np.einsum('dn,dn->n', chunk, chunk, out=norms[start:start + CHUNK])
    return norms
