# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
labelme's folders: a JSON file of shapes for each image.

Polygons, rectangles, circles and masks are objects; shapes of one label and group_id are one
object. A shape named __ignore__ is ignored. An image without a JSON file is left out, one with an
empty list of shapes shows no object.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.drawn_masks import (
    draw_polygons,
    DrawnObject,
    ellipse,
    labelled,
    read_sized,
    readable,
)
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading import found_in, read_json
import numpy as np

SHAPES = ('polygon', 'rectangle', 'circle', 'mask')
IGNORED = '__ignore__'


@dataclass(frozen=True)
class LabelmeDataset:
    """
    Images with labelme's shapes.

    :param paths: of the JSON files.
    :param classes: names of the labels, by alphabet.
    """

    paths: tuple[Path, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def __getitem__(self, index: int) -> LabelledImage:
        """
        Read one image.

        :param index: from 0.
        :return: the image and its truth.
        :raises ValueError: where a file is missing or damaged, or a shape is none of these.
        """
        path = self.paths[index]
        content = read_labelme(path)
        size = (content.get('imageHeight'), content.get('imageWidth'))
        image_path = path.parent / str(content['imagePath']).replace('\\', '/')
        image = read_sized(image_path, size if None not in size else None)
        groups: dict[Any, list[Mapping[str, Any]]] = {}
        for number, shape in enumerate(content['shapes']):
            group = shape.get('group_id')
            groups.setdefault((shape['label'], number if group is None else f'group {group}'),
                              []).append(shape)
        masks = {key: np.any([_mask(path, shape, image.shape[:2]) for shape in shapes], axis=0)
                 for key, shapes in groups.items()}
        objects = [DrawnObject(key[0], mask) for key, mask in masks.items() if key[0] != IGNORED]
        sample = labelled(path, image, objects, self.classes, path.stem)
        label_map = sample.label_map.copy()
        for key, mask in masks.items():
            if key[0] == IGNORED:
                label_map[mask & (label_map == 0)] = IGNORE_LABEL
        return replace(sample, label_map=label_map)


def open_labelme(folder: Path, skip_missing: bool = False) -> LabelmeDataset:
    """
    Open a folder that labelme has written to.

    :param folder: of the JSON files; the images are where these say.
    :param skip_missing: whether to go on without images that cannot be used.
    :return: the data set.
    :raises ValueError: if there is no such file in it, or one is of another form.
    """
    paths = tuple(sorted(folder.glob('*.json'))) if folder.is_dir() else ()
    paths = tuple(path for path in paths if not path.name.startswith('.'))
    if not paths:
        raise ValueError(f'labelme needs a folder of JSON files, got {found_in(folder)}')
    names = {shape['label'] for path in paths for shape in read_labelme(path)['shapes']}
    whole = LabelmeDataset(paths, tuple(sorted(names - {IGNORED})) or ('object',))
    kept = readable(whole, paths, folder, skip_missing)
    return replace(whole, paths=tuple(paths[index] for index in kept))


def read_labelme(path: Path) -> dict[str, Any]:
    """
    Read one of labelme's files.

    :param path: the file.
    :return: its content.
    :raises ValueError: if it is of another form.
    """
    content = read_json(path)
    shapes = content.get('shapes') if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not isinstance(content.get('imagePath'), str):
        raise ValueError(f'{path} must be a file of labelme with shapes and imagePath')
    for shape in shapes:
        if not (isinstance(shape, dict) and isinstance(shape.get('label'), str)
                and isinstance(shape.get('points'), list)):
            raise ValueError(f'{path}: every shape must have a label and points, got {shape!r}')
    return content


def _mask(path: Path, shape: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
    kind = shape.get('shape_type', 'polygon')
    try:
        points = np.array(shape['points'], float).reshape(-1, 2)
        if kind == 'polygon':
            return draw_polygons([points], size)
        if kind in ('rectangle', 'circle') and len(points) == 2:
            if kind == 'circle':
                return ellipse(*points, size)
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            return draw_polygons([np.array([(left, top), (right, top), (right, bottom),
                                            (left, bottom)])], size)
        if kind == 'mask':
            return _pasted(shape['mask'], points, size)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f'{path}: the {kind} of a {shape["label"]!r} cannot be drawn: '
                         f'{error}') from None
    raise ValueError(f'{path}: shapes must be {", ".join(SHAPES)}, got a {kind} of a '
                     f'{shape["label"]!r}: it has no area')


def _pasted(text: str, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Put a mask, a PNG in base64, at its box."""
    crop = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_UNCHANGED)
    if crop is None or crop.ndim != 2:
        raise ValueError('mask must be a PNG of one channel in base64')
    mask = np.zeros(size, bool)
    left, top = np.rint(points[0]).astype(int)
    if left < 0 or top < 0:
        raise ValueError(f'its box begins outside the image, at {left}, {top}')
    window = mask[top:top + crop.shape[0], left:left + crop.shape[1]]
    window |= crop[:window.shape[0], :window.shape[1]].astype(bool)
    return mask
