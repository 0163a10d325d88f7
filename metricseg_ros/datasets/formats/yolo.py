# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Ultralytics' segmentation data: data.yaml, images/ and, with the same names, labels/*.txt.

A line of a label file is a class number and the corners of an outline, in shares of the image's
width and height, turned as its EXIF data say. An image without a file, or with an empty one, shows
no object. Files of boxes are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
import os
from pathlib import Path
import re
from typing import Any
import warnings

from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading.drawn_masks import draw_masks, draw_polygons, DrawnDataset
from metricseg_ros.datasets.reading.files import (
    describe_folder,
    read_names,
    read_text,
    to_int,
    usable,
)
from metricseg_ros.inputs import codec
from metricseg_ros.inputs.frame import DataWarning
import numpy as np

SPLITS = ('train', 'val', 'valid', 'test')
CLASSES_FILE = 'classes.txt'
"""What label programs put among the label files."""

BOX = 5
"""Numbers in the line of a box."""

FARTHEST = 2.0
"""Sizes of the image by which a corner may lie beside its first pixel; farther out are pixels."""


def label_path_of(image: Path) -> Path:
    """
    Find the label file of an image, as Ultralytics does.

    :return: the last folder named images exchanged for labels, and the suffix for .txt.
    """
    parts = list(image.with_suffix('.txt').parts)
    places = [index for index, part in enumerate(parts[:-1]) if part == 'images']
    if places:
        parts[places[-1]] = 'labels'
    return Path(*parts)


def open_yolo(folder: Path, skip_missing: bool = False) -> DrawnDataset:
    """
    Open a data set in the form of Ultralytics' segmentation data.

    :return: the data set, with the images of all its splits.
    :raises ValueError: if there is no data.yaml, or what it names is not there.
    """
    content = read_data_yaml(folder)
    names = content.get('names')
    if isinstance(names, Mapping):
        numbers = {to_int(key, f'data.yaml of {folder}: a class'): key for key in names}
        if sorted(numbers) != list(range(len(numbers))):
            raise ValueError(f'data.yaml of {folder} must number its {len(numbers)} names from 0 '
                             f'on, without a gap, got {sorted(numbers)}')
        names = [names[numbers[key]] for key in sorted(numbers)]
    if not isinstance(names, list) or not names:
        raise ValueError(f'data.yaml of {folder} must list the names of the classes, got '
                         f'{names!r}')
    if wrong := [name for name in names if name is None or isinstance(name, bool)]:
        raise ValueError(f'data.yaml of {folder} must have texts as names, got {wrong[0]}: put '
                         'them into quotes, as "yes"')
    classes = tuple(map(str, names))
    if 'kpt_shape' in content:
        raise ValueError(f'data.yaml of {folder} has kpt_shape: these are labels of poses, and '
                         'masks are needed (a class and at least three corners)')
    paths = [path for split in SPLITS for entry in _listed(content.get(split))
             for path in _images(folder, content, entry)]
    if not paths:
        raise ValueError(f'data.yaml of {folder} must name folders of images as train, val or '
                         f'test; there are none: {describe_folder(folder)}')
    if not any(label_path_of(path).is_file() for path in paths):
        raise ValueError(f'{folder} has no labels: those of {paths[0]} would be '
                         f'{label_path_of(paths[0])}')
    paths = list(dict.fromkeys(paths))
    taken = Counter(map(label_path_of, paths))

    def fault(path: Path) -> str:
        if not path.is_file():
            return f'{path} is not there'
        return f'{path} and another have one label file' if taken[label_path_of(path)] > 1 else ''
    kept = usable(paths, fault, folder, skip_missing)
    _warn_of_orphans(folder, taken)
    return DrawnDataset(tuple(kept), classes, read_image).usable(folder, skip_missing)


def _warn_of_orphans(folder: Path, taken: Collection[Path]) -> None:
    """Tell of label files without an image."""
    orphans = sorted(path for place in {path.parent for path in taken} for path in
                     place.glob('*.txt') if path not in taken and path.name != CLASSES_FILE)
    if orphans:
        warnings.warn(f'{len(orphans)} label files of {folder} have no image, such as '
                      f'{orphans[0]}', DataWarning, stacklevel=3)


def read_image(path: Path, classes: tuple[str, ...]) -> LabelledImage:
    """
    Read an image with its outlines.

    :param classes: names of the classes, by number.
    :return: the image and its truth.
    :raises ValueError: where a file is damaged, or has boxes.
    """
    image, label_path = codec.read_image(path), label_path_of(path)
    lines = read_text(label_path).splitlines() if label_path.is_file() else []
    outlines = [_outline(f'line {index} of {label_path}', line, len(classes))
                for index, line in enumerate(lines, start=1) if line.strip()]
    size = image.shape[:2]
    masks = [(draw_polygons([corners * size[::-1]], size), class_id)
             for corners, class_id in outlines]
    return draw_masks(image, masks, True, path.stem)


def _outline(where: str, line: str, class_count: int) -> tuple[np.ndarray, int]:
    """Read a line: (P,2) corners (x, y) in shares of the image, and the class id."""
    try:
        values = np.array(line.split(), float)
    except ValueError:
        raise ValueError(f'{where} must be numbers, got {line[:60]!r}') from None
    if len(values) == BOX:
        raise ValueError(f'{where} is a box: these are labels for detection, and masks are needed '
                         '(a class and at least three corners)')
    if len(values) < 7 or len(values) % 2 == 0:
        raise ValueError(f'{where} must be a class and at least three corners, got {len(values)} '
                         'numbers')
    if values[0] not in range(class_count):
        raise ValueError(f'{where} is of class {values[0]:g}, data.yaml names {class_count}')
    if not (np.abs(values[1:]) <= FARTHEST).all():  # Written so that NaN is none.
        raise ValueError(f"{where}: corners must be shares of the image's width and height, from "
                         f'0 to 1, got {values[1:][~(np.abs(values[1:]) <= FARTHEST)][0]:g}')
    return values[1:].reshape(-1, 2), int(values[0]) + 1


def read_data_yaml(folder: Path) -> dict[str, Any]:
    """
    Read the description of a data set.

    :param folder: that holds data.yaml, or another .yaml alone.
    :raises ValueError: if there is none.
    """
    import yaml

    files = sorted(folder.glob('*.y*ml')) if folder.is_dir() else []
    path = folder / 'data.yaml' if folder / 'data.yaml' in files or len(files) != 1 else files[0]
    if not path.is_file():
        raise ValueError(f'yolo needs a folder with data.yaml, got {describe_folder(folder)}')
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ValueError(f'{path} is no YAML: {" ".join(str(error).split())}') from None
    if not isinstance(content, dict):
        raise ValueError(f'{path} must say names and train, got {content!r:.60}')
    return content


def _listed(entry: Any) -> list[str]:
    return [str(item) for item in entry] if isinstance(entry, list) else [str(entry)] * bool(entry)


def _images(folder: Path, content: Mapping[str, Any], entry: str) -> Iterator[Path]:
    """Yield the images of an entry, which may be called by its place on another machine."""
    parts = [part for part in re.split(r'[\\/]', entry) if part not in ('', '.', '..')]
    for place in (folder / str(content.get('path') or '') / entry,
                  *(folder.joinpath(*parts[start:]) for start in range(max(1, len(parts) - 1)))):
        if os.path.isdir(place):
            yield from sorted(path for path in place.rglob('*') if codec.is_image(path)
                              and not path.name.startswith('.'))
            return
        if os.path.isfile(place):
            yield from ((place.parent / name).resolve() for name in read_names(place))
            return
    warnings.warn(f'data.yaml of {folder} names {entry}, which is not there', DataWarning,
                  stacklevel=2)
