# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the class head shall say: the class of the mask that a pixel would grow now."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import BACKGROUND
from metricseg_ros.similarity import squared_distances, squared_radius
import torch
from torch import Tensor


def grown_iou(embeddings: Tensor, labels: Tensor, pixels: Tensor, ignored: Tensor,
              thresholds: Sequence[float]) -> Tensor:
    """
    Compute the IoU of each pixel's grown mask with the pixel's own instance.

    mask(p, tau) = {q : sigma(p,q) >= tau}

    :param embeddings: (N,D) embeddings of all pixels; no gradient flows.
    :param labels: (N,) int64, label of each pixel.
    :param pixels: (P,) indices of the pixels that grow.
    :param ignored: (N,) bool, pixels that count for nothing.
    :param thresholds: T similarity thresholds tau.
    :return: (T,P) float32.
    """
    embeddings = embeddings.detach().float()
    with torch.autocast(embeddings.device.type, enabled=False):
        distances = squared_distances(embeddings[pixels], embeddings)
    distances = distances.masked_fill(ignored, torch.inf)
    own = labels[pixels][:, None] == labels[None, :]
    own_area = own.sum(1)
    ious = []
    for threshold in thresholds:
        grown = distances <= squared_radius(threshold)
        shared = (grown & own).sum(1)
        ious.append(shared / (grown.sum(1) + own_area - shared).clamp_min(1))
    return torch.stack(ious)


def object_shares(ious: Tensor, labels: Tensor, correct_iou: float, soft: bool,
                  soft_range: Sequence[float] = (0.0, 1.0)) -> Tensor:
    """
    Turn the IoU of grown masks into how much of the target is the instance's class.

    The rest of the target is background.

    :param ious: (T,P) from :func:`grown_iou`.
    :param labels: (P,) int64, label of each growing pixel.
    :param correct_iou: a mask counts as its instance above this IoU.
    :param soft: whether the share rises with the IoU, so that a score tells how good a mask is.
    :param soft_range: IoU up to which a soft share is 0, and from which on it is 1. From 0 to 1
        it is the IoU itself.
    :return: (T,P) float32 in [0,1]; 0 for pixels of the background.
    """
    low, high = soft_range
    shares = (((ious - low) / (high - low)).clamp(0, 1) if soft
              else (ious > correct_iou).float())
    return shares.masked_fill(labels == BACKGROUND, 0)
