# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of vertical bands with known embeddings, so that what a click does can be derived."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
from metricseg_ros.structures import EmbeddedImage, NetworkOutput
import numpy as np
import torch

SCALE, GRID = 4, (6, 12)
SIZE = (GRID[0] * SCALE, GRID[1] * SCALE)
WITHOUT_OUTLINES = GroupingConfig(outline_radius=0)


def image(*values: float) -> EmbeddedImage:
    """Give an image of bands of equal width with these embeddings, of one dimension."""
    bands = torch.tensor(values, dtype=torch.float32).repeat_interleave(GRID[1] // len(values))
    embeddings = bands.expand(1, *GRID).contiguous()
    logits = torch.zeros(1, 2, *GRID)
    to_image = np.array([[SCALE, (SCALE - 1) / 2]] * 2)
    return EmbeddedImage(NetworkOutput(embeddings, logits, (0.5,)), SIZE, to_image)


def columns(mask: np.ndarray) -> tuple[int, int]:
    """Give the first column of a mask and the one behind its last; all its rows are alike."""
    assert (mask == mask[0]).all()
    found = np.flatnonzero(mask[0])
    assert len(found) == found[-1] - found[0] + 1
    return int(found[0]), int(found[-1]) + 1
