# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The paper's choice of seeds, every pixel at every step: what our own is measured against.

Written as one who needs it fast writes it in torch: a running minimum of the distances, buffers
made once, no copies of the embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor

FORMS = {'|p|^2 - 2 p.s + |s|^2': True, '|p - s|^2': False}
"""Form of the squared distance -> `expanded` of :func:`plain_seeds`."""


def plain_seeds(embeddings: Tensor, seediness: Tensor, count: int, diversity_weight: float,
                expanded: bool = True, minimum_score: float = 0.0) -> Tensor:
    """
    Pick seeds: argmax S first, then argmax of log S_p + alpha log D_p.

    :param embeddings: (D,h,w) float32 or float64.
    :param seediness: (h,w) of the same type.
    :param count: most seeds picked.
    :param diversity_weight: alpha.
    :param expanded: whether squared distances are computed as |p|^2 - 2 p.s + |s|^2, one product
        of matrix and vector a seed, or from differences, which is slower and more exact.
    :param minimum_score: pixels of lower seediness are no candidates.
    :return: (K,2) int64, (row, col) in the order picked.
    """
    points = embeddings.flatten(1)
    scores = seediness.flatten()
    log_scores = torch.where(scores >= minimum_score, scores, 0).log()
    norms = points.square().sum(0)
    nearest = torch.full_like(scores, torch.inf)
    distances, values = torch.empty_like(scores), log_scores.clone()
    offsets = None if expanded else torch.empty_like(points)
    picked: list[int] = []
    for _ in range(count):
        best = int(values.argmax())
        if values[best] == -torch.inf:
            break
        picked.append(best)
        seed = points[:, best].clone()
        if offsets is None:
            torch.addmv(norms, points.t(), seed, alpha=-2, out=distances)
            distances.add_(norms[best]).clamp_(min=0)
        else:
            torch.sub(points, seed[:, None], out=offsets)
            torch.sum(offsets.square_(), dim=0, out=distances)
        torch.minimum(nearest, distances, out=nearest)
        nearest[best] = 0
        torch.log(nearest, out=values)
        values.mul_(diversity_weight).add_(log_scores)
    indices = torch.tensor(picked, dtype=torch.int64)
    width = seediness.shape[1]
    return torch.stack([indices // width, indices % width], dim=1)
