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
    """
    radii = squared_radii(masks.seeds.similarity_thresholds)[:, None, None]
    margins, points = masks.margins, embeddings.flatten(1).t()
    own = seed_cells(masks)
    for _ in range(steps):
        centres = mean_embeddings(embeddings, margins >= 0)
        margins = radii - squared_distances(centres, points).view_as(margins)
        margins = torch.where(own, margins.clamp_min(0), margins)
    return SeedMasks(masks.seeds, margins)


def seed_cells(masks: SeedMasks) -> Tensor:
    """Mark the seed of each mask, (K,h,w) bool, in operations that can be exported."""
    height, width = masks.margins.shape[1:]
    rows, columns = masks.seeds.positions.unbind(1)
    cells = torch.arange(height * width, device=rows.device).view(1, height, width)
    return cells == (rows * width + columns)[:, None, None]
