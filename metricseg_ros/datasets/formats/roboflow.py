# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Roboflow's COCO exports: train/, valid/, test/, each with images and _annotations.coco.json."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.datasets.formats.coco import open_coco
from metricseg_ros.datasets.joined import joined
from metricseg_ros.datasets.labelled_image import LabelledDataset
from metricseg_ros.datasets.reading.files import describe_folder

ANNOTATIONS = '_annotations.coco.json'


def open_roboflow(folder: Path, skip_missing: bool = False) -> LabelledDataset:
    """
    Open an export.

    :param folder: of the whole export, or of one of its parts.
    :return: the data set. What is not labelled is background, as the labels are the user's own.
    :raises ValueError: if there are no annotations.
    """
    paths = sorted(folder.glob(f'*/{ANNOTATIONS}'))
    if (folder / ANNOTATIONS).is_file():
        paths = [folder / ANNOTATIONS]
    if not paths:
        raise ValueError(f'roboflow needs a folder with {ANNOTATIONS}, or with train/, valid/ and '
                         f'test/ that have one, got {describe_folder(folder)}')
    parts = [open_coco(path.parent, path, skip_missing) for path in paths]
    # Its first category is the name of the whole set, and no annotation has it.
    used = {part.classes[annotation.class_id - 1] for part in parts for image in part.images
            for annotation in image.annotations}
    first = {name for part in parts for name in part.classes[:1]} - used
    return joined(parts, tuple(first))
