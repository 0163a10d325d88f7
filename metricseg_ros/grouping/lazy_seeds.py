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

from collections.abc import Iterator
import math

from metricseg_ros.grouping.picked_pixels import CHUNK, PickedPixels, SMALLEST_NORM
from metricseg_ros.grouping.seed_cover import SeedCover
import numpy as np
from torch import Tensor

# About so many pixels are kept up to date; their threshold is estimated from a sample of all,
# every so many-th.
ACTIVE = 2048
SAMPLE_STEP = 13
EXACT_CHUNK = 256
# |log x| of any float32 x > 0.
LARGEST_LOG = 104


def lazy_picks(points: Tensor, scores: Tensor, maximum_seeds: int, diversity_weight: float,
               squared_radii: Tensor | None = None, unexplained_rest: int = 0) -> Iterator[int]:
    """
    Pick one seed after the other, as :func:`metricseg_ros.grouping.seeds.select_seeds` says.

    :param points: (D,N) float32 embeddings. A pixel whose squared norm is not finite, or above
        1e37, is no candidate.
    :param scores: (N,) float32 seediness; pixels of 0 are no candidates.
    :param diversity_weight: alpha.
    :param squared_radii: (N,) squared distance to which the mask of each pixel would reach, or
        None to go on to the end.
    :param unexplained_rest: candidates that may stay outside all masks.
    :return: the index of each, in the order picked.
    """
    pixels = PickedPixels(points.numpy(), scores.numpy(), maximum_seeds)
    cover = None if squared_radii is None else SeedCover(pixels, squared_radii.numpy(),
                                                         unexplained_rest)
    best = int(pixels.scores.argmax()) if pixels.scores.max(initial=0) > 0 else -1
    active: ActiveSet | None = None
    while best >= 0 and not (cover and cover.complete(best)):
        yield best
        pixels.add(best)
        if len(pixels.seeds) == maximum_seeds:
            return
        if active is None:
            active = ActiveSet(pixels, diversity_weight)
        else:
            active.take_seed_in()
        best = active.best()


class ActiveSet:
    """The pixels that may be the next seed: those of highest bound, kept up to date."""

    def __init__(self, pixels: PickedPixels, diversity_weight: float) -> None:
        """Measure the distance of every pixel to the first seed, and choose the active ones."""
        self.pixels, self.diversity_weight = pixels, diversity_weight
        # Bound of the rounding of a value in float32, absolute; they are rounded up.
        self.value_rounding = LARGEST_LOG * (1 + diversity_weight) * 2.0 ** -21
        with np.errstate(divide='ignore'):
            self.log_scores = np.log(pixels.scores)
        self.log_scores += np.float32(self.value_rounding)
        row = pixels.seed_rows[0]
        self.highest_seed_norm = float(row[-1])
        self.distances = row[:-2] @ pixels.points
        self.distances += pixels.norms
        self.distances += row[-1]
        self.bounds = self._upper_values(self.log_scores, self.distances)
        self.seen = np.ones(len(self.bounds), np.int32)
        self.active_size, self.threshold = ACTIVE, np.inf
        self._activate()

    def take_seed_in(self) -> None:
        """Bring the active pixels up to date with the latest seed."""
        row = self.pixels.seed_rows[len(self.pixels.seeds) - 1]
        self.highest_seed_norm = max(self.highest_seed_norm, float(row[-1]))
        np.minimum(self.active_distances, row @ self.active_columns, out=self.active_distances)
        self.active_values = self._upper_values(self.active_log_scores, self.active_distances)

    def _activate(self) -> None:
        """Make the pixels of highest bound the active set, and bring them up to date."""
        self.threshold = self._lower_threshold()
        self.active = active = np.flatnonzero(self.bounds >= self.threshold)
        self.active_columns = columns = np.ones((len(self.pixels.points) + 2, len(active)),
                                                np.float32)
        # With clipping, of which there is none, numpy writes in place: twice as fast.
        np.take(self.pixels.points, active, axis=1, out=columns[:-2], mode='clip')
        columns[-2] = self.pixels.norms[active]
        self.active_log_scores = self.log_scores[active]
        self.active_distances = distances = self.distances[active]
        pixels = self.pixels
        unseen = pixels.seed_rows[self.seen[active].min():len(pixels.seeds)]
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
        self.seen[self.active] = len(self.pixels.seeds)

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

    def best(self) -> int:
        """Find the pixel of highest value; return the first among equals; -1 if there is none."""
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
        norms = float(self.pixels.norms[self.active[leader]]) + self.highest_seed_norm
        rounding = 2 * self.pixels.distance_rounding * norms + 4 * float(SMALLEST_NORM)
        rounding /= float(self.active_distances[leader])
        if rounding >= 1 or value == -np.inf:
            return leader, -math.inf
        least = value + self.diversity_weight * math.log1p(-rounding)
        return leader, least - 2 * self.value_rounding

    def _exact_best(self, pixels: np.ndarray) -> int:
        """
        Decide in float64 among all that may be the best.

        :return: the pixel of highest value, the first among equals; -1 if none is a candidate.
        """
        pixels = np.sort(pixels[self.pixels.scores[pixels] > 0])
        if len(pixels) == 0:
            return -1
        values = self._exact_values(pixels)
        best = values.argmax()
        return int(pixels[best]) if values[best] > -np.inf else -1

    def _exact_values(self, pixels: np.ndarray) -> np.ndarray:
        seeds = self.pixels.seed_rows[:len(self.pixels.seeds), :-2].astype(np.float64) / -2
        distances = np.empty(len(pixels))
        for start in range(0, len(pixels), EXACT_CHUNK):
            chunk = slice(start, start + EXACT_CHUNK)
            offsets = self.pixels.points[:, pixels[chunk]].T[:, None] - seeds
            distances[chunk] = np.einsum('pkd,pkd->pk', offsets, offsets).min(axis=1)
        log_scores = np.log(self.pixels.scores[pixels].astype(np.float64))
        with np.errstate(divide='ignore', invalid='ignore'):
            values = log_scores + self.diversity_weight * np.log(distances)
        return np.where(distances > 0, values, -np.inf)
