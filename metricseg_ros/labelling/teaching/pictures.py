# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What two models find in an image beside its labels, an object in the same colour in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL, OverlayConfig
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.evaluation.gallery import as_instances, GAP
from metricseg_ros.inputs.codec import write_image
from metricseg_ros.overlay import draw_overlay
from metricseg_ros.structures import Instances
import numpy as np

HEIGHT = 320
"""Of a picture, in pixels."""

SAME = 0.5
"""What overlaps an object by a larger IoU stands for it: of masks apart, one at most."""


def write_pictures(folder: Path, samples: Sequence[LabelledImage],
                   *found: Sequence[Instances]) -> list[str]:
    """
    Write a picture of each image: itself, its labels, and what each model finds.

    :param found: of each model, what it finds in each image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [f'{number:02d}.jpg' for number in range(1, len(samples) + 1)]
    for name, sample, *of_models in zip(names, samples, *found):
        write_image(folder / name, draw(sample, of_models))
    return names


def draw(sample: LabelledImage, found: Sequence[Instances]) -> np.ndarray:
    """
    Draw an image, its labels and what was found, side by side.

    :return: (H,W,3) uint8 RGB; what is ignored is grey.
    """
    config = OverlayConfig(labels=False)
    numbered = [as_instances(sample), *(numbered_as(own, sample.label_map) for own in found)]
    labels, *others = [draw_overlay(sample.image, replace(own, class_ids=np.ones_like(own.ids)),
                                    ('',), config) for own in numbered]
    labels[sample.label_map == IGNORE_LABEL] = 128
    width = round(sample.image.shape[1] * HEIGHT / sample.image.shape[0])
    parts = [cv2.resize(part, (width, HEIGHT), interpolation=cv2.INTER_AREA)
             for part in (sample.image, labels, *others)]
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    return np.concatenate([own for part in parts for own in (part, gap)][:-1], axis=1)


def numbered_as(found: Instances, truth: np.ndarray) -> Instances:
    """
    Give what was found the ids, and so the colours, of the objects that it stands for.

    :return: the same; what stands for no object has ids that none has.
    """
    objects = truth[(truth != BACKGROUND) & (truth != IGNORE_LABEL)]
    free, label_map = count(int(objects.max(initial=0)) + 1), found.label_map
    ids = [object_of(label_map == own, truth) or next(free) for own in found.ids]
    return replace(found, ids=np.array(ids, np.uint16).reshape(len(found)))


def object_of(mask: np.ndarray, truth: np.ndarray) -> int | None:
    """
    Find the object that a mask stands for.

    :return: its label; None where there is none.
    """
    labels, shared = np.unique(truth[mask], return_counts=True)
    for label, pixels in zip(labels.tolist(), shared.tolist(), strict=True):
        union = np.count_nonzero(mask) + np.count_nonzero(truth == label) - pixels
        if label not in (BACKGROUND, IGNORE_LABEL) and pixels > SAME * union:
            return label
    return None
