# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of each mask that is connected to its seed, in sweeps of fixed number."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d


def no_runs(count: int, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """
    Make room for what the runs of masks say, in which nothing is said.

    :param count: most masks.
    :param size: (h,w) of them.
    :param device: where they are.
    :return: for the runs of each row (count,h,w+2) and of each column (count,h+1,w), zeros.
    """
    height, width = size
    return (torch.zeros(count, height, width + 2, device=device),
            torch.zeros(count, height + 1, width, device=device))


def connected_parts(margins: Tensor, inside: Tensor, reached: Tensor, sweeps: int,
                    nothing: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """
    Spread from the seeds along runs of the mask, in rows, then in columns, then to neighbours.

    :param margins: (K,h,w) float32, negative outside the mask.
    :param inside: (K,h,w) float32, 1 in the mask and 0 outside.
    :param reached: (K,h,w) float32, 1 at the seed.
    :param sweeps: how often, at least once.
    :param nothing: from :func:`no_runs`.
    :return: (K,h,w) float32, 1 where the mask is connected to its seed through sides or corners;
        and (K,1) its pixels with their neighbours: no more than its own if that is all.
    """
    outside = margins < 0
    # A run's number is that of the pixels outside before it. The rest of the line is read from
    # where nothing is written, and in rows, to which neighbours have spread, written elsewhere.
    height, width = margins.shape[1:]
    numbers, columns = outside.cumsum(2), outside.cumsum(1).masked_fill(outside, height)
    rows, rows_written = (numbers.masked_fill(outside, width + end) for end in range(2))
    no_rows, no_columns = (room[:len(margins)] for room in nothing)
    spread = part = reached
    for _ in range(sweeps):
        part = no_rows.scatter_reduce(2, rows_written, spread, 'amax').gather(2, rows)
        part = no_columns.scatter_reduce(1, columns, part, 'amax').gather(1, columns)
        spread = max_pool2d(part, 3, 1, 1)
    return part, spread.flatten(1)[:, None].bmm(inside.flatten(1)[:, :, None])[:, 0]
