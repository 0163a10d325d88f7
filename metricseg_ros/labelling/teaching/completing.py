# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Labels of which some are missing, made whole as far as a model tells.

From labelled objects alone nothing teaches where objects end, and scores lose their meaning: all
of them fell below any threshold. So background is what has no label and shows no object to the
model that is taught, either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.inputs.codec import decode, encode
from metricseg_ros.labelling.teaching.pictures import object_of
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np

DOUBTFUL = 0.5
"""What the model finds counts from this share of its smallest score on."""


def completed(samples: Iterable[LabelledImage], segmenter: InstanceSegmenter) -> dict[str, bytes]:
    """
    Complete the label maps of images with partial labels.

    :return: name of each such image -> PNG of its label map, in which everything is known or
        ignored.
    """
    segmenter.grouping = replace(segmenter.grouping, minimum_score=(
        DOUBTFUL * segmenter.own_grouping.minimum_score))
    return {sample.name: encode(complete_labels(sample, segmenter), '.png') for sample in samples
            if not sample.background_known}


def complete_labels(sample: LabelledImage, segmenter: InstanceSegmenter) -> np.ndarray:
    """
    Ignore what a model finds beside the labels.

    :return: (H,W) uint16 label map.
    """
    label_map, found = sample.label_map.copy(), segmenter.segment(sample.image, sample.depth)
    for own in found.ids:
        mask = found.label_map == own
        if object_of(mask, sample.label_map) is None:
            label_map[mask & (label_map == BACKGROUND)] = IGNORE_LABEL
    return label_map


def with_labels(sample: LabelledImage, png: bytes) -> LabelledImage:
    """
    Give an image its completed labels.

    :param sample: the image.
    :param png: of :func:`completed`.
    """
    return replace(sample, label_map=decode(png, cv2.IMREAD_UNCHANGED), background_known=True)
