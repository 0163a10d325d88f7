# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images that are kept apart from training, and what a model is worth on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.evaluation.overlap import overlap
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import Instances
import numpy as np

EVERY = 5
SCORES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
"""Smallest scores that are tried."""

INDIFFERENT = 0.01
"""Among figures that differ by less, the score nearest to the default is taken."""

MOST_JUDGED = 24
"""Images that are looked at between two parts of a training."""


def split(count: int, recordings: Sequence[tuple[str, int] | None]) -> tuple[list[int], list[int]]:
    """
    Keep every fifth image apart; of a recording the last fifth, as neighbours look the same.

    :param recordings: of each, the recording that it is a frame of and when it was taken; None
        where it is no frame.
    :return: indices for training, and those kept apart.
    """
    single = [index for index in range(count) if recordings[index] is None]
    apart = set(single[::EVERY])
    for name in {entry[0] for entry in recordings if entry is not None}:
        frames = [index for index in range(count) if recordings[index] is not None
                  and recordings[index][0] == name]
        frames.sort(key=lambda index: recordings[index][1])
        apart.update(frames[len(frames) - len(frames) // EVERY:])
    return [index for index in range(count) if index not in apart], sorted(apart)


@dataclass(frozen=True)
class Judgement:
    """
    What a model is worth on images kept apart.

    :param figure: mean over the images of what is found and of overlap F, each counting half;
        where not everything is labelled, of the mean best IoU in place of the latter.
    :param minimum_score: at which that is so.
    """

    figure: float
    minimum_score: float


def judge(segmenter: InstanceSegmenter, samples: Sequence[LabelledImage]) -> Judgement:
    """
    Measure a model, and choose its smallest score.

    :param segmenter: the model; its grouping is the default but for the score.
    :return: figure and score. Where not everything is labelled a lower score is never worse, and
        the model's own stays.
    """
    default = segmenter.own_grouping.minimum_score
    known = all(sample.background_known for sample in samples)
    scores = SCORES if known else (default,)
    segmenter.grouping = replace(segmenter.grouping, minimum_score=min(scores))
    figures = np.array([[_figure(above(found, score), sample, known) for score in scores]
                        for sample in samples
                        for found in [segmenter.segment(sample.image, sample.depth)]])
    means = np.nanmean(figures, axis=0)
    good = np.flatnonzero(means >= means.max() - INDIFFERENT)
    best = min(good, key=lambda index: abs(scores[index] - default))
    return Judgement(float(means[best]), scores[best])


def above(found: Instances, score: float) -> np.ndarray:
    """
    Give what would have been found with another smallest score.

    :return: (H,W) uint16 label map. Better masks do not depend on worse ones, but that a worse one
        lies under them.
    """
    label_map = found.label_map
    kept = found.ids[found.scores >= score]
    return np.where(np.isin(label_map, kept), label_map, 0).astype(np.uint16)


def _figure(label_map: np.ndarray, sample: LabelledImage, known: bool) -> float:
    measured = overlap(label_map, sample.label_map)
    if np.isnan(measured.found):  # No object: only that nothing is found there counts.
        return measured.f if known else np.nan
    return (measured.found + (measured.f if known else measured.mean_best_iou)) / 2
