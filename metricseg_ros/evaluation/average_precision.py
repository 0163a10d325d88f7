# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
AP^r, the average precision of regions, as for PASCAL VOC.

Per class over the whole data set: a predicted mask is tied to the true one of its class and image
with which its IoU is highest. It is right if that IoU reaches the threshold and no mask of higher
score took that true one before. AP^r is the area under the precision-recall curve, made monotone.
"""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.evaluation.matches import Matches, UNKNOWN_CLASS
import numpy as np

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
VOLUME_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of AP^r_vol, the mean over these."""


def average_precision(images: Sequence[Matches], class_id: int, threshold: float) -> float:
    """
    Compute AP^r of one class.

    :return: in [0,1]; NaN where no object of the class is true.
    """
    true_count = sum(int((image.true_class_ids == class_id).sum()) for image in images)
    if true_count == 0:
        return np.nan
    scores = np.concatenate([image.scores[image.class_ids == class_id] for image in images])
    right = np.concatenate([correct(image, class_id, threshold) for image in images])
    return area_under_curve(right[np.argsort(-scores, kind='stable')], true_count)


def correct(image: Matches, class_id: int, threshold: float) -> np.ndarray:
    """Tell which masks of a class are right."""
    iou = image.iou[image.class_ids == class_id][:, image.true_class_ids == class_id]
    right, taken = np.zeros(len(iou), bool), set[int]()
    if iou.shape[1] == 0:
        return right
    for row, column in enumerate(iou.argmax(axis=1).tolist()):
        if iou[row, column] >= threshold and column not in taken:
            taken.add(column)
            right[row] = True
    return right


def area_under_curve(right: np.ndarray, true_count: int) -> float:
    """
    Integrate precision over recall.

    :param right: (K,) bool, by decreasing score.
    :param true_count: how many there are to find, at least 1.
    :return: the area under the monotone envelope.
    """
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[right].sum() / true_count)


def mean_average_precision(images: Sequence[Matches],
                           thresholds: Sequence[float] = THRESHOLDS) -> dict[float, float]:
    """
    Compute the mean of AP^r over the classes.

    :return: threshold -> mean over the classes that are true somewhere; NaN where there is none.
    """
    classes = np.unique(np.concatenate([image.true_class_ids for image in images]))
    known = [int(class_id) for class_id in classes if class_id != UNKNOWN_CLASS]
    return {threshold: float(np.mean([average_precision(images, class_id, threshold)
                                      for class_id in known])) if known else np.nan
            for threshold in thresholds}
