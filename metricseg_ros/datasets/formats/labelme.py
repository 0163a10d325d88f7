# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
labelme's folders: a JSON file of shapes for each image.

Polygons, rectangles of any kind, circles and masks are objects; shapes of one label and group_id
are one object, and points and lines, which have no area, are none. A shape named __ignore__ is
ignored. An image without a JSON file is left out, one with an empty list of shapes shows no
object. Shapes lie on the image turned as its EXIF data say.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
import warnings

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.formats.folder_dataset import ONE_CLASS
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading.drawn_masks import (
    draw_masks,
    draw_polygons,
    DrawnDataset,
    read_sized,
)
from metricseg_ros.datasets.reading.files import (
    describe_folder,
    find_file,
    read_json,
    to_int,
    usable,
)
from metricseg_ros.datasets.reading.masks import CORNERS, FARTHEST
from metricseg_ros.inputs.codec import decode, decode_image
from metricseg_ros.inputs.frame import DataWarning
import numpy as np

OUTLINES = ('polygon', 'oriented_rectangle', 'rotation')
SHAPES = (*OUTLINES, 'rectangle', 'circle', 'mask')
BARE = ('point', 'points', 'line', 'linestrip')
"""Shapes with an area, the last of OUTLINES by X-AnyLabeling, and shapes without."""

RECTANGLE = 4
"""Points of a rectangle, for which labelme writes two, opposite ones."""

IGNORED = '__ignore__'


def open_labelme(folder: Path, skip_missing: bool = False) -> DrawnDataset:
    """
    Open a folder that labelme has written to.

    :param folder: of the JSON files; the images are where these say.
    :return: the data set, its classes by alphabet.
    :raises ValueError: if there is no such file in it, or one is of another form.
    """
    paths = tuple(sorted(folder.glob('*.json'))) if folder.is_dir() else ()
    paths = tuple(path for path in paths if not path.name.startswith('.'))
    if not paths:
        raise ValueError(f'labelme needs a folder of JSON files, got {describe_folder(folder)}')
    contents: dict[Path, dict[str, Any]] = {}
    images: Counter[str] = Counter()

    def fault(path: Path) -> str:
        try:
            contents[path] = read_labelme(path)
        except ValueError as error:
            return str(error)
        images[contents[path]['imagePath']] += 1
        return ''
    paths = tuple(usable(paths, fault, folder, skip_missing))
    paths = tuple(usable(paths, lambda path: f'{path.name} and another are of one image' if images[
        contents[path]['imagePath']] > 1 else '', folder, skip_missing))
    shapes = [shape for path in paths for shape in contents[path]['shapes']]
    _tell_bare(sum(_kind(shape) in BARE for shape in shapes), len(shapes), folder)
    names = {shape['label'] for shape in shapes if _kind(shape) not in BARE}
    classes = tuple(sorted(names - {IGNORED})) or ONE_CLASS
    return DrawnDataset(paths, classes, read_image).usable(folder, skip_missing)


def _kind(shape: Mapping[str, Any]) -> Any:
    return shape.get('shape_type') or 'polygon'


def _tell_bare(count: int, total: int, folder: Path) -> None:
    """Warn of shapes without an area, and refuse a folder of these alone."""
    if not count:
        return
    text = f'{count} of {total} shapes in {folder} are points or lines, which have no area'
    if count == total:
        raise ValueError(f'{text}: draw {", ".join(SHAPES)}')
    warnings.warn(f'{text}: left out', DataWarning, stacklevel=3)


def read_image(path: Path, classes: tuple[str, ...]) -> LabelledImage:
    """
    Read an image with its shapes.

    :return: the image and its truth.
    :raises ValueError: where a file is missing or damaged, or a shape has no area.
    """
    content = read_labelme(path)
    size = tuple(content.get(key) for key in ('imageHeight', 'imageWidth'))
    if None not in size:
        size = tuple(to_int(side, f'{path}: imageHeight and imageWidth') for side in size)
    image = _image(path, content, None if None in size else size)
    groups: dict[tuple[str, str], list[np.ndarray]] = {}
    for index, shape in enumerate(content['shapes']):
        if _kind(shape) in BARE:
            continue
        group = shape.get('group_id')
        key = shape['label'], f'shape {index}' if group is None else f'group {group}'
        groups.setdefault(key, []).append(_mask(path, shape, image.shape[:2]))
    masks = [(np.any(parts, axis=0),
              IGNORE_LABEL if name == IGNORED else classes.index(name) + 1)
             for (name, _), parts in groups.items()]
    return draw_masks(image, masks, True, path.stem)


def _image(path: Path, content: Mapping[str, Any], size: tuple[int, int] | None) -> np.ndarray:
    """Read the image, or else the copy of it in the JSON file."""
    image_path = find_file(path.parent, content['imagePath'])
    if image_path is not None:
        return read_sized(image_path, size, upright=True)
    copy = content.get('imageData')
    if not isinstance(copy, str):
        raise ValueError(f'{path}: its image {content["imagePath"]:.80} is not there')
    try:
        image = decode_image(base64.b64decode(copy), f'{path}: imageData')
    except binascii.Error as error:
        raise ValueError(f'{path}: imageData is damaged: {error}') from None
    if size not in (None, image.shape[:2]):
        raise ValueError(f'{path}: imageData must be of size {size}, got {image.shape[:2]}')
    return image


def read_labelme(path: Path) -> dict[str, Any]:
    """
    Read one of labelme's files.

    :raises ValueError: if it is of another form.
    """
    content = read_json(path)
    shapes = content.get('shapes') if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not isinstance(content.get('imagePath'), str):
        raise ValueError(f'{path} must be a file of labelme with shapes and imagePath')
    for shape in shapes:
        label = shape.get('label') if isinstance(shape, dict) else None
        if not (isinstance(label, str) and label.strip()
                and isinstance(shape.get('points'), list)):
            raise ValueError(f'{path}: every shape must have a text as label, and points, got '
                             f'{shape!r:.80}')
        shape['label'] = label.strip()
    return content


def _mask(path: Path, shape: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
    kind = _kind(shape)
    try:
        points = np.array(shape['points'], float).reshape(-1, 2)
        if not (np.abs(points) <= FARTHEST * max(size)).all():  # Written so that NaN is none.
            raise ValueError(f'its points must be near the image of size {size}')
        if kind in OUTLINES and len(points) < CORNERS:
            raise ValueError(f'it must have {CORNERS} points or more, got {len(points)}')
        if kind in OUTLINES or (kind == 'rectangle' and len(points) == RECTANGLE):
            return draw_polygons([points], size)
        if kind in ('rectangle', 'circle') and len(points) == 2:
            if kind == 'circle':
                return _disc(*points, size)
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            return draw_polygons([np.array([(left, top), (right, top), (right, bottom),
                                            (left, bottom)])], size)
        if kind == 'mask':
            return _pasted(shape['mask'], points, size)
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise ValueError(f'{path}: the {kind!s:.40} of a {shape["label"]!r} cannot be drawn: '
                         f'{error}') from None
    raise ValueError(f'{path}: shapes must be {", ".join(SHAPES)}, got a {kind!s:.40} of a '
                     f'{shape["label"]!r} with {len(points)} points')


def _disc(centre: np.ndarray, edge: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Fill a circle around a point (x, y) that goes through another one."""
    canvas = np.zeros(size, np.uint8)
    radius = round(float(np.hypot(*(edge - centre))))
    cv2.circle(canvas, tuple(int(round(value)) for value in centre), radius, 1, cv2.FILLED)
    return canvas.astype(bool)


def _pasted(text: str, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Put a mask, a PNG in base64, at its box."""
    crop = decode(base64.b64decode(text), cv2.IMREAD_UNCHANGED)
    if crop is None or crop.ndim != 2:
        raise ValueError('mask must be a PNG of one channel in base64')
    mask = np.zeros(size, bool)
    left, top = np.rint(points[0]).astype(int)
    crop = crop[max(0, -top):, max(0, -left):]  # It may begin outside the image.
    window = mask[max(0, top):, max(0, left):][:crop.shape[0], :crop.shape[1]]
    window |= crop[:window.shape[0], :window.shape[1]].astype(bool)
    return mask
