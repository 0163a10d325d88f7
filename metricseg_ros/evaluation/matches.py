# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the masks of one image overlap with its true ones, and which classes both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.structures import Instances
import numpy as np

UNKNOWN_CLASS = 0


@dataclass(frozen=True)
class Matches:
    """
    N predicted masks, by decreasing score, against M true ones.

    :param iou: (N,M) float64, without the ignored pixels.
    :param scores: (N,) float32.
    :param class_ids: (N,) class ids of the data set, 0 where it has no such class.
    :param true_class_ids: (M,) class ids of the data set, 0 where the model has no such class.
    """

    iou: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray
    true_class_ids: np.ndarray

    @property
    def best_iou(self) -> np.ndarray:
        """Give (N,) the highest IoU of each predicted mask; 0 where nothing is true."""
        return self.iou.max(axis=1, initial=0)

    def without_classes(self) -> Matches:
        """Take every mask for one of class 1."""
        return replace(self, class_ids=np.ones_like(self.class_ids),
                       true_class_ids=np.ones_like(self.true_class_ids))


def match(instances: Instances, sample: LabelledImage, classes: np.ndarray) -> Matches:
    """
    Compare the masks of an image with the truth.

    Masks may overlap. A mask that lies on ignored pixels alone is left out, as is a true one that
    has no pixel.

    :param classes: (C+1,), from :func:`common_classes`.
    """
    shared = _pixels_by_label(instances, sample)
    areas, true_areas = shared.sum(axis=1), _true_areas(sample)
    kept, seen = areas > 0, true_areas > 0
    shared, areas, true_areas = shared[kept][:, 1:][:, seen], areas[kept], true_areas[seen]
    own = sample.class_ids[1:][seen]
    return Matches(shared / (areas[:, None] + true_areas - shared), instances.scores[kept],
                   classes[instances.class_ids[kept]],
                   np.where(np.isin(own, classes), own, UNKNOWN_CLASS))


def _pixels_by_label(instances: Instances, sample: LabelledImage) -> np.ndarray:
    """Count (N,M+1) pixels of each mask on each label, the background first."""
    count = sample.instance_count + 1
    shared = np.zeros((len(instances), count), np.int64)
    for row, (box, crop) in enumerate(zip(instances.boxes, instances.crops, strict=True)):
        left, top, right, bottom = box
        labels = sample.label_map[top:bottom, left:right][crop]
        shared[row] = np.bincount(labels[labels != IGNORE_LABEL], minlength=count)
    return shared


def _true_areas(sample: LabelledImage) -> np.ndarray:
    labels = sample.label_map[sample.label_map != IGNORE_LABEL]
    return np.bincount(labels, minlength=sample.instance_count + 1)[1:]


def common_classes(model: Sequence[str], dataset: Sequence[str]) -> np.ndarray:
    """
    Find the data set's class for each of the model's, by name.

    :param model: names of the model's classes, from class id 1.
    :return: (C+1,) uint16: class id of the model -> of the data set, 0 where it has none. Case,
        spaces and underscores make no difference.
    """
    ids = {_plain(name): index for index, name in enumerate(dataset, start=1)}
    return np.array([UNKNOWN_CLASS, *(ids.get(_plain(name), UNKNOWN_CLASS) for name in model)],
                    np.uint16)


def _plain(name: str) -> str:
    return name.lower().replace('_', '').replace(' ', '').replace('-', '')


def class_accuracy(images: Sequence[Matches], threshold: float = 0.5) -> tuple[float, int]:
    """
    Tell how often the class of a mask is right, where the mask is.

    :param threshold: a true object is found if a mask has an IoU with it above this.
    :return: share of the found objects of a common class whose best mask names their class, NaN
        where there are none; and their number.
    """
    right = []
    for image in images:
        for column in np.flatnonzero(image.true_class_ids != UNKNOWN_CLASS):
            if image.iou[:, column].max(initial=0) > threshold:
                best = image.iou[:, column].argmax()
                right.append(image.class_ids[best] == image.true_class_ids[column])
    return (float(np.mean(right)) if right else np.nan), len(right)
