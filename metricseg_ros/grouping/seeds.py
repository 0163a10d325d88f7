# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Greedy choice of good seeds that are far from each other (arXiv 1703.10277, section 3.3).

The first seed is argmax S. Each next one is argmax of log S_p + alpha log D_p, where D_p is the
squared distance of p's embedding to the nearest seed so far.
"""

from __future__ import annotations

from metricseg_ros.grouping.dense_seeds import dense_picks
from metricseg_ros.grouping.lazy_seeds import lazy_picks
from metricseg_ros.threads import single_threaded
import torch
from torch import Tensor


@single_threaded()
def select_seeds(embeddings: Tensor, seediness: Tensor, maximum_seeds: int,
                 diversity_weight: float, minimum_score: float = 0.0,
                 squared_radii: Tensor | None = None, unexplained_rest: int = 0) -> Tensor:
    """
    Pick seeds greedily: the same as from the paper's formula evaluated at every pixel.

    Of equal values the pixel that comes first, row by row, is taken. A pixel whose embedding
    equals a seed's (D = 0) is never picked.

    :param embeddings: (D,h,w) float32.
    :param seediness: (h,w) float32, S in [0,1].
    :param diversity_weight: alpha.
    :param minimum_score: pixels of lower seediness are no candidates, nor are those of S = 0.
    :param squared_radii: (h,w) squared distance to which the mask of each pixel would reach. With
        it, picking ends early: once the next seed would lie in the mask of an earlier one, and no
        more than `unexplained_rest` candidates lie outside all masks.
    :param unexplained_rest: see `squared_radii`.
    :return: (K,2) int64, (row, col) in the order picked, K <= maximum_seeds.
    """
    scores = torch.where(seediness >= minimum_score, seediness, 0)
    radii = None if squared_radii is None else squared_radii.flatten()
    pick = lazy_picks if embeddings.device.type == 'cpu' else dense_picks
    picks = list(pick(embeddings.flatten(1), scores.flatten(), maximum_seeds, diversity_weight,
                      radii, unexplained_rest))
    picked = torch.tensor(picks, dtype=torch.int64, device=embeddings.device)
    width = seediness.shape[1]
    return torch.stack([picked // width, picked % width], dim=1)
