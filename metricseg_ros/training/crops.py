# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How large training crops are, step by step, and how many of them make a step."""

from __future__ import annotations

from collections.abc import Sequence
import re

from metricseg_ros.config import TrainingConfig
import numpy as np

Size = tuple[int, int]
SIZE = 2  # what random numbers of a step are for
SMALLEST = 32  # pixels


def read_size(name: str, text: str) -> Size:
    """
    Read a size.

    :param text: height x width, such as 240x320.
    :return: (height, width).
    :raises ValueError: if it is none, or below 32.
    """
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if not match or min(map(int, match.groups())) < SMALLEST:
        raise ValueError(f'{name} must be HxW, such as 240x320, from {SMALLEST} on, got {text!r}')
    return int(match[1]), int(match[2])


def crop_sizes(config: TrainingConfig) -> list[Size]:
    """
    Give the sizes of training crops.

    :return: at least one (height, width).
    :raises ValueError: for a text that is no size.
    """
    return [read_size('crop_sizes', text) for text in config.crop_sizes] or [
        (config.height, config.width)]


def composed_size(config: TrainingConfig) -> Size:
    """
    Give the size of composed scenes.

    :return: (height, width).
    :raises ValueError: for a text that is no size.
    """
    if config.composed_size:
        return read_size('composed_size', config.composed_size)
    height, width = max(crop_sizes(config), key=area)
    return height * 5 // 4, width * 5 // 4


def step_size(step: int, sizes: Sequence[Size], rng_seed: int) -> Size:
    """Draw the size of the crops of one step, a function of step and seed alone."""
    return sizes[int(np.random.default_rng([rng_seed, step, SIZE]).integers(len(sizes)))]


def batch_share(count: int, size: Size, sizes: Sequence[Size]) -> int:
    """
    Tell how many crops of a size cost about as much as so many of the smallest.

    :return: at least half of `count`, so that batch normalisation has enough to go by.
    """
    return max((count + 1) // 2, round(count * min(map(area, sizes)) / area(size)))


def area(size: Size) -> int:
    """Return the number of pixels of a (height, width)."""
    return size[0] * size[1]
