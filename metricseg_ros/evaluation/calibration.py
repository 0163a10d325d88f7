# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether scores mean what they say: the score of a mask against its IoU with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """
    Scores in bins of equal width.

    :param counts: (B,) masks in each bin.
    :param scores: (B,) mean score in each bin; NaN in an empty one.
    :param ious: (B,) mean IoU in each bin; NaN in an empty one.
    :param error: expected calibration error: mean over the masks of the distance between the
        mean score and the mean IoU of their bin; NaN without masks.
    """

    counts: np.ndarray
    scores: np.ndarray
    ious: np.ndarray
    error: float


def calibration(scores: np.ndarray, ious: np.ndarray, bins: int = BINS) -> Calibration:
    """
    Compare scores with IoUs.

    :param scores: (N,) in [0,1].
    :param ious: (N,) in [0,1], the best IoU of each mask with a true one.
    :param bins: how many; a score on a border belongs to the upper one, 1 to the last.
    """
    index = np.minimum((scores * bins).astype(int), bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid='ignore'):
        mean_scores, mean_ious = (np.bincount(index, values, bins) / counts
                                  for values in (scores, ious))
    gaps = np.abs(mean_scores - mean_ious)[counts > 0]
    weights = counts[counts > 0]
    error = float((gaps * weights).sum() / weights.sum()) if len(gaps) else np.nan
    return Calibration(counts, mean_scores, mean_ious, error)


def plot_calibration(result: Calibration, path: Path, title: str) -> None:
    """Draw the reliability plot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout='constrained')
    axes = figure.subplots()
    edges = np.linspace(0, 1, len(result.counts) + 1)
    axes.bar(edges[:-1], np.nan_to_num(result.ious), width=np.diff(edges), align='edge',
             alpha=0.4, edgecolor='white')
    axes.plot([0, 1], [0, 1], color='grey', linestyle=':')
    axes.plot(result.scores, result.ious, 'o-')
    for left, count, iou in zip(edges, result.counts, np.nan_to_num(result.ious)):
        axes.annotate(str(count or ''), (left + 0.5 / len(result.counts), iou + 0.02),
                      ha='center', fontsize=7)
    axes.set(xlim=(0, 1), ylim=(0, 1.05), xlabel='score', ylabel='mean IoU with the truth',
             title=f'{title}\ncalibration error {result.error:.3f}, {result.counts.sum()} masks')
    figure.savefig(path, dpi=100)
