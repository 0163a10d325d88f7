# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of an image the losses look at."""

from __future__ import annotations

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

REACH = 2
"""Pixels of the grid over which instances touch."""


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


def contacts(labels: Tensor) -> Tensor:
    """
    Find the pixels of instances that have another instance beside them.

    :param labels: (B,h,w) int64.
    :return: (B,h,w) bool.
    """
    objects = (labels != BACKGROUND) & (labels != IGNORE_LABEL)
    values = labels.float()
    size = 2 * REACH + 1
    highest = max_pool2d(values.where(objects, -torch.inf), size, 1, REACH)
    lowest = -max_pool2d((-values).where(objects, -torch.inf), size, 1, REACH)
    return objects & ((highest != values) | (lowest != values))


def touching(labels: Tensor) -> Tensor:
    """
    Tell which instances touch.

    :param labels: (h,w) int64, N the highest that is not ignored.
    :return: (N+1,N+1) bool, symmetric; the background touches nothing.
    """
    count = int(labels.masked_fill(labels == IGNORE_LABEL, BACKGROUND).max())
    pairs = torch.zeros(count + 1, count + 1, dtype=torch.bool, device=labels.device)
    for one, other in ((labels[REACH:], labels[:-REACH]),
                       (labels[:, REACH:], labels[:, :-REACH])):
        differ = ((one != other) & (one != BACKGROUND) & (other != BACKGROUND)
                  & (one != IGNORE_LABEL) & (other != IGNORE_LABEL))
        pairs[one[differ], other[differ]] = True
    return pairs | pairs.t()
