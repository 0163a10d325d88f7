# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where labels go: near their mask, inside the image, and not over each other if that can be."""

from __future__ import annotations

import numpy as np


def place(size: tuple[int, int], preferred: np.ndarray, taken: np.ndarray,
          image_size: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """
    Find a place for one label.

    The preferred places are tried in order, then a lattice over the image from near to far.

    :param size: (height, width) of the label, not larger than the image.
    :param preferred: (M,2) left and top of the places to try first; moved into the image.
    :param taken: (N,4) int boxes of the labels placed before, xyxy half open.
    :param image_size: (height, width) of the image.
    :return: the label's box (4,), and whether it covers no other label; if every place does, the
        box is the one that covers least.
    """
    largest = np.array([image_size[1] - size[1], image_size[0] - size[0]])
    preferred = np.clip(preferred, 0, largest)
    covered = _covered(preferred, size, taken)
    if covered.min() > 0:
        lattice = _lattice(size, largest, preferred[0])
        preferred = np.concatenate([preferred, lattice])
        covered = np.concatenate([covered, _covered(lattice, size, taken)])
    best = covered.argmin()
    corner = preferred[best]
    return np.concatenate([corner, corner + size[::-1]]), bool(covered[best] == 0)


def _lattice(size: tuple[int, int], largest: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return (L,2) corners over the image, less than a label apart, the nearest first."""
    columns = np.unique(np.append(np.arange(0, largest[0], max(1, size[1] // 2)), largest[0]))
    rows = np.unique(np.append(np.arange(0, largest[1], size[0]), largest[1]))
    corners = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return corners[np.linalg.norm(corners - near, axis=1).argsort(kind='stable')]


def _covered(corners: np.ndarray, size: tuple[int, int], taken: np.ndarray) -> np.ndarray:
    """Return (M,) how many pixels of the taken boxes a label at each of (M,2) corners covers."""
    left, top = corners[:, :1], corners[:, 1:]
    across = np.minimum(left + size[1], taken[:, 2]) - np.maximum(left, taken[:, 0])
    down = np.minimum(top + size[0], taken[:, 3]) - np.maximum(top, taken[:, 1])
    return (np.maximum(across, 0) * np.maximum(down, 0)).sum(axis=1)
