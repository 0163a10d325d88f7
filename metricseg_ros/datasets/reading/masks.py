# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
COCO's forms of a mask: polygons and run-length codes, checked before they are drawn.

pycocotools fills polygons, which it does in its own way; run-length codes are read here, since it
makes masks of memory that was never written where the runs do not add up to the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FARTHEST = 10
"""Corners may lie outside the image by this many times its longer side."""

CORNERS = 3
"""Least number of corners of a polygon."""


def mask_of(segmentation: Any, size: tuple[int, int], draw: bool = True) -> np.ndarray | None:
    """
    Check and draw an annotation's mask.

    :param segmentation: list of polygons [x, y, x, y, ...], or mapping of size and counts.
    :param size: (height, width) of the image.
    :param draw: whether to draw it; False only checks.
    :return: (height,width) bool; None where there is no mask, and something else where it is not
        drawn.
    :raises ValueError: if it is neither, or cannot be of this image.
    """
    if isinstance(segmentation, dict):
        runs = _runs(segmentation, size)
        if not runs[1::2].any():
            return None
        return _decoded(runs, size) if draw else runs
    if segmentation is not None and not isinstance(segmentation, list):
        raise ValueError(f'must have polygons or a run-length code, got {segmentation!r:.60}')
    rings = [_ring(ring, size) for ring in segmentation or [] if _is_ring(ring)]
    if not rings:
        return None
    if odd := [ring for ring in segmentation if ring and _is_nested(ring)]:
        raise ValueError(f'must have polygons [x, y, x, y, x, y], got {odd[0]!r:.60} among them')
    return filled(rings, size) if draw else rings[0]


def is_in_shares(segmentation: Any, size: tuple[int, int]) -> bool:
    """Tell whether polygons lie in the first pixel, as those in shares of the image all do."""
    return (isinstance(segmentation, list) and max(size) > 1
            and all(0 <= float(value) <= 1
                    for ring in segmentation if _is_ring(ring) for value in ring))


def _is_ring(ring: Any) -> bool:
    """Tell whether something is a list of numbers, long enough for a polygon."""
    return (isinstance(ring, list) and len(ring) >= 2 * CORNERS
            and not _is_nested(ring))


def _is_nested(ring: Any) -> bool:
    return not isinstance(ring, list) or any(isinstance(value, (list, dict)) for value in ring)


def _ring(ring: list[Any], size: tuple[int, int]) -> list[float]:
    try:
        corners = np.array(ring, float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f'must have polygons of numbers, got {ring!r:.60}') from None
    if len(corners) % 2:
        raise ValueError(f'must have polygons of x and y by turns, got {len(corners)} numbers')
    if not (np.abs(corners) <= FARTHEST * max(size)).all():  # Written so that NaN is none.
        worst = corners[~(np.abs(corners) <= FARTHEST * max(size))][0]
        raise ValueError(f'must have polygons near its image of size {size}, got a corner at '
                         f'{worst:g}')
    return corners.tolist()


def filled(rings: list[list[float]], size: tuple[int, int]) -> np.ndarray:
    """
    Fill polygons.

    :param rings: x and y of the corners by turns, three corners or more, all finite.
    """
    from pycocotools import mask as coder

    return coder.decode(coder.merge(coder.frPyObjects(rings, *size))).astype(bool)


def _runs(code: dict[str, Any], size: tuple[int, int]) -> np.ndarray:
    """Read run lengths, of background and of the object by turns, column by column."""
    try:
        told = tuple(int(side) for side in code['size'])
        counts = code['counts']
        runs = (_unpacked(counts) if isinstance(counts, (str, bytes))
                else np.array([int(count) for count in counts], np.int64))
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise ValueError('must have polygons or a run-length code with size and counts, got '
                         f'{error!r:.80}') from None
    if told != tuple(size):
        raise ValueError(f'must be of the size {tuple(size)} of its image, got {told}')
    total = sum(runs.tolist())
    if (runs < 0).any() or total != size[0] * size[1]:
        raise ValueError(f'must have counts that add up to the {size[0] * size[1]} pixels of its '
                         f'image, got {total}' + (', some negative' if (runs < 0).any() else ''))
    return runs


def _unpacked(text: str | bytes) -> np.ndarray:
    """
    Read COCO's compressed counts.

    Each character holds five bits of a number, lowest first, and whether more follow; from the
    fourth on, a number is the difference to the one two before.
    """
    data = text.encode() if isinstance(text, str) else text
    values = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if not len(values) or values.min() < 0 or values.max() > 63 or values[-1] & 32:
        raise ValueError('counts that are damaged')
    ends = np.flatnonzero(values & 32 == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    places = np.arange(len(values)) - np.repeat(starts, ends - starts + 1)
    if places.max() > 9:
        raise ValueError('counts that are damaged')
    numbers = np.add.reduceat((values & 31) << 5 * places, starts)
    signed = (values[ends] & 16) > 0
    numbers -= np.where(signed, np.int64(1) << 5 * (places[ends] + 1), 0)
    for first in (1, 2):  # Those at 3, 5, ... and at 4, 6, ... are differences.
        numbers[first::2] = np.cumsum(numbers[first::2])
    return numbers


def _decoded(runs: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(size[::-1]).T
