# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
PASCAL VOC 2012 and the Semantic Boundaries Dataset (SBD), in the formats they are published in.

VOC holds JPEGImages/, SegmentationObject/, SegmentationClass/ and ImageSets/Segmentation/; SBD
holds img/, inst/ (MATLAB files) and lists of names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading import (
    found_in,
    read_labels,
    read_names,
    read_photograph,
    renumbered,
)
import numpy as np

CLASSES = ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow',
           'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
           'train', 'tvmonitor')
VOID = 255
SPLITS = ('train', 'val', 'trainval', 'trainaug')
VOC_PLACES = ('.', 'VOC2012', 'VOCdevkit/VOC2012')
SBD_PLACES = ('.', 'dataset', 'benchmark_RELEASE/dataset', 'SBD', 'sbd')

Entry = tuple[Path, str]
"""Root of VOC or of SBD, and the name of an image in it."""


@dataclass(frozen=True)
class VocDataset:
    """
    Images of VOC, of SBD, or of both.

    :param entries: where each image lies.
    :param classes: VOC's 20.
    """

    entries: tuple[Entry, ...]
    classes: tuple[str, ...] = CLASSES

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.entries)

    def __getitem__(self, index: int) -> LabelledImage:
        """
        Read one image.

        :param index: from 0.
        :return: the image and its truth.
        :raises ValueError: where a file is missing or damaged.
        """
        root, name = self.entries[index]
        read = read_sbd if (root / 'inst').is_dir() else read_voc
        image, label_map, class_ids = read(root, name)
        return LabelledImage(image, label_map, class_ids, name=name)


def open_voc(root: Path, split: str = 'val') -> VocDataset:
    """
    Open a split of VOC 2012 or SBD.

    :param root: VOC2012, VOCdevkit, SBD's folder `dataset`, or a folder that holds these.
    :param split: train, val or trainval, of VOC where there is VOC, else of SBD; or trainaug, the
        10,582 images of VOC's train and all of SBD less VOC's val.
    :return: the data set.
    :raises ValueError: where the folder or the split is none of these.
    """
    voc = _place(root, VOC_PLACES, 'JPEGImages')
    sbd = _place(root, SBD_PLACES, 'inst')
    if split not in SPLITS:
        raise ValueError(f'split must be one of {", ".join(SPLITS)}, got {split!r}')
    if split == 'trainaug':
        if voc is None or sbd is None:
            raise ValueError('trainaug needs VOC (VOCdevkit/VOC2012 or VOC2012) and SBD '
                             '(benchmark_RELEASE/dataset or dataset) in one folder, got '
                             f'{found_in(root)}')
        return VocDataset(_augmented_training_set(voc, sbd))
    if voc is None and sbd is None:
        raise ValueError('voc needs JPEGImages/, SegmentationObject/, SegmentationClass/ and '
                         'ImageSets/Segmentation/, or the img/ and inst/ of SBD, got '
                         f'{found_in(root)}')
    place, names = (voc, _voc_names(voc, split)) if voc else (sbd, _sbd_names(sbd, split))
    if not names:
        raise ValueError(f'{place} lists no image in {split}')
    return VocDataset(tuple((place, name) for name in names))


def _place(root: Path, places: tuple[str, ...], mark: str) -> Path | None:
    return next((root / place for place in places if (root / place / mark).is_dir()), None)


def _voc_names(voc: Path, split: str) -> list[str]:
    return read_names(voc / 'ImageSets' / 'Segmentation' / f'{split}.txt')


def _sbd_names(sbd: Path, split: str) -> list[str]:
    parts = ('train', 'val') if split == 'trainval' else (split,)
    return [name for part in parts for name in read_names(sbd / f'{part}.txt')]


def _augmented_training_set(voc: Path, sbd: Path) -> tuple[Entry, ...]:
    # VOC's own labels, which know the void at the outlines, win over SBD's.
    own, held_out = _voc_names(voc, 'train'), set(_voc_names(voc, 'val'))
    more = sorted(set(_sbd_names(sbd, 'trainval')) - set(own) - held_out)
    return (*((voc, name) for name in own), *((sbd, name) for name in more))


def read_voc(root: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Read an image of VOC.

    :param root: VOC2012.
    :param name: of the image.
    :return: image, label map and class ids, as in :class:`LabelledImage`.
    :raises ValueError: where a file is missing or damaged.
    """
    objects, classes = (read_labels(root / part / f'{name}.png')
                        for part in ('SegmentationObject', 'SegmentationClass'))
    if objects.shape != classes.shape:
        raise ValueError(f'SegmentationObject and SegmentationClass of {name} in {root} must have '
                         f'one size, got {objects.shape} and {classes.shape}')
    label_map = renumbered(np.where(objects == VOID, IGNORE_LABEL, objects))
    if (highest := classes[classes != VOID].max(initial=0)) > len(CLASSES):
        raise ValueError(f'SegmentationClass of {name} in {root} must hold 0 to {len(CLASSES)} '
                         f'or {VOID}, got {highest}')
    class_ids = _classes_by_vote(label_map, classes)
    return read_photograph(root / 'JPEGImages' / f'{name}.jpg'), label_map, class_ids


def _classes_by_vote(label_map: np.ndarray, classes: np.ndarray) -> np.ndarray:
    known = (classes != VOID) & (label_map != IGNORE_LABEL)
    count = int(label_map[label_map != IGNORE_LABEL].max(initial=0))
    votes = np.zeros((count + 1, len(CLASSES) + 1), np.int64)
    np.add.at(votes, (label_map[known], classes[known]), 1)
    class_ids = votes.argmax(axis=1).astype(np.uint16)
    class_ids[0] = 0
    return class_ids


def read_sbd(root: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Read an image of SBD.

    :param root: its folder `dataset`.
    :param name: of the image.
    :return: image, label map and class ids, as in :class:`LabelledImage`.
    :raises ValueError: where a file is missing or damaged.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    path = root / 'inst' / f'{name}.mat'
    try:
        truth = loadmat(path)['GTinst'][0, 0]
        label_map, categories = truth['Segmentation'], truth['Categories']
    except (OSError, MatReadError, ValueError, LookupError, NotImplementedError) as error:
        raise ValueError(f'{path} must hold GTinst with Segmentation and Categories, got '
                         f'{error!r}') from None
    class_ids = np.array([0, *categories.ravel()], np.uint16)
    image = read_photograph(root / 'img' / f'{name}.jpg')
    return image, label_map.astype(np.uint16), class_ids
