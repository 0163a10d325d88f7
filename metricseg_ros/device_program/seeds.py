# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The greedy choice of a fixed number of seeds, and which of them come before it would end."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
import torch
from torch import Tensor

LEAST_DIVERSITY_WEIGHT = 0.01
"""Below it S^(1/alpha) leaves the range of float64."""


def seed_qualities(class_logits: Tensor, ones: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """
    Say what seed each pixel would make, as :func:`metricseg_ros.grouping.seediness` does.

    :param class_logits: (T,C+1,h,w).
    :param ones: (N,) float32, 1.
    :return: (N,) each: seediness, float32; class id; number of the similarity threshold, int64.
    """
    classes = class_logits.shape[1] - 1
    if classes == 1:
        odds, best = (class_logits[:, 1] - class_logits[:, 0]).flatten(1).max(dim=0)
        return odds.sigmoid(), ones, best
    scores, best = class_logits.softmax(dim=1)[:, 1:].flatten(0, 1).flatten(1).max(dim=0)
    return scores, best % classes + 1, best // classes


def distance_form(dimension: int, device: torch.device) -> Tensor:
    """
    Write squared distances as a bilinear form of (p, |p|^2, 1).

    :param dimension: D of the points p.
    :param device: where they are.
    :return: (D+2,D+2) float64.
    """
    form = torch.zeros(dimension + 2, dimension + 2, dtype=torch.float64, device=device)
    form[:-2, :-2] = -2 * torch.eye(dimension)
    form[-2, -1] = form[-1, -2] = 1
    return form


def pick(points: Tensor, scores: Tensor, count: int, diversity_weight: float,
         form: Tensor) -> Tensor:
    """
    Pick seeds one by one: argmax of log S + alpha log D, and so of q D with q = S^(1/alpha).

    q |p - s|^2 is linear in q (p, |p|^2, 1), so a step is a product with one row. In float64 its
    rounding decides nothing.

    :param points: (D,N) float32 embeddings.
    :param scores: (N,) float32 seediness; pixels of 0 are no candidates.
    :param count: K, number of steps.
    :param diversity_weight: alpha.
    :param form: from :func:`distance_form`.
    :return: (K,) int64, the pixels in the order picked; once all candidates lie on seeds, any.
    """
    points, weights = points.double(), scores.double().pow(1 / diversity_weight)[None]
    extended = torch.cat([points, points.square().sum(0, keepdim=True), torch.ones_like(weights)])
    weighted, rows = extended * weights, (form @ extended).t()
    values, picked = weights, []
    for step in range(count):
        best = values.max(dim=1).indices
        picked.append(best)
        if step + 1 < count:
            distances = rows.index_select(0, best) @ weighted
            values = torch.minimum(values, distances) if step else distances
    return torch.cat(picked)


def before_the_end(margins: Tensor, scores: Tensor, at_seeds: Tensor, unexplained_rest: float,
                   one: Tensor) -> Tensor:
    """
    Mark the seeds that are picked before there are enough.

    Picking ends at the first pick that is explained, while no more pixels than the rest are not.
    What is no candidate is explained from the start, and what lies in the mask of a seed by that.

    :param margins: (K,N) float32, not negative in the mask of each seed, in the order picked.
    :param scores: (N,) float32 seediness; 0 of those that are no candidates.
    :param at_seeds: (K,N) float32, 1 at the seed and 0 elsewhere.
    :param unexplained_rest: candidates that may stay outside all masks when picking ends.
    :param one: () float32, 1.
    :return: (K,) float32, 1 before the end and 0 from there on.
    """
    by_earlier = torch.cat([-scores[None], margins[:-1]]).cummax(dim=0).values
    explained = torch.heaviside(by_earlier, one)
    # The pick itself weighs more than all pixels: one product tells both.
    pixels = len(scores)
    weights = torch.add(one, at_seeds, alpha=pixels)
    counts = explained[:, None].bmm(weights[:, :, None]).flatten()
    return (counts < 2 * pixels - int(unexplained_rest)).cumprod(0, dtype=torch.float32)


def diversity_is_in_range(config: GroupingConfig) -> bool:
    """Tell whether :func:`pick` can weigh distances so."""
    return config.diversity_weight >= LEAST_DIVERSITY_WEIGHT
