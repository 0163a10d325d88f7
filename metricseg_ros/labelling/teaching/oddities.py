# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is odd in labels: said before minutes are spent on them, in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
import numpy as np

SPECK = 0.0003
"""Objects and pieces below this share of the image are specks."""

PIECE = 0.2
"""Two pieces above this share of an object may be two objects, if they lie far apart."""

SHOWN = 4
"""Images that are named for one oddity; the others are counted."""


def oddities(samples: Iterable[LabelledImage], classes: Sequence[str],
             takes_depth: bool = False) -> list[str]:
    """
    Look labels through.

    :param takes_depth: whether the model does.
    :return: a sentence for each kind of oddity.
    """
    empty, specks, doubles, flat, counts = [], [], [], [], Counter[int]()
    for sample in samples:
        labels = [int(label) for label in np.unique(sample.label_map)
                  if label not in (0, IGNORE_LABEL)]
        counts.update(int(sample.class_ids[label]) for label in labels)
        if takes_depth and sample.depth is None:
            flat.append(sample.name)
        if not labels:
            empty.append(sample.name)
        for label in labels:
            pieces = list(_pieces(sample.label_map == label))
            least = max(4.0, SPECK * sample.label_map.size)
            if any(area < least for area, _ in pieces):
                specks.append(f'{sample.name} (object {label})')
            if _lie_apart(pieces):
                doubles.append(f'{sample.name} (object {label})')
    said = [('show no object, which is right only where there is none', empty),
            ('have specks, such as a brush leaves behind', specks),
            ('have an object in two pieces that lie far apart: two objects of one id?', doubles),
            ('have no depth, which the model takes where it is there: what it does with depth is '
             'not taught, and becomes worse if none has it', flat)]
    lines = [f'{len(found)} images {what}: {_named(found)}' for what, found in said if found]
    return lines + list(_odd_classes(counts, classes))


def _pieces(mask: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the area and the box (left, top, right, bottom) of each connected piece."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    for left, top, width, height, area in stats[1:count]:
        yield int(area), np.array([left, top, left + width, top + height])


def _lie_apart(pieces: Sequence[tuple[int, np.ndarray]]) -> bool:
    """Tell whether two large pieces are further apart than the larger one is wide."""
    total = sum(area for area, _ in pieces)
    large = [box for area, box in pieces if area > PIECE * total]
    for index, one in enumerate(large):
        for other in large[index + 1:]:
            gap = np.maximum(np.maximum(one[:2] - other[2:], other[:2] - one[2:]), 0)
            size = max((box[2:] - box[:2]).max() for box in (one, other))
            if np.hypot(*gap) > size:
                return True
    return False


def _odd_classes(counts: Counter[int], classes: Sequence[str]) -> Iterator[str]:
    if len(classes) < 2:
        return
    for class_id, name in enumerate(classes, start=1):
        if counts[class_id] < 2:
            yield (f'class {name!r} has {["no example", "one example"][counts[class_id]]}: it '
                   'will hardly be learnt')


def _named(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ', '.join(names[:SHOWN]) + (f' and {more} more' if more > 0 else '')
