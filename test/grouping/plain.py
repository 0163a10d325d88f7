# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The paper's seed rule, plainly: every pixel evaluated each time, in float64."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def plain_seeds(embeddings: Tensor, seediness: Tensor, maximum_seeds: int,
                diversity_weight: float, minimum_score: float = 0.0) -> list[tuple[int, int]]:
    """Pick seeds as arXiv 1703.10277 says, of equals the first; (row, col) in order."""
    points = embeddings.flatten(1).t().double().numpy()
    scores = seediness.flatten().double().numpy()
    candidate = (scores >= minimum_score) & (scores > 0)
    distances = np.full(len(points), np.inf)
    seeds: list[int] = []
    with np.errstate(divide='ignore'):
        values = np.where(candidate, np.log(scores), -np.inf)
        while len(seeds) < maximum_seeds and values.max() > -np.inf:
            seeds.append(int(values.argmax()))
            offsets = points - points[seeds[-1]]
            distances = np.minimum(distances, (offsets ** 2).sum(1))
            usable = candidate & (distances > 0)
            values = np.where(usable, np.log(scores) + diversity_weight
                              * np.log(np.where(usable, distances, 1)), -np.inf)
    return [divmod(seed, seediness.shape[1]) for seed in seeds]
