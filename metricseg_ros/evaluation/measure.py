# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a segmenter over a data set and keep, image by image, what the figures are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.evaluation.boundary import Boundary, boundary
from metricseg_ros.evaluation.coco import encode_image, EncodedImage
from metricseg_ros.evaluation.matches import common_classes, match, Matches
from metricseg_ros.evaluation.overlap import Overlap, overlap
from metricseg_ros.structures import Instances

Segment = Callable[[LabelledImage], Instances]


@dataclass(frozen=True)
class MeasuredImage:
    """What is known of one image once it has been segmented."""

    name: str
    overlap: Overlap
    boundary: Boundary
    matches: Matches
    coded: EncodedImage
    stage_ms: dict[str, float]
    background_known: bool


def measure(samples: Iterable[LabelledImage], segment: Segment, model_classes: Sequence[str],
            classes: Sequence[str]) -> Iterator[MeasuredImage]:
    """Segment images and compare each with its truth."""
    common = common_classes(model_classes, classes)
    for sample in samples:
        instances = segment(sample)
        label_map = instances.label_map
        yield MeasuredImage(sample.name, overlap(label_map, sample.label_map),
                            boundary(label_map, sample.label_map),
                            match(instances, sample, common),
                            encode_image(instances, sample, common), instances.stage_ms,
                            sample.background_known)
