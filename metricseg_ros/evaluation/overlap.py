# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Overlap of label maps, as the OCID and OSD benchmarks of unseen objects define it.

Every true object is matched to at most one predicted one, so that the sum of their F is highest.
Matched pixels over all predicted pixels is the precision, over all true pixels the recall.
"""

from __future__ import annotations

from dataclasses import dataclass

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
import numpy as np

FOUND_F = 0.75


@dataclass(frozen=True)
class Overlap:
    """
    How well one image's instances were found.

    :param precision: share of the predicted pixels that are matched.
    :param recall: share of the true pixels that are matched.
    :param f: harmonic mean of both.
    :param found: share of the true objects matched with an F above :data:`FOUND_F`; NaN without
        true objects.
    :param mean_best_iou: mean over the true objects of the best IoU with a predicted one; NaN
        without true objects.
    """

    precision: float
    recall: float
    f: float
    found: float
    mean_best_iou: float


def overlap(predicted: np.ndarray, true: np.ndarray) -> Overlap:
    """
    Compare two label maps.

    :param predicted: (H,W) unsigned integers, 0 background.
    :param true: (H,W) unsigned integers, 0 background; pixels of IGNORE_LABEL count for nothing.
    :raises ValueError: if the label maps are of different size.
    """
    if predicted.shape != true.shape:
        raise ValueError(f'predicted and true must have one size, got {predicted.shape} and '
                         f'{true.shape}')
    pixels = shared_pixels(predicted, true)
    predicted_areas, true_areas = pixels.sum(axis=0)[1:], pixels.sum(axis=1)[1:]
    if len(true_areas) == 0 or len(predicted_areas) == 0:
        return _one_sided(len(true_areas), len(predicted_areas))
    shared, f = pixels[1:, 1:], f_of_pairs(pixels)
    iou = shared / (true_areas[:, None] + predicted_areas - shared)
    rows, columns = best_matching(f)
    matched = shared[rows, columns].sum()
    precision, recall = matched / predicted_areas.sum(), matched / true_areas.sum()
    return Overlap(precision, recall, harmonic_mean(precision, recall),
                   float((f[rows, columns] > FOUND_F).sum() / len(true_areas)),
                   float(iou.max(axis=1).mean()))


def shared_pixels(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """
    Count the pixels that each true and each predicted label share.

    :param predicted: (H,W) label map.
    :param true: (H,W) label map; pixels of IGNORE_LABEL are left out.
    :return: (M+1,N+1) int64, row 0 and column 0 for the background.
    """
    valid = true != IGNORE_LABEL
    true_labels, true_index = _with_background(true[valid])
    labels, index = _with_background(predicted[valid])
    pairs = np.bincount(true_index * len(labels) + index,
                        minlength=len(true_labels) * len(labels))
    return pairs.reshape(len(true_labels), len(labels))


def _with_background(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    present = np.bincount(labels, minlength=BACKGROUND + 1) > 0
    present[BACKGROUND] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[labels]


def f_of_pairs(shared: np.ndarray) -> np.ndarray:
    """
    Compute F of every true with every predicted object.

    :param shared: (M+1,N+1), from :func:`shared_pixels`; row and column 0, the background, take
        no part in the matching.
    :return: (M,N) float64.
    """
    return 2 * shared[1:, 1:] / (shared.sum(axis=1)[1:, None] + shared.sum(axis=0)[1:])


def best_matching(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Match true and predicted objects one to one, so that the sum of their F is highest.

    :param f: (M,N).
    :return: (K,) rows and (K,) columns, K the smaller of M and N.
    """
    from scipy.optimize import linear_sum_assignment
    return linear_sum_assignment(f, maximize=True)


def harmonic_mean(precision: float, recall: float) -> float:
    """Compute F of precision and recall in [0,1]; 0 where both are 0."""
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _one_sided(true: int, predicted: int) -> Overlap:
    if true == predicted == 0:
        return Overlap(1.0, 1.0, 1.0, np.nan, np.nan)
    if predicted == 0:
        return Overlap(1.0, 0.0, 0.0, 0.0, 0.0)
    return Overlap(0.0, 1.0, 0.0, np.nan, np.nan)
