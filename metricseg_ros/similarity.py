# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The similarity of two pixels, of their embeddings' squared distance d2 (arXiv 1703.10277, eq. 1).

sigma = 2 / (1 + exp(d2)), which is 1 for equal embeddings and falls towards 0; embeddings are not
normalised.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

SMALLEST_DISTANCE = 1e-3
"""
Lower clamp of d2 in log(1 - sigma), whose gradient 1/sinh(d2) is infinite at 0.
"""


def at_least_float32(values: Tensor) -> Tensor:
    """Raise half precision, in which distances and losses overflow, to float32."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """
    Compute |p - q|^2 between two sets of embeddings.

    :return: (...,P,Q), at least 0.
    """
    products = first @ second.transpose(-1, -2)
    norms = first.square().sum(-1)[..., :, None] + second.square().sum(-1)[..., None, :]
    return (norms - 2 * products).clamp_min(0)


def similarity(distances: Tensor) -> Tensor:
    """Compute sigma, in [0,1], from squared distances of any shape."""
    return 2 * torch.sigmoid(-distances)


def log_similarity(distances: Tensor) -> Tensor:
    """Compute log sigma = ln 2 - softplus(d2) of squared distances, finite for every d2."""
    return math.log(2) - softplus(distances)


def log_dissimilarity(distances: Tensor) -> Tensor:
    """
    Compute log(1 - sigma) = log tanh(d2 / 2), with d2 clamped so that the gradient is finite.

    :param distances: squared distances, of any shape.
    :return: log(1 - sigma), at most 0, float32 or better, same shape.
    """
    distances = at_least_float32(distances).clamp_min(SMALLEST_DISTANCE)
    return torch.log(-torch.expm1(-distances)) - torch.log1p(torch.exp(-distances))


def squared_radii(similarity_thresholds: Tensor) -> Tensor:
    """
    Turn similarity thresholds into squared distances, as :func:`squared_radius` one of them.

    :param similarity_thresholds: tau in (0,1], of any shape.
    :return: r2 such that sigma >= tau if and only if d2 <= r2, same shape.
    """
    return (2 / similarity_thresholds - 1).log()


def squared_radius(similarity_threshold: float) -> float:
    """
    Turn a similarity threshold into the squared distance at which it is met.

    :param similarity_threshold: tau in (0,1].
    :return: r2 such that sigma >= tau if and only if d2 <= r2.
    :raises ValueError: if the threshold is not in (0,1].
    """
    if not 0 < similarity_threshold <= 1:
        raise ValueError(f'similarity_threshold must be in (0,1], got {similarity_threshold!r}')
    return math.log(2 / similarity_threshold - 1)
