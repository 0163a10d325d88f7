# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Open a data set by a short text that says its format and where it lies."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.datasets.clutter import open_ocid, open_osd
from metricseg_ros.datasets.coco import open_coco
from metricseg_ros.datasets.folder_dataset import open_folder_dataset
from metricseg_ros.datasets.household_dataset import HouseholdDataset
from metricseg_ros.datasets.labelled_image import LabelledDataset
from metricseg_ros.datasets.voc import open_voc

FORMATS = ('folder:DIR', 'voc:ROOT[:SPLIT]', 'coco:IMAGES:JSON', 'ocid:ROOT', 'osd:ROOT',
           'household:DATASET')
WITH_ONE_PATH = {'folder': open_folder_dataset, 'ocid': open_ocid, 'osd': open_osd}


def open_dataset(text: str) -> LabelledDataset:
    """
    Open a data set.

    :param text: one of :data:`FORMATS`; a text without a format is the folder itself.
    :return: the data set.
    :raises ValueError: for another format, or a folder that is not of it, saying what was
        expected and what was found.
    """
    name, colon, rest = text.partition(':')
    if not colon:
        return open_folder_dataset(Path(text))
    if name == 'household' and rest:
        return HouseholdDataset(open_dataset(rest))
    if name in WITH_ONE_PATH and rest:
        return WITH_ONE_PATH[name](Path(rest))
    if name == 'voc' and rest:
        root, _, split = rest.rpartition(':')
        return open_voc(Path(root), split) if root else open_voc(Path(rest))
    if name == 'coco' and rest.count(':') == 1:
        images, annotations = rest.split(':')
        return open_coco(Path(images), Path(annotations))
    raise ValueError(f'a data set must be written as one of {", ".join(FORMATS)}, got {text!r}')
