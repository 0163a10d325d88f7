# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How good a seed each pixel is (arXiv 1703.10277, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metricseg_ros.structures import NetworkOutput
import torch
from torch import Tensor


@dataclass(frozen=True)
class Seediness:
    """
    Best class score of each pixel, and where it is reached.

    :param scores: (h,w) float32, S = max over thresholds and classes >= 1 of the class score.
    :param class_ids: (h,w) int64, the class, from 1.
    :param similarity_thresholds: (h,w) float32, the threshold.
    """

    scores: Tensor
    class_ids: Tensor
    similarity_thresholds: Tensor


def seediness(output: NetworkOutput) -> Seediness:
    """Compute the seediness S_p = max over tau and c >= 1 of the class score, and where it is."""
    logits = output.class_logits
    values = torch.tensor(output.similarity_thresholds, device=logits.device)
    if logits.shape[1] == 2:
        # The softmax of two is the logistic function of their difference, which it rises with.
        differences, best = (logits[:, 1] - logits[:, 0]).max(dim=0)
        return Seediness(differences.sigmoid(), torch.ones_like(best), values[best])
    class_scores = logits.softmax(dim=1)[:, 1:]
    thresholds, classes = class_scores.shape[:2]
    scores, best = class_scores.reshape(thresholds * classes, *output.grid_size).max(dim=0)
    return Seediness(scores, best % classes + 1, values[best // classes])


def at_threshold(output: NetworkOutput, similarity_threshold: float) -> NetworkOutput:
    """
    Keep what the network says of one similarity threshold.

    :param similarity_threshold: tau in (0,1], whose class scores are those of the trained
        threshold nearest to it; 0 keeps all.
    """
    if not similarity_threshold:
        return output
    nearest = nearest_threshold(output.similarity_thresholds, similarity_threshold)
    return replace(output, class_logits=output.class_logits[nearest:nearest + 1],
                   similarity_thresholds=(similarity_threshold,))


def nearest_threshold(taus: tuple[float, ...], similarity_threshold: float) -> int:
    """Find the trained threshold that is nearest to another."""
    return min(range(len(taus)), key=lambda index: abs(taus[index] - similarity_threshold))
