# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The greedy choice of seeds on a CPU: lazy, and still exact.

A pixel's value log S_p + alpha log D_p only falls as seeds are added, so an old value is an upper
bound. The image is cut into short runs of pixels. Of each run only the few champions are kept up
to date; the whole run is looked at again only when the bound of its rest reaches the best
champion's value. Rounding does not change the choice: float32 values are rounded up, and whoever
may be the best is evaluated in float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metricseg_ros.grouping.seed_cover import SeedCover

RUN_LENGTH = 32
CHAMPIONS = 3
RUNS_AT_ONCE = 64
# In an image of no more pixels than this every pixel is a champion.
SMALL_IMAGE = 8192
# Bounds of float32 rounding: of a squared distance |p|^2 + |s|^2 - 2 p.s, relative to
# |p|^2 + |s|^2, and of a value, absolute.
DISTANCE_ROUNDING = 1e-5
VALUE_ROUNDING = 1e-5
EXACT_CHUNK = 256


class LazySeeds:
    """
    Picks one seed after the other from the pixels of one image.

    The pixels are R runs of L. The champions of all runs are copied into arrays of their own,
    which one product with a new seed brings up to date.
    """

    def __init__(self, points: np.ndarray, scores: np.ndarray, diversity_weight: float) -> None:
        """
        Take the pixels in.

        :param points: (D,h,w) float32 embeddings.
        :param scores: (h,w) float32 seediness; pixels of 0 are no candidates.
        :param diversity_weight: alpha.
        """
        runs, length = run_shape(*scores.shape)
        self.points = points.reshape(len(points), runs, length)
        self.scores, self.diversity_weight = scores.reshape(runs, length), diversity_weight
        self.norms = np.einsum('drl,drl->rl', self.points, self.points)
        # Rounded up here, so that every sum with them is an upper bound.
        self.norms *= np.float32(1 + DISTANCE_ROUNDING)
        with np.errstate(divide='ignore'):
            self.log_scores = np.log(self.scores)
        self.seeds: list[int] = []
        self.seed_points = np.empty((0, len(points)), np.float32)
        self.highest_seed_norm = np.float32(0)
        self._start_runs(runs, length)

    def _start_runs(self, runs: int, length: int) -> None:
        self.distances = np.full((runs, length), np.inf, np.float32)
        self.known_seeds = np.zeros(runs, np.int64)
        self.stale = np.ones(runs, bool)
        self.reach = np.full(runs, np.inf, np.float32)
        self.rest_bounds = np.empty(runs, np.float32)
        few = length > CHAMPIONS and runs * length > SMALL_IMAGE
        self.champion_count = CHAMPIONS if few else length
        champions = runs * self.champion_count
        self.champions = np.zeros(champions, np.int64)
        self.champion_points = np.empty((len(self.points), champions), np.float32)
        (self.champion_norms, self.champion_log_scores, self.champion_distances,
         self.champion_values) = np.empty((4, champions), np.float32)

    def pick(self, maximum_seeds: int, cover: SeedCover | None = None) -> np.ndarray:
        """
        Pick seeds until there are enough, or no candidates, or nothing left to explain.

        :param maximum_seeds: most seeds picked.
        :param cover: says when everything is explained, or None to go on.
        :return: (K,) int64 indices in the order picked.
        """
        best = int(self.scores.argmax()) if self.scores.max(initial=0) > 0 else -1
        while best >= 0 and not (cover and cover.complete(best)):
            self._add(best)
            if len(self.seeds) == maximum_seeds:
                break
            best = self._next_best()
        return np.array(self.seeds, dtype=np.int64)

    def _add(self, seed: int) -> None:
        run, place = divmod(seed, self.scores.shape[1])
        point, norm = self.points[:, run, place], self.norms[run, place]
        self.seeds.append(seed)
        self.seed_points = np.concatenate([self.seed_points, point[None]])
        self.highest_seed_norm = max(self.highest_seed_norm, norm)
        if len(self.seeds) == 1:
            self._refresh(slice(None))
            return
        distances = (-2 * point) @ self.champion_points
        distances += self.champion_norms
        distances += norm
        self.stale |= distances[::self.champion_count] < self.reach
        np.minimum(self.champion_distances, distances, out=self.champion_distances)
        self.champion_values = upper_values(self.champion_log_scores, self.champion_distances,
                                            self.diversity_weight)

    def _next_best(self) -> int:
        while True:
            leader, value = self._leader()
            reaching = (self.rest_bounds >= value) & (self.rest_bounds > -np.inf)
            if not (reaching & self.stale).any():
                return self._exact_best(leader, value, np.flatnonzero(reaching))
            # Runs just below would be next: looking at some together costs little more.
            bounds = np.where(self.stale, self.rest_bounds, -np.inf)
            count = min(RUNS_AT_ONCE, len(bounds))
            self._refresh(np.sort(np.argpartition(bounds, -count)[-count:]))

    def _leader(self) -> tuple[int, float]:
        """
        Find the champion of highest upper value.

        :return: its pixel, and a lower bound of its value.
        """
        slot = self.champion_values.argmax()
        rounding = 2 * DISTANCE_ROUNDING * (self.champion_norms[slot] + self.highest_seed_norm)
        distance = float(self.champion_distances[slot] - rounding)
        if distance <= 0 or self.champion_log_scores[slot] == -np.inf:
            return int(self.champions[slot]), -np.inf
        value = self.champion_log_scores[slot] + self.diversity_weight * math.log(distance)
        return int(self.champions[slot]), float(value) - 2 * VALUE_ROUNDING

    def _refresh(self, runs: np.ndarray | slice) -> None:
        """
        Bring whole runs up to date and choose their champions anew.

        :param runs: (r,) which, ascending; or all.
        """
        first = self.known_seeds[runs].min()
        points = self.points[:, runs]
        # |s|^2 - 2 p.s of all seeds, and only of the nearest one |p - s|^2.
        terms = (-2 * self.seed_points[first:]) @ points.reshape(len(points), -1)
        terms += self.norms.reshape(-1)[self.seeds[first:], None]
        nearest = terms.min(axis=0).reshape(self.norms[runs].shape)
        nearest += self.norms[runs]
        self.distances[runs] = distances = np.minimum(self.distances[runs], nearest)
        self.known_seeds[runs], self.stale[runs] = len(self.seeds), False
        self._crown(np.arange(len(self.norms))[runs],
                    upper_values(self.log_scores[runs], distances, self.diversity_weight))
        if len(self.seeds) > 1:
            self._measure_reach(runs, points)

    def _crown(self, runs: np.ndarray, values: np.ndarray) -> None:
        """
        Choose the champions of runs.

        :param runs: (r,) which.
        :param values: (r,L) upper values of their pixels.
        """
        length, count = values.shape[1], self.champion_count
        if count == length:
            self._crown_all(values)
            return
        order = np.argpartition(values, length - 1 - count, axis=1)
        self.rest_bounds[runs] = values[np.arange(len(runs)), order[:, length - 1 - count]]
        pixels = (runs[:, None] * length + order[:, length - count:]).ravel()
        slots = (runs[:, None] * count + np.arange(count)).ravel()
        self.champions[slots] = pixels
        self.champion_points[:, slots] = np.take(self.points.reshape(len(self.points), -1),
                                                 pixels, axis=1)
        for own, all_pixels in ((self.champion_norms, self.norms),
                                (self.champion_log_scores, self.log_scores),
                                (self.champion_distances, self.distances)):
            own[slots] = all_pixels.reshape(-1)[pixels]
        self.champion_values[slots] = np.take_along_axis(
            values, order[:, length - count:], axis=1).ravel()

    def _crown_all(self, values: np.ndarray) -> None:
        # Once is enough: without a rest no run is looked at again.
        self.rest_bounds[:] = -np.inf
        self.champions = np.arange(values.size)
        self.champion_points = self.points.reshape(len(self.points), -1)
        self.champion_norms, self.champion_log_scores = self.norms.ravel(), self.log_scores.ravel()
        self.champion_distances, self.champion_values = self.distances.ravel(), values.ravel()

    def _measure_reach(self, runs: np.ndarray, points: np.ndarray) -> None:
        """
        Find how near a seed must be to a run's first champion to change anything in the run.

        By the triangle inequality a seed farther than the run's extent around that champion plus
        the run's largest distance to its nearest seed is nearer to none of its pixels.

        :param runs: (r,) which.
        :param points: (D,r,L) their embeddings.
        """
        champions = runs * self.champion_count
        products = np.einsum('drl,dr->rl', points, self.champion_points[:, champions])
        extents = self.norms[runs] + self.champion_norms[champions, None] - 2 * products
        self.reach[runs] = (np.sqrt(extents.max(axis=1))
                            + np.sqrt(self.distances[runs].max(axis=1))) ** 2

    def _exact_best(self, leader: int, value: float, runs: np.ndarray) -> int:
        """
        Decide in float64 among all that may be the best.

        :param leader: champion of highest upper value.
        :param value: lower bound of its value.
        :param runs: up-to-date runs whose rest may reach that value.
        :return: index of the best pixel, the first among equals; -1 if there is none.
        """
        contenders = self.champions[(self.champion_values >= value)
                                    & (self.champion_values > -np.inf)]
        if len(contenders) == 1 and len(runs) == 0 and value > -np.inf:
            return leader
        rest = upper_values(self.log_scores[runs], self.distances[runs], self.diversity_weight)
        of_run, place = np.nonzero((rest >= value) & (rest > -np.inf))
        more = runs[of_run] * self.scores.shape[1] + place
        contenders = np.union1d(contenders, more)
        if len(contenders) == 0:
            return -1
        exact = self._exact_values(contenders)
        best = exact.argmax()
        return int(contenders[best]) if exact[best] > -np.inf else -1

    def _exact_values(self, pixels: np.ndarray) -> np.ndarray:
        seeds = self.seed_points.astype(np.float64)
        points = self.points.reshape(len(self.points), -1)
        distances = np.empty(len(pixels))
        for start in range(0, len(pixels), EXACT_CHUNK):
            chunk = slice(start, start + EXACT_CHUNK)
            offsets = points[:, pixels[chunk]].T[:, None] - seeds
            distances[chunk] = np.einsum('pkd,pkd->pk', offsets, offsets).min(axis=1)
        log_scores = np.log(self.scores.reshape(-1)[pixels].astype(np.float64))
        with np.errstate(divide='ignore', invalid='ignore'):
            values = log_scores + self.diversity_weight * np.log(distances)
        return np.where(distances > 0, values, -np.inf)


def run_shape(height: int, width: int) -> tuple[int, int]:
    """
    Cut rows into equal runs.

    :param height: rows of the image.
    :param width: columns of the image.
    :return: number of runs, and their length: the smallest divisor of the width that is at least
        :data:`RUN_LENGTH`, or the width.
    """
    length = next((n for n in range(RUN_LENGTH, width) if width % n == 0), width)
    return height * (width // length), length


def upper_values(log_scores: np.ndarray, distances: np.ndarray, weight: float) -> np.ndarray:
    """
    Compute upper bounds of log S + alpha log D from float32.

    :param log_scores: float32 log S; -inf for no candidates.
    :param distances: float32 upper bounds of D, same shape.
    :param weight: alpha.
    :return: float32, same shape.
    """
    tiny = np.finfo(np.float32).tiny
    values = np.log(np.maximum(distances, tiny))
    values *= np.float32(weight)
    values += log_scores
    values += np.float32(VALUE_ROUNDING)
    return values
