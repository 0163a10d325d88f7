# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How well identities are kept: CLEAR MOT, identity F1 and HOTA.

Bernardin and Stiefelhagen 2008; Ristani et al. 2016; Luiten et al. 2021. Masks are compared by
their IoU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.evaluation.overlap import shared_pixels
import numpy as np
from scipy.optimize import linear_sum_assignment

MATCH_IOU = 0.5
"""IoU from which a prediction is a truth, for switches and identity F1."""
HOTA_IOUS = np.arange(1, 20) / 20


@dataclass(frozen=True)
class FrameIdentities:
    """
    What is true and what is predicted of one image.

    :param true_ids: (T,) int, distinct.
    :param predicted_ids: (P,) int, distinct.
    :param ious: (T,P) float of their masks.
    """

    true_ids: np.ndarray
    predicted_ids: np.ndarray
    ious: np.ndarray

    def __post_init__(self) -> None:
        """Check the shapes against each other."""
        expected = (len(self.true_ids), len(self.predicted_ids))
        if self.ious.shape != expected:
            raise ValueError(f'ious must be {expected}, got {self.ious.shape}')


def match_identities(truth: np.ndarray, predicted: np.ndarray) -> FrameIdentities:
    """
    Compare two label maps of one image.

    :param truth: (H,W) unsigned integers, 0 background; pixels of IGNORE_LABEL are left out.
    :param predicted: (H,W) unsigned integers, 0 background.
    :return: ids and IoUs.
    """
    shared = shared_pixels(predicted, truth)
    ious = shared / (shared.sum(1)[:, None] + shared.sum(0)[None] - shared).clip(1)
    return FrameIdentities(_ids(truth), _ids(predicted[truth != IGNORE_LABEL]), ious[1:, 1:])


def _ids(labels: np.ndarray) -> np.ndarray:
    values = np.unique(labels)
    return values[(values != BACKGROUND) & (values != IGNORE_LABEL)].astype(np.int64)


def id_switches(frames: Sequence[FrameIdentities]) -> int:
    """
    Count how often a truth gets another id than it had when it was last found (CLEAR MOT).

    :param frames: of one sequence, in order.
    """
    last: dict[int, int] = {}
    switches = 0
    for frame in frames:
        # Who was paired in the last image stays so while the IoU allows.
        kept = np.array([[last.get(true_id) == said_id for said_id in frame.predicted_ids.tolist()]
                         for true_id in frame.true_ids.tolist()]).reshape(frame.ious.shape)
        for row, column in _pairs(frame.ious, MATCH_IOU, frame.ious + 1000.0 * kept):
            true_id, said_id = int(frame.true_ids[row]), int(frame.predicted_ids[column])
            switches += last.get(true_id, said_id) != said_id
            last[true_id] = said_id
    return switches


def identity_f1(frames: Sequence[FrameIdentities]) -> float:
    """
    Compute IDF1: every truth is given the one id that serves it best over the whole sequence.

    :return: identity F1 in [0,1]; 1 where there is nothing, and nothing is predicted.
    """
    counts = _Counts(frames)
    found = np.zeros(counts.shape)
    for frame, rows, columns in counts.indexed:
        found[np.ix_(rows, columns)] += frame.ious >= MATCH_IOU
    correct = found[linear_sum_assignment(-found)].sum()
    total = counts.true.sum() + counts.predicted.sum()
    return float(2 * correct / total) if total else 1.0


def hota(frames: Sequence[FrameIdentities]) -> float:
    """
    Compute HOTA, the mean over IoUs of the geometric mean of detection and association.

    :return: HOTA in [0,1]; 1 where there is nothing, and nothing is predicted.
    """
    counts = _Counts(frames)
    if not counts.true.sum() + counts.predicted.sum():
        return 1.0
    alignment = counts.alignment()
    return float(np.mean([_hota_at(counts, alignment, iou) for iou in HOTA_IOUS]))


class _Counts:
    """In how many images every truth and every id of a sequence occurs."""

    def __init__(self, frames: Sequence[FrameIdentities]) -> None:
        all_true = np.unique(np.concatenate([[], *(frame.true_ids for frame in frames)]))
        all_said = np.unique(np.concatenate([[], *(frame.predicted_ids for frame in frames)]))
        self.shape = (len(all_true), len(all_said))
        self.indexed = [(frame, np.searchsorted(all_true, frame.true_ids),
                         np.searchsorted(all_said, frame.predicted_ids)) for frame in frames]
        self.true, self.predicted = np.zeros(self.shape[0]), np.zeros(self.shape[1])
        for _, rows, columns in self.indexed:
            self.true[rows] += 1
            self.predicted[columns] += 1

    def alignment(self) -> np.ndarray:
        """Return (T,P), how well a truth and an id go together over the whole sequence."""
        together = np.zeros(self.shape)
        for frame, rows, columns in self.indexed:
            either = frame.ious.sum(1)[:, None] + frame.ious.sum(0)[None] - frame.ious
            together[np.ix_(rows, columns)] += frame.ious / np.maximum(either, 1e-12)
        return together / np.maximum(self.true[:, None] + self.predicted[None] - together, 1e-12)


def _hota_at(counts: _Counts, alignment: np.ndarray, iou: float) -> float:
    matched = np.zeros(counts.shape)
    for frame, rows, columns in counts.indexed:
        weights = alignment[np.ix_(rows, columns)] * frame.ious
        for row, column in _pairs(frame.ious, iou, weights):
            matched[rows[row], columns[column]] += 1
    hits = matched.sum()
    if not hits:
        return 0.0
    association = matched / np.maximum(counts.true[:, None] + counts.predicted[None] - matched, 1)
    # Truths found, truths missed and false finds are together truths + finds - hits.
    everything = counts.true.sum() + counts.predicted.sum() - hits
    return float(np.sqrt(hits / everything * (matched * association).sum() / hits))


def _pairs(ious: np.ndarray, minimum: float, weights: np.ndarray) -> list[tuple[int, int]]:
    """Pair rows and columns of IoU at least `minimum` so that the sum of weights is largest."""
    allowed = ious >= minimum - 1e-9
    rows, columns = linear_sum_assignment(np.where(allowed, weights, 0), maximize=True)
    return [(row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if allowed[row, column]]
