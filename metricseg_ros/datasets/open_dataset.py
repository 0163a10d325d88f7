# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Open a data set by a short text that says its format and where it lies."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.datasets.formats.clutter import open_ocid, open_osd
from metricseg_ros.datasets.formats.coco import open_coco
from metricseg_ros.datasets.formats.cvat import open_cvat
from metricseg_ros.datasets.formats.folder_dataset import open_folder_dataset
from metricseg_ros.datasets.formats.labelme import open_labelme
from metricseg_ros.datasets.formats.roboflow import open_roboflow
from metricseg_ros.datasets.formats.voc import open_voc
from metricseg_ros.datasets.formats.yolo import open_yolo
from metricseg_ros.datasets.household import HouseholdDataset
from metricseg_ros.datasets.labelled_image import LabelledDataset

FORMATS = ('folder:DIR', 'labelme:DIR', 'yolo:DIR', 'cvat:FILE', 'roboflow:DIR',
           'coco:IMAGES:JSON', 'voc:ROOT[:SPLIT]', 'ocid:ROOT', 'osd:ROOT', 'household:DATASET')
WITH_DEPTH = {'folder': open_folder_dataset, 'ocid': open_ocid, 'osd': open_osd}
WITHOUT_DEPTH = {'labelme': open_labelme, 'yolo': open_yolo, 'cvat': open_cvat,
                 'roboflow': open_roboflow}


def open_dataset(text: str, skip_missing: bool = False, depth: bool = True) -> LabelledDataset:
    """
    Open a data set.

    :param text: one of :data:`FORMATS`; a text without a format is the folder itself.
    :param skip_missing: whether to go on without images that cannot be used.
    :raises ValueError: for another format, or a folder that is not of it, saying what was
        expected and what was found.
    """
    name, colon, rest = text.partition(':')
    if not colon:
        return open_folder_dataset(Path(text), skip_missing, depth)
    if name == 'household' and rest:
        return HouseholdDataset(open_dataset(rest, skip_missing, depth))
    if name in WITH_DEPTH and rest:
        return WITH_DEPTH[name](Path(rest), skip_missing, depth)
    if name in WITHOUT_DEPTH and rest:
        return WITHOUT_DEPTH[name](Path(rest), skip_missing)
    if name == 'voc' and rest:
        root, _, split = rest.rpartition(':')
        return open_voc(Path(root or rest), split if root else '', skip_missing)
    if name == 'coco' and rest.count(':') == 1:
        images, annotations = rest.split(':')
        return open_coco(Path(images), Path(annotations), skip_missing)
    raise ValueError(f'a data set must be written as one of {", ".join(FORMATS)}, got {text!r}')
