# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Grouping once before it counts: a GPU loads every kernel at its first use."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping import group, SeedMasks
from metricseg_ros.structures import NetworkOutput
import torch

APART = 8.0
LIKELY = 8.0


def rehearse(output: NetworkOutput) -> SeedMasks:
    """
    Group four objects, a quarter of the image each. A network that sees nothing finds no seed.

    :param output: of the network, whose shape, device and thresholds the scene takes.
    """
    height, width = output.grid_size
    rows = torch.arange(height, device=output.embeddings.device) * 2 >= height
    columns = torch.arange(width, device=output.embeddings.device) * 2 >= width
    embeddings = torch.zeros_like(output.embeddings)
    embeddings[0] = APART * (2 * rows[:, None] + columns[None])
    class_logits = torch.zeros_like(output.class_logits)
    class_logits[:, 1] = LIKELY
    return group(NetworkOutput(embeddings, class_logits, output.similarity_thresholds),
                 GroupingConfig())
