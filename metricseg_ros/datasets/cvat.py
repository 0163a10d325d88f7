# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
CVAT's exports with images, as the zip file it gives or unpacked: COCO 1.0 and segmentation masks.

Of COCO, CVAT marks what was drawn with the brush as crowds; here these are objects. Of
segmentation masks, each colour of SegmentationObject is an object, and its class the colour that
most of its pixels have in SegmentationClass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
import zipfile

from metricseg_ros.datasets.coco import open_coco
from metricseg_ros.datasets.drawn_masks import read_sized, readable, SUFFIXES
from metricseg_ros.datasets.joined import joined
from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
from metricseg_ros.datasets.reading import found_in
import numpy as np

LARGEST = 64 << 30
"""Bytes that a zip file may unpack to."""

OBJECTS, CLASSES, LABELS = 'SegmentationObject', 'SegmentationClass', 'labelmap.txt'


@dataclass(frozen=True)
class MaskDataset:
    """
    Images with an image of objects and one of classes.

    :param paths: of the images of objects.
    :param images: of the photographs, in the same order.
    :param colours: colour of each class, as :func:`packed`.
    :param classes: names of the classes, without the background.
    :param unpacked: keeps the files, where they come from a zip file.
    """

    paths: tuple[Path, ...]
    images: tuple[Path, ...]
    colours: tuple[int, ...]
    classes: tuple[str, ...]
    unpacked: Any = field(default=None, compare=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def __getitem__(self, index: int) -> LabelledImage:
        """
        Read one image.

        :param index: from 0.
        :return: the image and its truth.
        :raises ValueError: where a file is missing or damaged, or has a colour of no class.
        """
        path = self.paths[index]
        objects, classes = packed(path), packed(path.parent.parent / CLASSES / path.name)
        if objects.shape != classes.shape:
            raise ValueError(f'{path} and its image of classes must be of one size, got '
                             f'{objects.shape} and {classes.shape}')
        image = read_sized(self.images[index], objects.shape)
        colours, label_map = np.unique(np.where(np.isin(classes, self.colours), objects, -1),
                                       return_inverse=True)
        label_map = label_map.reshape(objects.shape) + (colours[0] != -1)
        class_ids = [0]
        for label in range(1, int(label_map.max()) + 1):
            values, counts = np.unique(classes[label_map == label], return_counts=True)
            class_ids.append(self.colours.index(int(values[np.argmax(counts)])) + 1)
        return LabelledImage(image, label_map.astype(np.uint16), np.array(class_ids, np.uint16),
                             name=path.stem)


def packed(path: Path) -> np.ndarray:
    """
    Read an image of colours, of three channels or a palette.

    :param path: the PNG.
    :return: (H,W) int64, red, green and blue in a number.
    :raises ValueError: if it cannot be read.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            colours = np.array(image.convert('RGB'), np.int64)
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f'masks {path} cannot be read: {error}') from None
    return colours @ (1 << 16, 1 << 8, 1)


def open_cvat(path: Path, skip_missing: bool = False) -> LabelledDataset:
    """
    Open an export.

    :param path: the zip file, or the folder that it was unpacked to.
    :param skip_missing: whether to go on without images that cannot be used.
    :return: the data set. What is not labelled is background.
    :raises ValueError: if it is of neither kind, or was saved without images.
    """
    unpacked = None
    if path.is_file():
        unpacked = TemporaryDirectory(prefix='metricseg-cvat-')
        unpack(path, Path(unpacked.name))
    folder = Path(unpacked.name) if unpacked else path
    annotations = sorted((folder / 'annotations').glob('instances_*.json'))
    if annotations:
        parts = [_with_drawn_masks(open_coco(_images_of(folder), file, skip_missing))
                 for file in annotations]
        return replace(joined(parts), kept=unpacked)
    if (folder / OBJECTS).is_dir() and (folder / CLASSES).is_dir():
        whole = _open_masks(folder, unpacked)
        kept = readable(whole, whole.paths, folder, skip_missing)
        return replace(whole, paths=tuple(whole.paths[index] for index in kept),
                       images=tuple(whole.images[index] for index in kept))
    raise ValueError("cvat needs an export as 'COCO 1.0' (annotations/instances_*.json) or "
                     f"'Segmentation mask 1.1' ({OBJECTS}/), with images, got "
                     f'{found_in(folder)}')


def unpack(path: Path, folder: Path) -> None:
    """
    Unpack a zip file; names that lead out of the folder are bent back into it.

    :param path: the file.
    :param folder: where to.
    :raises ValueError: if it is no zip file, is damaged, or unreasonably large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if (size := sum(entry.file_size for entry in archive.infolist())) > LARGEST:
                raise ValueError(f'{path} would unpack to {size >> 30} GiB, more than '
                                 f'{LARGEST >> 30}: unpack it yourself and give the folder')
            archive.extractall(folder)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ValueError(f'{path} is no zip file that can be unpacked: {error}') from None


def _images_of(folder: Path) -> Path:
    places = [folder / 'images' / 'default', folder / 'images']
    found = next((place for place in places if place.is_dir() and any(
        item.suffix.lower() in SUFFIXES for item in place.rglob('*'))), None)
    if found is None:
        raise ValueError("the export has no images/: in CVAT's dialogue choose to save images")
    return found


def _with_drawn_masks(dataset: Any) -> Any:
    return replace(dataset, images=tuple(
        replace(image, annotations=tuple(replace(annotation, is_crowd=False)
                                         for annotation in image.annotations))
        for image in dataset.images))


def _open_masks(folder: Path, unpacked: Any) -> MaskDataset:
    colours, classes = _read_label_map(folder / LABELS)
    paths = tuple(sorted((folder / OBJECTS).rglob('*.png')))
    by_name = {item.stem: item for item in (folder / 'JPEGImages').rglob('*')
               if item.suffix.lower() in SUFFIXES}
    missing = [path.name for path in paths if path.stem not in by_name]
    if missing or not paths:
        raise ValueError(f'JPEGImages/ has no image for {missing[0] if missing else "any mask"}: '
                         "in CVAT's dialogue choose to save images")
    return MaskDataset(paths, tuple(by_name[path.stem] for path in paths), colours, classes,
                       unpacked)


def _read_label_map(path: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Read lines like `cup:128,0,64::`; what is called background is none."""
    colours, classes = [], []
    lines = path.read_text().splitlines() if path.is_file() else []
    for line in lines:
        name, _, rest = line.partition(':')
        if line.startswith('#') or not line.strip() or name == 'background':
            continue
        try:
            red, green, blue = (int(value) for value in rest.split(':')[0].split(','))
        except ValueError:
            raise ValueError(f'{path}: lines must be like cup:128,0,64::, got {line!r}') from None
        colours.append(red << 16 | green << 8 | blue)
        classes.append(name)
    if not classes:
        raise ValueError(f'{path} must list the classes with their colours, as CVAT writes it')
    return tuple(colours), tuple(classes)
