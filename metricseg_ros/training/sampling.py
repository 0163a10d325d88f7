# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of an image the losses look at."""

from __future__ import annotations

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
import torch
from torch import Tensor


def sample_pixels(labels: Tensor, per_instance: int, of_background: int,
                  generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """
    Draw pixels at random: the same number of each instance, and some of the background.

    An instance smaller than that gives all its pixels; ignored pixels are never drawn.

    :param labels: (N,) int64, label of each pixel.
    :param per_instance: K, pixels of each instance.
    :param generator: source of randomness, on the CPU, so that every device draws the same;
        torch's own when None.
    :return: (P,) indices of the pixels drawn and (P,) their labels.
    """
    shuffled = torch.randperm(len(labels), generator=generator).to(labels.device)
    order = shuffled[torch.argsort(labels[shuffled], stable=True)]
    ordered = labels[order]
    first = torch.searchsorted(ordered, ordered)
    rank = torch.arange(len(labels), device=labels.device) - first
    quota = torch.where(ordered == BACKGROUND, of_background, per_instance)
    chosen = (rank < quota) & (ordered != IGNORE_LABEL)
    return order[chosen], ordered[chosen]
