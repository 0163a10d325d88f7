# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
All figures of a data set, from its measured images.

Figures without `class_` take every mask for one class. Where not everything is labelled, a right
mask of an unlabelled thing counts as wrong: then only :data:`RECALL_FIGURES` can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metricseg_ros.evaluation.average_precision import (
    average_precision,
    mean_average_precision,
    THRESHOLDS,
    VOLUME_THRESHOLDS,
)
from metricseg_ros.evaluation.bootstrap import bootstrap_interval, mean_interval
from metricseg_ros.evaluation.calibration import Calibration, calibration
from metricseg_ros.evaluation.coco import coco_figures
from metricseg_ros.evaluation.matches import class_accuracy, Matches, UNKNOWN_CLASS
from metricseg_ros.evaluation.measure import MeasuredImage
import numpy as np

IMAGE_FIGURES: dict[str, Callable[[MeasuredImage], float]] = {
    'overlap_precision': lambda image: image.overlap.precision,
    'overlap_recall': lambda image: image.overlap.recall,
    'overlap_f': lambda image: image.overlap.f,
    'boundary_precision': lambda image: image.boundary.precision,
    'boundary_recall': lambda image: image.boundary.recall,
    'boundary_f': lambda image: image.boundary.f,
    'found': lambda image: image.overlap.found,
    'mean_best_iou': lambda image: image.overlap.mean_best_iou,
}
"""Figures that each image has; a data set's is the plain mean over its images that have one."""

RECALL_FIGURES = ('overlap_recall', 'boundary_recall', 'found', 'mean_best_iou', 'coco_ar100',
                  'class_accuracy')
"""What can be read where not everything is labelled."""


def report(images: Sequence[MeasuredImage], classes: Sequence[str],
           rng_seed: int = 0) -> dict[str, Any]:
    """
    Compute all figures of a data set.

    :return: `figures`, `intervals` of some (95 %, resampled images), `recall_only`, `per_class`,
        `calibration`, `stage_ms` and `images`: plain values, None where there is no figure.
    """
    matches = [image.matches for image in images]
    common = sorted({int(class_id) for image in matches for class_id in image.true_class_ids}
                    - {UNKNOWN_CLASS})
    rows = {name: np.array([figure(image) for image in images], float)
            for name, figure in IMAGE_FIGURES.items()}
    agnostic = [image.matches.without_classes() for image in images]
    figures = {**{name: _mean(values) for name, values in rows.items()},
               **_region_figures(agnostic), **coco_figures([i.coded for i in images], None),
               **_class_figures(images, common)}
    reliability = measured_calibration(images)
    figures['calibration_error'] = reliability.error
    return json_values({
        'figures': figures, 'intervals': _intervals(rows, agnostic, rng_seed),
        'recall_only': not all(image.background_known for image in images),
        'per_class': _per_class(matches, common, classes),
        'calibration': {'counts': reliability.counts, 'scores': reliability.scores,
                        'ious': reliability.ious},
        'stage_ms': _stage_times(images),
        'images': {image.name: {name: values[index] for name, values in rows.items()}
                   for index, image in enumerate(images)}})


def measured_calibration(images: Sequence[MeasuredImage]) -> Calibration:
    """Compare the scores of all masks of a data set with their IoU."""
    return calibration(np.concatenate([image.matches.scores for image in images]),
                       np.concatenate([image.matches.best_iou for image in images]))


def _region_figures(images: Sequence[Matches], prefix: str = '') -> dict[str, float]:
    at = mean_average_precision(images, tuple(dict.fromkeys(THRESHOLDS + VOLUME_THRESHOLDS)))
    named = {f'{prefix}apr_{round(100 * threshold)}': at[threshold] for threshold in THRESHOLDS}
    volume = float(np.mean([at[threshold] for threshold in VOLUME_THRESHOLDS]))
    return {**named, f'{prefix}apr_vol': volume}


def _class_figures(images: Sequence[MeasuredImage], common: Sequence[int]) -> dict[str, float]:
    """Give what depends on classes, over those that model and data set share."""
    matches = [image.matches for image in images]
    coco = coco_figures([image.coded for image in images], common) if common else {}
    accuracy, count = class_accuracy(matches)
    return {**_region_figures(matches, 'class_'),
            **{f'class_{name}': value for name, value in coco.items()},
            'class_accuracy': accuracy, 'class_accuracy_objects': count}


def _per_class(images: Sequence[Matches], common: Sequence[int],
               classes: Sequence[str]) -> dict[str, dict[str, float]]:
    return {classes[class_id - 1]: {
        'objects': sum(int((image.true_class_ids == class_id).sum()) for image in images),
        'apr_50': average_precision(images, class_id, 0.5),
        'apr_vol': float(np.mean([average_precision(images, class_id, threshold)
                                  for threshold in VOLUME_THRESHOLDS])),
        'accuracy': class_accuracy([_of_class(image, class_id) for image in images])[0],
    } for class_id in common}


def _of_class(image: Matches, class_id: int) -> Matches:
    own = image.true_class_ids == class_id
    return Matches(image.iou[:, own], image.scores, image.class_ids, image.true_class_ids[own])


def _intervals(rows: Mapping[str, np.ndarray], agnostic: Sequence[Matches],
               rng_seed: int) -> dict[str, tuple[float, float]]:
    of_precision = bootstrap_interval(
        lambda chosen: average_precision([agnostic[index] for index in chosen], 1, 0.5),
        len(agnostic), rng_seed)
    return {**{name: mean_interval(values, rng_seed) for name, values in rows.items()},
            'apr_50': of_precision}


def _stage_times(images: Sequence[MeasuredImage]) -> dict[str, dict[str, float]]:
    return {stage: dict(zip(('p50', 'p95', 'p99'), np.percentile(
        [image.stage_ms[stage] for image in images], [50, 95, 99]).round(3), strict=True))
        for stage in images[0].stage_ms}


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan


def mean_over_sets(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """
    Average over data sets, each counting the same however many images it has.

    :return: figure -> plain mean over the sets in which it can be read and has a value.
    """
    means = {}
    for name in next(iter(reports.values()))['figures']:
        values = [value for entry in reports.values()
                  if (value := meaningful_figure(entry, name)) is not None]
        means[name] = round(sum(values) / len(values), 4) if values else None
    return means


def meaningful_figure(entry: Mapping[str, Any], name: str) -> float | None:
    """
    Give a figure if it means something in its data set.

    :param entry: of :func:`report`.
    :return: its value; None where it has none, or not everything is labelled and it is no recall.
    """
    if entry['recall_only'] and name not in RECALL_FIGURES and not name.startswith('class_'):
        return None
    return entry['figures'].get(name)


def json_values(value: Any) -> Any:
    """Turn arrays and NumPy's numbers into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): json_values(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [json_values(inner) for inner in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else round(float(value), 6)
    return value
