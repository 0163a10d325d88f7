# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of each mask that is connected to its seed, in sweeps of fixed number."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import max_pool2d


def connected_parts(inside: Tensor, reached: Tensor, sweeps: int) -> tuple[Tensor, Tensor]:
    """
    Spread from the seeds along runs of the mask, in rows, then in columns, then to neighbours.

    :param inside: (K,h,w) float32, 1 in the mask and 0 outside.
    :param reached: (K,h,w) float32, 1 at the seed.
    :param sweeps: how often.
    :return: (K,h,w) float32, 1 where the mask is connected to its seed through sides or corners;
        and () bool, whether the last sweep found nothing new, so that this is all.
    """
    # Each run has a number, which grows where the mask is left; 0 is everything outside.
    outside = 1 - inside
    runs = [((outside.cumsum(dim) + 1) * inside).long() for dim in (2, 1)]
    longest = max(inside.shape[1:]) + 2
    nothing = [inside.new_zeros(*inside.shape[:2], longest),
               inside.new_zeros(inside.shape[0], longest, inside.shape[2])]
    before = reached
    for _ in range(sweeps):
        before = reached
        for dim, run, none in zip((2, 1), runs, nothing, strict=True):
            reached = none.scatter_reduce(dim, run, reached, 'amax').gather(dim, run)
        reached = max_pool2d(reached, 3, 1, 1) * inside
    return reached, (reached == before).all()
