# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
CVAT's exports with images, as the zip file it gives or unpacked: COCO 1.0 and segmentation masks.

Of COCO, CVAT marks what was drawn with the brush as crowds; here these are objects. Segmentation
masks are VOC with classes of their own. Labels lie on images turned as their EXIF data say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
import zipfile

from metricseg_ros.datasets.formats.coco import CocoDataset, open_coco
from metricseg_ros.datasets.formats.voc import OBJECTS, PALETTE_FILE, read_palette, VocDataset
from metricseg_ros.datasets.joined import joined
from metricseg_ros.datasets.labelled_image import LabelledDataset
from metricseg_ros.datasets.reading.drawn_masks import usable_indices
from metricseg_ros.datasets.reading.files import describe_folder
from metricseg_ros.inputs.codec import is_image

LARGEST = 64 << 30
"""Bytes that a zip file may unpack to."""

WITHOUT_IMAGES = "the export has no images: in CVAT's dialogue choose to save images"


def open_cvat(path: Path, skip_missing: bool = False) -> LabelledDataset:
    """
    Open an export.

    :param path: the zip file, or the folder that it was unpacked to.
    :return: the data set. What is not labelled is background.
    :raises ValueError: if it is of neither kind, or was saved without images.
    """
    unpacked = None
    if path.is_file():
        unpacked = TemporaryDirectory(prefix='metricseg-cvat-')
        unpack(path, Path(unpacked.name))
    folder = Path(unpacked.name) if unpacked else path
    parts = list(_parts(folder, skip_missing))
    if not parts:
        raise ValueError("cvat needs an export as 'COCO 1.0' (annotations/instances_*.json) or "
                         f"'Segmentation mask 1.1' ({OBJECTS}/), with images, got "
                         f'{describe_folder(folder)}')
    return replace(joined(parts), kept=unpacked)


def unpack(path: Path, folder: Path) -> None:
    """
    Unpack a zip file; names that lead out of the folder are bent back into it.

    :param folder: where to.
    :raises ValueError: if it is no zip file, is damaged, or unreasonably large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size <= LARGEST:
                archive.extractall(folder)
    except Exception as error:  # Damage can make anything of a reader.
        raise ValueError(f'{path} is no zip file that can be unpacked: {error}') from None
    if size > LARGEST:
        raise ValueError(f'{path} would unpack to {size >> 30} GiB, more than {LARGEST >> 30}: '
                         'unpack it yourself and give the folder')


def _parts(folder: Path, skip_missing: bool) -> Iterator[LabelledDataset]:
    for path in sorted((folder / 'annotations').glob('instances_*.json')):
        images = _images_of(folder, path.stem.removeprefix('instances_'))
        yield _with_drawn_masks(open_coco(images, path, skip_missing))
    if (folder / OBJECTS).is_dir():
        yield _open_masks(folder, skip_missing)


def _images_of(folder: Path, subset: str) -> Path:
    """Find the images of a part of the export; each may have a folder of its own."""
    for place in (folder / 'images' / subset, folder / 'images'):
        if place.is_dir() and any(map(is_image, place.rglob('*'))):
            return place
    raise ValueError(WITHOUT_IMAGES)


def _with_drawn_masks(dataset: CocoDataset) -> CocoDataset:
    return replace(dataset, upright=True, images=tuple(
        replace(image, annotations=tuple(replace(annotation, is_crowd=False)
                                         for annotation in image.annotations))
        for image in dataset.images))


def _open_masks(folder: Path, skip_missing: bool) -> VocDataset:
    """Open the masks of all lists of images."""
    if not (folder / 'JPEGImages').is_dir():
        raise ValueError(WITHOUT_IMAGES)
    if not (folder / PALETTE_FILE).is_file():
        raise ValueError(f'{folder / PALETTE_FILE} must list the classes with their colours, as '
                         'CVAT writes it')
    objects = folder / OBJECTS
    names = [path.relative_to(objects).with_suffix('').as_posix()
             for path in sorted(objects.rglob('*.png'))]
    whole = VocDataset(tuple((folder, name) for name in names),
                       read_palette(folder / PALETTE_FILE), upright=True)
    kept = usable_indices(whole, names, folder, skip_missing)
    return replace(whole, entries=tuple(whole.entries[index] for index in kept))
