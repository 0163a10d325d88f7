# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a process's memory grows."""

from __future__ import annotations

from pathlib import Path
import re
from typing import NamedTuple

import numpy as np

BLOCK_S = 10.0
"""Neighbouring samples depend on each other; means of blocks this long hardly do."""


class Slope(NamedTuple):
    """
    A growth and its standard error.

    :param value: units an hour.
    :param error: the same.
    """

    value: float
    error: float


class Memory(NamedTuple):
    """
    What a process has in RAM, in megabytes (10^6 bytes).

    :param own: what it has allocated; a leak is found here.
    :param files: the parts it has used of its programs and libraries.
    :param shared: the parts it has touched of memory shared with other processes: images from the
        middleware, at most the segment of each publisher (32 MiB with config/fastdds.xml).
    """

    own: float
    files: float
    shared: float

    @property
    def total(self) -> float:
        """Return the resident memory, as top shows it."""
        return sum(self)


def memory_of(process: int) -> Memory:
    """Ask how much memory a process has in RAM."""
    status = Path(f'/proc/{process}/status').read_text()
    return Memory(*(int(re.search(rf'{name}:\s+(\d+) kB', status)[1]) * 1024 / 1e6
                    for name in ('RssAnon', 'RssFile', 'RssShmem')))


def slope_per_hour(seconds: np.ndarray, values: np.ndarray) -> Slope:
    """
    Fit a line to the means of blocks.

    :param seconds: (N,) times of the samples.
    :param values: (N,) samples.
    :return: the line's slope; its error is NaN with fewer than 3 blocks.
    """
    blocks = ((seconds - seconds[0]) // BLOCK_S).astype(int)
    times = np.array([seconds[blocks == block].mean() for block in np.unique(blocks)]) / 3600
    means = np.array([values[blocks == block].mean() for block in np.unique(blocks)])
    if len(times) < 3:
        return Slope(float('nan'), float('nan'))
    (slope, _), covariance = np.polyfit(times, means, 1, cov=True)
    return Slope(float(slope), float(np.sqrt(covariance[0, 0])))
