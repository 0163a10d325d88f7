# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The greedy choice of a fixed number of seeds, and which of them come before it would end."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
import torch
from torch import Tensor

LEAST_DIVERSITY_WEIGHT = 0.01
"""Below it S^(1/alpha) leaves the range of float64."""


def seed_qualities(class_logits: Tensor) -> tuple[Tensor, Tensor]:
    """
    Say what seed each pixel would make, as :func:`metricseg_ros.grouping.seediness` does.

    :param class_logits: (T,C+1,h,w).
    :return: (N,) each: seediness, float32; number of the similarity threshold, int64.
    """
    classes = class_logits.shape[1] - 1
    if classes == 1:
        odds, best = (class_logits[:, 1] - class_logits[:, 0]).flatten(1).max(dim=0)
        return odds.sigmoid(), best
    scores, best = class_logits.softmax(dim=1)[:, 1:].flatten(0, 1).flatten(1).max(dim=0)
    return scores, best // classes


def distance_form(dimension: int, device: torch.device) -> Tensor:
    """
    Write squared distances as a bilinear form of (1, p, |p|^2).

    :param dimension: D of the points p.
    :param device: where they are.
    :return: (D+2,D+2) float64.
    """
    form = torch.zeros(dimension + 2, dimension + 2, dtype=torch.float64, device=device)
    form[1:-1, 1:-1] = -2 * torch.eye(dimension)
    form[0, -1] = form[-1, 0] = 1
    return form


def pick(points: Tensor, weights: Tensor, count: int, form: Tensor) -> Tensor:
    """
    Pick seeds one by one: argmax of log S + alpha log D, and so of q D with q = S^(1/alpha).

    q |p - s|^2 is linear in q (1, p, |p|^2), so a step is a product with one row. In float64 its
    rounding decides nothing.

    :param points: (1+D,N) float32, 1 and the embeddings.
    :param weights: (N,) float64, q; pixels of 0 are no candidates.
    :param count: K, number of steps.
    :param form: from :func:`distance_form`.
    :return: (K,) int64, the pixels in the order picked; once all candidates lie on seeds, any.
    """
    points = points.double()
    extended = torch.cat([points, points[1:].square().sum(0, keepdim=True)])
    weighted, rows = extended * weights, (form @ extended).t()
    values, picked = weights[None], []
    for step in range(count):
        best = values.max(dim=1).indices
        picked.append(best)
        if step + 1 < count:
            distances = rows.index_select(0, best) @ weighted
            values = torch.minimum(values, distances) if step else distances
    return torch.cat(picked)


def before_the_end(inside: Tensor, scores: Tensor, weights: Tensor, unexplained_rest: float
                   ) -> Tensor:
    """
    Mark the seeds that are picked before there are enough.

    Picking ends at the first pick that is explained, while no more pixels than the rest are not.
    What is no candidate is explained from the start, and what lies in the mask of a seed by that.

    :param inside: (K,N) float32, 1 in the mask of each seed and 0 outside, in the order picked.
    :param scores: (N,) float32 seediness; 0 of those that are no candidates.
    :param weights: (K,N) float32, N + 1 at the seed and 1 elsewhere.
    :param unexplained_rest: candidates that may stay outside all masks when picking ends.
    :return: (K,) float32, 1 before the end and 0 from there on.
    """
    explained = torch.cat([(scores == 0)[None], inside[:-1]]).cummax(dim=0).values
    # The pick itself weighs more than all pixels: one product tells both.
    counts = explained[:, None].bmm(weights[:, :, None]).flatten()
    return (counts < 2 * len(scores) - int(unexplained_rest)).cumprod(0, dtype=torch.float32)


def diversity_is_in_range(config: GroupingConfig) -> bool:
    """Tell whether :func:`pick` can weigh distances so."""
    return config.diversity_weight >= LEAST_DIVERSITY_WEIGHT
