# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
PASCAL VOC 2012 and the Semantic Boundaries Dataset (SBD), in the formats they are published in.

VOC holds JPEGImages/, SegmentationObject/, SegmentationClass/ and ImageSets/Segmentation/; SBD
holds img/, inst/ (MATLAB files) and lists of names. CVAT's segmentation masks are VOC with classes
of their own, which labelmap.txt lists with their colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
import re
import warnings

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading.drawn_masks import read_sized
from metricseg_ros.datasets.reading.files import (
    describe_folder,
    read_colours,
    read_labels,
    read_names,
    read_photograph,
    renumbered,
    usable,
)
from metricseg_ros.datasets.reading.matlab import read_matlab
from metricseg_ros.inputs.codec import IMAGE_SUFFIXES
from metricseg_ros.inputs.frame import DataWarning
import numpy as np

CLASSES = ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow',
           'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
           'train', 'tvmonitor')
VOID = 255
SPLITS = ('train', 'val', 'trainval', 'trainaug')
OBJECTS, SEMANTIC = 'SegmentationObject', 'SegmentationClass'
PALETTE_FILE = 'labelmap.txt'
VOC_PLACES = ('.', 'VOC2012', 'VOCdevkit/VOC2012')
SBD_PLACES = ('.', 'dataset', 'benchmark_RELEASE/dataset', 'SBD', 'sbd')

Entry = tuple[Path, str]
"""Root of VOC or of SBD, and the name of an image in it."""


VOID_COLOUR = 0xe0e0c0
LABELMAP = re.compile(r'([^:]+):(\d+),(\d+),(\d+)(:.*)?')
"""A line of labelmap.txt: name, colour, and what is not needed."""


@dataclass(frozen=True)
class Palette:
    """
    What pixels of SegmentationClass mean.

    :param classes: names of the classes.
    :param class_ids: class id of each index.
    :param colours: colour -> class id, where it is painted.
    :param custom: whether it is of the data set's own.
    """

    classes: tuple[str, ...]
    class_ids: tuple[int, ...]
    colours: Mapping[int, int]
    custom: bool = False


def voc_colour(index: int) -> int:
    """Give an index's colour in VOC's palette, red x 65536 + green x 256 + blue."""
    red, green, blue = (sum((index >> 3 * place + part & 1) << 7 - place for place in range(3))
                        for part in range(3))
    return red << 16 | green << 8 | blue


PALETTE = Palette(CLASSES, tuple(range(len(CLASSES) + 1)),
                  {voc_colour(index): index for index in range(len(CLASSES) + 1)})


@dataclass(frozen=True)
class VocDataset:
    """
    Images of VOC, of SBD, or of both.

    :param entries: where each image lies.
    :param palette: the classes, and what pixels mean.
    :param upright: whether images are turned as their EXIF data say.
    """

    entries: tuple[Entry, ...]
    palette: Palette = PALETTE
    upright: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        return self.palette.classes

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> LabelledImage:
        root, name = self.entries[index]
        image, label_map, class_ids = (read_sbd(root, name) if _is_sbd(root)
                                       else read_voc(root, name, self.palette, self.upright))
        return LabelledImage(image, label_map, class_ids, name=name)


def open_voc(root: Path, split: str = '', skip_missing: bool = False) -> VocDataset:
    """
    Open a split of VOC 2012, of SBD, or of a data set in VOC's format.

    :param root: VOC2012, VOCdevkit, SBD's folder `dataset`, or a folder that holds these.
    :param split: train, val, trainval or another list there is, of VOC where there is VOC, else of
        SBD; or trainaug, the 10,582 images of VOC's train and all of SBD less VOC's val. Empty
        takes val, or the only list.
    :param skip_missing: whether to go on without images of which files are missing.
    :raises ValueError: where the folder or the split is none of these, or a file is missing.
    """
    voc = _place(root, VOC_PLACES, 'JPEGImages')
    sbd = _place(root, SBD_PLACES, 'inst')
    split = _split(split, voc)
    if split == 'trainaug':
        if voc is None or sbd is None:
            raise ValueError('trainaug needs VOC (VOCdevkit/VOC2012 or VOC2012) and SBD '
                             '(benchmark_RELEASE/dataset or dataset) in one folder, got '
                             f'{describe_folder(root)}')
        entries = _augmented_training_set(voc, sbd)
        return VocDataset(tuple(usable(entries, _fault, root, skip_missing)))
    if voc is None and sbd is None:
        raise ValueError('voc needs JPEGImages/, SegmentationObject/, SegmentationClass/ and '
                         'ImageSets/Segmentation/, or the img/ and inst/ of SBD, got '
                         f'{describe_folder(root)}')
    place, names = (voc, _voc_names(voc, split)) if voc else (sbd, _sbd_names(sbd, split))
    if not names:
        raise ValueError(f'{place} lists no image in {split}')
    entries = usable([(place, name) for name in names], _fault, place, skip_missing)
    return VocDataset(tuple(entries), read_palette(place / PALETTE_FILE))


def _split(split: str, voc: Path | None) -> str:
    """Choose the list of images: the one asked for, VOC's val, or the only one."""
    found = [path.stem for path in sorted((voc / 'ImageSets' / 'Segmentation').glob('*.txt'))
             ] if voc else []
    if not split:
        return found[0] if len(found) == 1 else 'val'
    if split not in (*SPLITS, *found):
        raise ValueError(f'split must be one of {", ".join(dict.fromkeys((*SPLITS, *found)))}, '
                         f'got {split!r}')
    return split


def _is_sbd(root: Path) -> bool:
    return (root / 'inst').is_dir()


def _fault(entry: Entry) -> str:
    """Say which file of an image is missing."""
    root, name = entry
    if _is_sbd(root):
        paths = [root / 'inst' / f'{name}.mat', root / 'img' / f'{name}.jpg']
    else:
        paths = [*(root / part / f'{name}.png' for part in (OBJECTS, SEMANTIC)),
                 _image_path(root, name)]
    return next((f'{path} is missing' for path in paths if not path.is_file()), '')


def _image_path(root: Path, name: str) -> Path:
    """Find an image of any format; the place of a JPEG where there is none."""
    paths = [root / 'JPEGImages' / f'{name}{suffix}' for suffix in
             (*IMAGE_SUFFIXES, *map(str.upper, IMAGE_SUFFIXES))]
    return next((path for path in paths if path.is_file()), paths[0])


def read_palette(path: Path) -> Palette:
    """
    Read the classes of a data set of its own.

    :param path: labelmap.txt of CVAT.
    :return: its classes; VOC's where there is no file.
    :raises ValueError: if it is of another form.
    """
    if not path.is_file():
        return PALETTE
    lines = [line for line in read_names(path) if not line.startswith('#')]
    found = [LABELMAP.fullmatch(line) for line in lines]
    if None in found or not found or any(int(part) > 255 for match in found
                                         for part in match.groups()[1:4]):
        wrong = lines[found.index(None)] if None in found else f'{len(lines)} lines'
        raise ValueError(f'{path} must have lines such as cup:10,128,0::, got {wrong!r:.60}')
    names = [match[1] for match in found if match[1] != 'background']
    ids = tuple(names.index(match[1]) + 1 if match[1] in names else 0 for match in found)
    colours = (int(match[2]) << 16 | int(match[3]) << 8 | int(match[4]) for match in found)
    return Palette(tuple(names), ids, dict(zip(colours, ids)), True)


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


def read_voc(root: Path, name: str, palette: Palette = PALETTE,
             upright: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Read an image of VOC.

    :param root: VOC2012.
    :param palette: what the pixels of its classes mean.
    :param upright: whether the image is turned as its EXIF data say.
    :return: image, label map and class ids, as in :class:`LabelledImage`.
    :raises ValueError: where a file is missing or damaged.
    """
    objects = root / OBJECTS / f'{name}.png'
    colours = read_colours(objects, palette.custom)
    label_map = (renumbered(read_labels(objects), ignored=VOID) if colours is None
                 else renumbered(colours, ignored=VOID_COLOUR))
    classes = _class_map(root / SEMANTIC / f'{name}.png', palette)
    if label_map.shape != classes.shape:
        raise ValueError(f'SegmentationObject and SegmentationClass of {name} in {root} must have '
                         f'one size, got {label_map.shape} and {classes.shape}')
    class_ids = _classes_by_vote(label_map, classes, len(palette.classes))
    if unnamed := int(np.count_nonzero(class_ids[1:] == BACKGROUND)):
        warnings.warn(f'{objects}: {unnamed} of {len(class_ids) - 1} objects have no class in '
                      f'{SEMANTIC}: they are objects of unknown class', DataWarning, stacklevel=2)
    image = read_sized(_image_path(root, name), label_map.shape, upright)
    return image, label_map, class_ids


def _class_map(path: Path, palette: Palette) -> np.ndarray:
    """Read the class id of each pixel; IGNORE_LABEL for void."""
    colours = read_colours(path, palette.custom)
    values = read_labels(path) if colours is None else colours
    void = {VOID: IGNORE_LABEL} if colours is None else {VOID_COLOUR: IGNORE_LABEL}
    meaning = {**void, **(dict(enumerate(palette.class_ids)) if colours is None
                          else palette.colours)}
    found, index = np.unique(values, return_inverse=True)
    if unknown := [int(value) for value in found if int(value) not in meaning]:
        raise ValueError(f'{path} must hold 0 to {len(palette.class_ids) - 1} or {VOID}, got '
                         f'{unknown[-1]}' if colours is None else
                         f'{path} must be painted in the colours of its classes, got '
                         f'#{unknown[-1]:06x}')
    return np.array([meaning[int(value)] for value in found],
                    np.uint16)[index].reshape(values.shape)


def _classes_by_vote(label_map: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    known = (classes != IGNORE_LABEL) & (label_map != IGNORE_LABEL)
    instances = int(label_map[label_map != IGNORE_LABEL].max(initial=0))
    votes = np.zeros((instances + 1, count + 1), np.int64)
    np.add.at(votes, (label_map[known], classes[known]), 1)
    class_ids = votes.argmax(axis=1).astype(np.uint16)
    class_ids[0] = 0
    return class_ids


def read_sbd(root: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Read an image of SBD.

    :param root: its folder `dataset`.
    :return: image, label map and class ids, as in :class:`LabelledImage`.
    :raises ValueError: where a file is missing or damaged.
    """
    path = root / 'inst' / f'{name}.mat'
    try:
        truth = read_matlab(path.read_bytes())['GTinst']
        label_map, categories = truth['Segmentation'], truth['Categories']
        class_ids = [0, *(int(class_id) for class_id in categories.ravel())]
        label_map = label_map.astype(np.uint16)
    except (OSError, LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f'{path} must hold GTinst with Segmentation and Categories, got '
                         f'{error!r}') from None
    if not 1 <= min(class_ids[1:], default=1) <= max(class_ids) <= len(CLASSES):
        raise ValueError(f'Categories of {path} must be from 1 to {len(CLASSES)}, got '
                         f'{class_ids[1:]}')
    image = read_photograph(root / 'img' / f'{name}.jpg')
    return image, label_map, np.array(class_ids, np.uint16)
