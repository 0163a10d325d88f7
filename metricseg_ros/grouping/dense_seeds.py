# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The greedy choice of seeds by evaluating every pixel at each step, in fixed shapes.

That suits a GPU, to which a pixel more or less is nothing; a CPU is better served by
:mod:`metricseg_ros.grouping.lazy_seeds`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from metricseg_ros.grouping.picked_pixels import LARGEST_NORM
from metricseg_ros.similarity import squared_distances
import torch
from torch import Tensor

STEPS = 16
"""Seeds picked between two looks from the host at whether there are enough: most images need
fewer."""


def dense_steps(points: Tensor, scores: Tensor, diversity_weight: float) -> Iterator[Tensor]:
    """
    Pick seeds one by one.

    :param points: (D,N) float32 embeddings.
    :param scores: (N,) float32 seediness; pixels of 0 are no candidates.
    :param diversity_weight: alpha.
    :return: (1,) int64 index of each; -1 once there are no candidates left, without end.
    """
    log_scores = scores.log()
    distances = torch.full_like(scores, torch.inf)
    values = log_scores
    while True:
        # As a row, since TensorRT finds no largest value of a plain vector.
        value, best = values[None].max(dim=1)
        yield torch.where(value > -torch.inf, best, -1)
        seed = points.index_select(1, best)
        distances = torch.minimum(distances, (points - seed).square().sum(0))
        values = log_scores + diversity_weight * distances.log()
        values = values.masked_fill(distances == 0, -torch.inf)


def dense_picks(points: Tensor, scores: Tensor, maximum_seeds: int, diversity_weight: float,
                squared_radii: Tensor | None = None, unexplained_rest: int = 0) -> Iterator[int]:
    """
    Pick one seed after the other.

    :return: those of :func:`metricseg_ros.grouping.lazy_seeds.lazy_picks`, of the same arguments.
    """
    usable = points.square().sum(0) < float(LARGEST_NORM)
    points, scores = torch.where(usable, points, 0), torch.where(usable, scores, 0)
    steps = dense_steps(points, scores, diversity_weight)
    picked = torch.empty(0, dtype=torch.int64, device=points.device)
    while len(picked) < maximum_seeds:
        before = len(picked)
        picked = torch.cat([picked, *islice(steps, min(STEPS, maximum_seeds - before))])
        ended = picks_end(points, scores, picked, squared_radii, unexplained_rest)
        # The only look from the host.
        block = torch.where(ended, -1, picked)[before:].tolist()
        yield from (seed for seed in block if seed >= 0)
        if block[-1] < 0:
            return


def picks_end(points: Tensor, scores: Tensor, picked: Tensor, squared_radii: Tensor | None,
              unexplained_rest: int) -> Tensor:
    """
    Tell which seeds come after the end of picking.

    :param points: (D,N) float32 embeddings.
    :param scores: (N,) float32 seediness.
    :param picked: (K,) int64 indices in the order picked; -1 where there was no candidate.
    :param squared_radii: (N,) as in :func:`dense_picks`.
    :param unexplained_rest: as in :func:`dense_picks`.
    :return: (K,) bool, from the first one on that the seeds before it make needless.
    """
    ends = picked < 0
    if squared_radii is not None:
        seeds = picked.clamp_min(0)
        distances = squared_distances(points.index_select(1, seeds).t(), points.t())
        explained = distances <= squared_radii[seeds][:, None]
        # By the seeds before each.
        before = (explained.cumsum(0) - explained.long()) > 0
        left = ((scores > 0) & ~before).sum(1)
        ends = ends | (before.gather(1, seeds[:, None])[:, 0] & (left <= unexplained_rest))
    return ends.long().cumsum(0) > 0
