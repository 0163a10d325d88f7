# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The greedy choice of a fixed number of seeds, and which of them come before it would end."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
import torch
from torch import Tensor

NOTHING_LEFT = 1e-9
"""Value of the best pixel below which all candidates lie on seeds."""

LEAST_DIVERSITY_WEIGHT = 0.01
"""Below it S^(1/alpha) leaves the range of float64."""


def seed_qualities(class_logits: Tensor) -> Tensor:
    """
    Say what seed each pixel would make, as :func:`metricseg_ros.grouping.seediness` does.

    :param class_logits: (T,C+1,h,w).
    :return: (3,N) float32: seediness, class id and number of the similarity threshold.
    """
    classes = class_logits.shape[1] - 1
    if classes == 1:
        odds, best = (class_logits[:, 1] - class_logits[:, 0]).flatten(1).max(dim=0)
        return torch.stack([odds.sigmoid(), torch.ones_like(odds), best])
    scores, best = class_logits.softmax(dim=1)[:, 1:].flatten(0, 1).flatten(1).max(dim=0)
    return torch.stack([scores, best % classes + 1, best // classes])


def pick(points: Tensor, scores: Tensor, count: int, diversity_weight: float
         ) -> tuple[Tensor, Tensor]:
    """
    Pick seeds one by one: argmax of log S + alpha log D, and so of q D with q = S^(1/alpha).

    q |p - s|^2 is linear in (q p, q |p|^2, q), so a step is a product with one row. In float64 its
    rounding decides nothing.

    :param points: (D,N) float32 embeddings.
    :param scores: (N,) float32 seediness; pixels of 0 are no candidates.
    :param count: K, number of steps.
    :param diversity_weight: alpha.
    :return: (K,) int64, the pixels in the order picked; (K,) float64, the value of each, not above
        :data:`NOTHING_LEFT` once there are no candidates left.
    """
    points, weights = points.double(), scores.double().pow(1 / diversity_weight)[None]
    norms, ones = points.square().sum(0, keepdim=True), torch.ones_like(weights)
    weighted = torch.cat([points, norms, ones]) * weights
    rows = torch.cat([-2 * points, ones, norms]).t()
    values, picked, tops = weights, [], []
    for step in range(count):
        top, best = values.max(dim=1)
        picked.append(best)
        tops.append(top)
        if step + 1 < count:
            distances = rows.index_select(0, best) @ weighted
            values = torch.minimum(values, distances) if step else distances
    return torch.cat(picked), torch.cat(tops)


def after_the_end(inside: Tensor, candidate: Tensor, picked: Tensor, tops: Tensor,
                  ranks: Tensor, unexplained_rest: float) -> Tensor:
    """
    Mark the seeds that are picked after there were enough.

    :param inside: (K,N) bool, the mask of each seed, in the order picked.
    :param candidate: (N,) bool.
    :param picked: (K,) int64, the seeds' pixels.
    :param tops: (K,) from :func:`pick`.
    :param ranks: (K,) uint8, K for the first seed to 1 for the last.
    :param unexplained_rest: candidates that may stay outside all masks when picking ends.
    :return: (K,) bool. Picking ends at the first that lies in an earlier mask while no more
        candidates than the rest lie outside all, or of which there is no candidate.
    """
    # K of the pixels in the first mask, 1 of those in the last alone, 0 of those in none.
    holders = (inside * ranks[:, None]).amax(dim=0)
    left = ((holders <= ranks[:, None]) & candidate).sum(dim=1)
    explained = holders[picked] > ranks
    ends = (explained & (left <= int(unexplained_rest))) | (tops <= NOTHING_LEFT)
    return ends.cumsum(0) > 0


def diversity_is_in_range(config: GroupingConfig) -> bool:
    """Tell whether :func:`pick` can weigh distances so."""
    return config.diversity_weight >= LEAST_DIVERSITY_WEIGHT
