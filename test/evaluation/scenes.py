# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random labelled images, and instances that nearly are what is in them."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.structures import Instances
import numpy as np

SIZE = (60, 80)


def instances_of(boxes, scores, class_ids):
    """Make instances that fill boxes (left, top, right, bottom), by decreasing score."""
    order = np.argsort(-np.asarray(scores, float), kind='stable')
    boxes = np.array(boxes, np.int32).reshape(-1, 4)[order]
    count = len(boxes)
    return Instances(
        image_size=SIZE, ids=np.arange(1, count + 1, dtype=np.uint16),
        class_ids=np.array(class_ids, np.uint16)[order],
        scores=np.array(scores, np.float32)[order], boxes=boxes,
        crops=tuple(np.ones((b - t, r - s), bool) for s, t, r, b in boxes),
        seeds=np.zeros((count, 2), np.int32), similarity_thresholds=np.ones(count, np.float32),
        stage_ms={'network': 2.0})


def labelled(boxes, class_ids, ignored=None, background_known=True, name=''):
    """Make a labelled image of boxes, later ones on top."""
    label_map = np.zeros(SIZE, np.uint16)
    for label, (left, top, right, bottom) in enumerate(boxes, start=1):
        label_map[top:bottom, left:right] = label
    if ignored:
        left, top, right, bottom = ignored
        label_map[top:bottom, left:right] = IGNORE_LABEL
    return LabelledImage(np.full((*SIZE, 3), 128, np.uint8), label_map,
                         np.array([0, *class_ids], np.uint16), background_known, name)


def random_scene(rng, ignored=None, name=''):
    """Draw an image of three classes, and found boxes near the true ones with chance scores."""
    true, found, classes, named, scores = [], [], [], [], []
    for _ in range(rng.integers(1, 7)):
        left, top = rng.integers(0, 60), rng.integers(0, 40)
        right, bottom = left + rng.integers(5, 20), top + rng.integers(5, 20)
        true.append((left, top, right, bottom))
        classes.append(int(rng.integers(1, 4)))
        for _ in range(rng.integers(0, 3)):
            moved = np.array(true[-1]) + rng.integers(-2, 3, 4)
            left, top = np.clip(moved[:2], 0, [76, 56])
            right, bottom = np.clip(moved[2:], [left + 2, top + 2], [80, 60])
            found.append((left, top, right, bottom))
            scores.append(float(rng.random()))
            named.append(classes[-1] if rng.random() < 0.8 else int(rng.integers(1, 4)))
    return labelled(true, classes, ignored, name=name), instances_of(found, scores, named)
