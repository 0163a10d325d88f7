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

import numpy as np

RUN_LENGTH = 64
CHAMPIONS = 2
RUNS_AT_ONCE = 64
# Bounds of float32 rounding: of a squared distance |p|^2 + |s|^2 - 2 p.s, relative to
# |p|^2 + |s|^2, and of a value, absolute.
DISTANCE_ROUNDING = 1e-5
VALUE_ROUNDING = 1e-5
EXACT_CHUNK = 256


class LazySeeds:
    """
    Picks one seed after the other from the pixels of one image.

    The pixels are R runs of L; the C champions of each run are copied into arrays of their own,
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
        with np.errstate(divide='ignore'):
            self.log_scores = np.log(self.scores)
        self.seeds: list[int] = []
        self.seed_points = np.empty((0, len(points)), np.float32)
        self.distances = np.full((runs, length), np.inf, np.float32)
        self.current = np.zeros(runs, np.int64)  # seeds each run's distances know of
        count = min(CHAMPIONS, length - 1)
        self.champions = np.zeros((runs, count), np.int64)
        self.champion_points = np.empty((runs, count, len(points)), np.float32)
        self.champion_distances = np.empty((runs, count), np.float32)
        self.rest_bounds = np.empty(runs, np.float32)

    def pick(self, maximum_seeds: int, cover: SeedCover | None = None) -> np.ndarray:
        """
        Pick seeds until there are enough, or no candidates, or nothing left to explain.

        :param maximum_seeds: most seeds picked.
        :param cover: says when everything is explained, or None to go on.
        :return: (K,) int64 indices in the order picked.
        """
        best = int(self.scores.argmax()) if self.scores.max(initial=0) > 0 else -1
        while best >= 0 and len(self.seeds) < maximum_seeds:
            if cover and cover.complete(best, self.seeds):
                break
            self._add(best)
            best = self._next_best()
        return np.array(self.seeds, dtype=np.int64)

    def _add(self, seed: int) -> None:
        run, place = divmod(seed, self.scores.shape[1])
        point = self.points[:, run, place]
        self.seeds.append(seed)
        self.seed_points = np.concatenate([self.seed_points, point[None]])
        if len(self.seeds) == 1:
            self._refresh(np.arange(len(self.scores)))
            return
        distances = upper_distances(self._of_champions(self.norms), self.norms[run, place],
                                    self.champion_points @ point)
        np.minimum(self.champion_distances, distances, out=self.champion_distances)

    def _next_best(self) -> int:
        while True:
            values = upper_values(self._of_champions(self.log_scores), self.champion_distances,
                                  self.diversity_weight)
            leader = np.array([self._pixels_of_champions().flat[values.argmax()]])
            value = self._exact_values(leader)[0]
            reaching = (self.rest_bounds >= value) & (self.rest_bounds > -np.inf)
            stale = np.flatnonzero(reaching & (self.current < len(self.seeds)))
            if len(stale) == 0:
                return self._exact_best(values, value, np.flatnonzero(reaching))
            order = np.argsort(self.rest_bounds[stale])[::-1]
            self._refresh(stale[order[:RUNS_AT_ONCE]])

    def _refresh(self, runs: np.ndarray) -> None:
        """
        Bring whole runs up to date and choose their champions anew.

        :param runs: (r,) which.
        """
        since = self.current[runs].min()
        points = self.points[:, runs] if len(runs) < len(self.scores) else self.points
        products = self.seed_points[since:] @ points.reshape(len(points), -1)
        seeds = np.array(self.seeds[since:])
        distances = upper_distances(self.norms[runs].reshape(1, -1),
                                    self.norms.reshape(-1)[seeds][:, None], products)
        distances = distances.min(axis=0).reshape(len(runs), -1)
        self.distances[runs] = distances = np.minimum(self.distances[runs], distances)
        self.current[runs] = len(self.seeds)
        values = upper_values(self.log_scores[runs], distances, self.diversity_weight)
        count = self.champions.shape[1]
        order = np.argpartition(values, -1 - count, axis=1)
        self.rest_bounds[runs] = values[np.arange(len(runs)), order[:, -1 - count]]
        champions = order[:, values.shape[1] - count:]
        self.champions[runs] = champions
        self.champion_points[runs] = points[:, np.arange(len(runs))[:, None],
                                            champions].transpose(1, 2, 0)
        self.champion_distances[runs] = np.take_along_axis(distances, champions, axis=1)

    def _exact_best(self, values: np.ndarray, value: float, runs: np.ndarray) -> int:
        """
        Decide in float64 among all that may be the best.

        :param values: (R,C) upper values of the champions.
        :param value: exact value of one of them.
        :param runs: up-to-date runs whose rest may reach that value.
        :return: index of the best pixel, the first among equals; -1 if there is none.
        """
        contenders = self._pixels_of_champions()[(values >= value) & (values > -np.inf)]
        rest = upper_values(self.log_scores[runs], self.distances[runs], self.diversity_weight)
        of_run, place = np.nonzero(rest >= value)
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
        with np.errstate(divide='ignore'):
            log_scores = np.log(self.scores.reshape(-1)[pixels].astype(np.float64))
        return pixel_values(log_scores, distances, self.diversity_weight)

    def _of_champions(self, values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, self.champions, axis=1)

    def _pixels_of_champions(self) -> np.ndarray:
        return self.champions + np.arange(len(self.scores))[:, None] * self.scores.shape[1]


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


def upper_distances(norms: np.ndarray, seed_norms: np.ndarray,
                    products: np.ndarray) -> np.ndarray:
    """
    Compute upper bounds of squared distances from float32 products.

    :param norms: squared norms |p|^2.
    :param seed_norms: squared norms |s|^2.
    :param products: p.s
    :return: float32, at least |p - s|^2; shapes broadcast.
    """
    return (norms + seed_norms) * np.float32(1 + DISTANCE_ROUNDING) - 2 * products


def pixel_values(log_scores: np.ndarray, distances: np.ndarray, weight: float) -> np.ndarray:
    """
    Compute log S + alpha log D.

    :param log_scores: log S.
    :param distances: D, squared distance to the nearest seed, same shape.
    :param weight: alpha.
    :return: same shape; -inf where D is 0, so that a seed is never picked twice.
    """
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.where(distances > 0, log_scores + weight * np.log(distances), -np.inf)


def upper_values(log_scores: np.ndarray, distances: np.ndarray, weight: float) -> np.ndarray:
    """
    Compute upper bounds of log S + alpha log D from float32.

    :param log_scores: float32 log S.
    :param distances: float32 upper bounds of D, same shape.
    :param weight: alpha.
    :return: float32, same shape.
    """
    return pixel_values(log_scores, distances, np.float32(weight)) + np.float32(VALUE_ROUNDING)


class SeedCover:
    """Knows which candidates lie in the mask of a seed, and so need none of their own."""

    def __init__(self, points: np.ndarray, scores: np.ndarray, squared_radii: np.ndarray,
                 unexplained_rest: int) -> None:
        """
        Begin with nothing explained.

        :param points: (D,h,w) float32 embeddings.
        :param scores: (h,w) float32 seediness; pixels of 0 are no candidates.
        :param squared_radii: (h,w) float32, squared distance to which each pixel's mask reaches.
        :param unexplained_rest: candidates that may stay outside all masks.
        """
        self.points, self.squared_radii = points.reshape(len(points), -1), squared_radii.ravel()
        self.unexplained = scores.ravel() > 0
        self.rest, self.seen = unexplained_rest, 0

    def complete(self, candidate: int, seeds: list[int]) -> bool:
        """
        Tell whether the seeds explain everything but the rest that may stay.

        :param candidate: the pixel that would be the next seed. While that one is not explained
            there is no need to look at the others.
        :param seeds: the seeds so far.
        :return: whether picking may end.
        """
        if not self._inside(seeds, slice(candidate, candidate + 1)).any():
            return False
        new, self.seen = seeds[self.seen:], len(seeds)
        left = np.flatnonzero(self.unexplained)
        self.unexplained[left] = ~self._inside(new, left).any(axis=0)
        return np.count_nonzero(self.unexplained) <= self.rest

    def _inside(self, seeds: list[int], which: np.ndarray | slice) -> np.ndarray:
        points, centres = self.points[:, which], self.points[:, seeds]
        distances = (np.einsum('dn,dn->n', points, points)
                     + np.einsum('dk,dk->k', centres, centres)[:, None] - 2 * centres.T @ points)
        return distances <= self.squared_radii[seeds][:, None]
