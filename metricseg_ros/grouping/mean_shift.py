# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Mean shift: from a seed's embedding towards the middle of its mask's."""

from __future__ import annotations

from metricseg_ros.grouping.masks import mean_embeddings, SeedMasks
from metricseg_ros.similarity import squared_distances, squared_radii
import torch
from torch import Tensor


def shift_to_mean(masks: SeedMasks, embeddings: Tensor, steps: int) -> SeedMasks:
    """
    Grow each mask again around the mean embedding of its pixels, at the same threshold.

    A seed stays in its own mask, however far the mean goes.

    :param masks: K masks around their seeds' embeddings.
    :param embeddings: (D,h,w) float32.
    :param steps: how often.
    :return: the K masks around the last mean.
    """
    radii = squared_radii(masks.seeds.similarity_thresholds)[:, None, None]
    margins, points = masks.margins, embeddings.flatten(1).t()
    rows, columns = masks.seeds.positions.unbind(1)
    own = torch.arange(len(rows), device=rows.device), rows, columns
    for _ in range(steps):
        centres = mean_embeddings(embeddings, margins >= 0)
        margins = radii - squared_distances(centres, points).view_as(margins)
        margins[own] = margins[own].clamp_min(0)
    return SeedMasks(masks.seeds, margins)
