# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks that label programs give as outlines or pieces, drawn into one label map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
from metricseg_ros.datasets.reading import read_photograph, usable
import numpy as np

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


@dataclass(frozen=True)
class DrawnObject:
    """
    One object of an image.

    :param class_name: its class.
    :param mask: (H,W) bool.
    """

    class_name: str
    mask: np.ndarray


def draw_polygons(rings: Iterable[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """
    Fill outlines, as pycocotools fills COCO's.

    :param rings: (P,2) (x, y) each, where whole numbers are corners of pixels.
    :param size: (height, width) of the image.
    :return: (H,W) bool; empty where no ring has three corners.
    :raises ValueError: if a coordinate is no number.
    """
    from pycocotools import mask as coder

    flat = [np.asarray(ring, float) for ring in rings if len(ring) >= 3]
    if not all(np.isfinite(ring).all() for ring in flat):
        raise ValueError('corners must be numbers')
    if not flat:
        return np.zeros(size, bool)
    limits = np.array(size[::-1], float)
    clipped = [np.clip(ring, -limits, 2 * limits).ravel().tolist() for ring in flat]
    return coder.decode(coder.merge(coder.frPyObjects(clipped, *size))).astype(bool)


def labelled(path: Path, image: np.ndarray, objects: Sequence[DrawnObject],
             classes: Sequence[str], name: str) -> LabelledImage:
    """
    Put objects into one label map, the smaller ones on top.

    :param path: of the image, for messages.
    :param image: (H,W,3) uint8 RGB.
    :param objects: its objects.
    :param classes: names of the classes.
    :param name: of the image.
    :return: the image with its truth; objects that are hidden altogether are left out.
    :raises ValueError: if there are more objects than labels.
    """
    if len(objects) >= IGNORE_LABEL:
        raise ValueError(f'{path} has {len(objects)} objects, more than {IGNORE_LABEL - 1}')
    ordered = sorted(objects, key=lambda item: -np.count_nonzero(item.mask))
    label_map, class_ids = np.zeros(image.shape[:2], np.uint16), [0]
    for item in ordered:
        if item.mask.any():
            label_map[item.mask] = len(class_ids)
            class_ids.append(classes.index(item.class_name) + 1)
    seen = [label for label in range(len(class_ids)) if label == 0 or (label_map == label).any()]
    numbers = np.zeros(len(class_ids), np.uint16)
    numbers[seen] = np.arange(len(seen))
    return LabelledImage(image, numbers[label_map], np.array(class_ids, np.uint16)[seen],
                         name=name)


def read_sized(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """
    Read an image of which labels say how large it is.

    :param path: the file.
    :param size: (height, width); None where they do not say.
    :return: (H,W,3) uint8 RGB.
    :raises ValueError: if it is missing, or of another size.
    """
    image = read_photograph(path)
    if size is not None and image.shape[:2] != tuple(size):
        raise ValueError(f'image {path} must be of size {tuple(size)} as its labels say, got '
                         f'{image.shape[:2]}')
    return image


def readable(dataset: LabelledDataset, names: Sequence[Path], where: Path,
             skip_missing: bool) -> Sequence[int]:
    """
    Find the images of a data set that can be used, if others are to be left out.

    :param dataset: the data set.
    :param names: of each image, for the message.
    :param where: the data set, for the message.
    :param skip_missing: whether to leave the others out; else reading one raises.
    :return: indices of the images.
    :raises ValueError: if there are none.
    """
    if not skip_missing:
        return range(len(dataset))

    def fault(index: int) -> str:
        try:
            dataset[index]
        except ValueError as error:
            return f'{names[index].name}: {error}'
        return ''
    return usable(range(len(dataset)), fault, where, skip_missing)


def ellipse(centre: np.ndarray, edge: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """
    Fill a circle.

    :param centre: (2,) (x, y).
    :param edge: (2,) (x, y) of a point on it.
    :param size: (height, width) of the image.
    :return: (H,W) bool.
    """
    canvas = np.zeros(size, np.uint8)
    radius = round(float(np.hypot(*(edge - centre))))
    cv2.circle(canvas, tuple(int(round(value)) for value in centre), radius, 1, cv2.FILLED)
    return canvas.astype(bool)
