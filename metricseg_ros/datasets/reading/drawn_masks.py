# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks that labels give as outlines or pieces, drawn into one label map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
import warnings

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage, visible_instances
from metricseg_ros.datasets.reading.files import usable
from metricseg_ros.datasets.reading.masks import filled
from metricseg_ros.inputs.codec import read_image
from metricseg_ros.inputs.frame import DataWarning
import numpy as np

Mask = tuple[np.ndarray, int]
"""(H,W) bool, and the class id of the object; IGNORE_LABEL where it counts for nothing."""


@dataclass(frozen=True)
class DrawnDataset:
    """
    Images whose labels are drawn when they are asked for.

    :param paths: of the images, or of the files that label them.
    :param read: reads and draws one, from its path and the classes.
    """

    paths: tuple[Path, ...]
    classes: tuple[str, ...]
    read: Callable[[Path, tuple[str, ...]], LabelledImage]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> LabelledImage:
        return self.read(self.paths[index], self.classes)

    def usable(self, where: Path, skip_missing: bool) -> DrawnDataset:
        """
        Leave out the images that cannot be used, if they are to be left out.

        :param skip_missing: whether they are; else reading one raises.
        :raises ValueError: if there are no others.
        """
        names = [path.name for path in self.paths]
        kept = usable_indices(self, names, where, skip_missing)
        return replace(self, paths=tuple(self.paths[index] for index in kept))


def usable_indices(dataset: LabelledDataset, names: Sequence[str], where: Path,
                   skip_missing: bool) -> Sequence[int]:
    """
    Find the images of a data set that can be used, if others are to be left out.

    :param skip_missing: whether to leave the others out; else reading one raises.
    :raises ValueError: if there are none.
    """
    if not skip_missing:
        return range(len(dataset))

    def fault(index: int) -> str:
        try:
            dataset[index]
        except ValueError as error:
            return f'{names[index]}: {error}'
        return ''
    return usable(range(len(dataset)), fault, where, skip_missing)


def draw_masks(image: np.ndarray, masks: Iterable[Mask], background_known: bool,
               name: str) -> LabelledImage:
    """
    Draw masks into one label map, the smaller ones on top, what is ignored below all.

    :return: the image with its truth; objects that are hidden altogether are left out. Those that
        cover no pixel are told of.
    :raises ValueError: if there are more objects than labels.
    """
    ordered = sorted(masks, key=lambda mask: (mask[1] != IGNORE_LABEL, -np.count_nonzero(mask[0])))
    if len(ordered) >= IGNORE_LABEL:
        raise ValueError(f'an image may have {IGNORE_LABEL - 1} objects, got {len(ordered)}')
    if nothing := sum(not mask.any() for mask, _ in ordered):
        warnings.warn(f'{name}: {nothing} of {len(ordered)} objects cover no pixel: they lie '
                      'outside the image, or have no area', DataWarning, stacklevel=2)
    label_map, class_ids = np.zeros(image.shape[:2], np.uint16), [0]
    for mask, class_id in ordered:
        if class_id == IGNORE_LABEL:
            label_map[mask] = IGNORE_LABEL
        else:
            label_map[mask] = len(class_ids)
            class_ids.append(class_id)
    return visible_instances(LabelledImage(image, label_map, np.array(class_ids, np.uint16),
                                           background_known, name))


def draw_polygons(rings: Iterable[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """
    Fill outlines, as pycocotools fills COCO's.

    :param rings: (P,2) (x, y) each, where whole numbers are corners of pixels.
    :param size: (height, width) of the image.
    :return: (H,W) bool; empty where no ring has three corners.
    :raises ValueError: if a coordinate is no number.
    """
    flat = [np.asarray(ring, float) for ring in rings if len(ring) >= 3]
    if not all(np.isfinite(ring).all() for ring in flat):
        raise ValueError('corners must be numbers')
    if not flat:
        return np.zeros(size, bool)
    limits = np.array(size[::-1], float)
    return filled([np.clip(ring, -limits, 2 * limits).ravel().tolist() for ring in flat], size)


def read_sized(path: Path, size: tuple[int, int] | None, upright: bool = False) -> np.ndarray:
    """
    Read an image of which labels say how large it is.

    :param size: (height, width); None where they do not say.
    :param upright: whether they were drawn on the image as a viewer turns it, rather than on the
        pixels as they are stored; where the size says otherwise, that counts.
    :return: (H,W,3) uint8 RGB.
    :raises ValueError: if it is missing, or of another size.
    """
    for turned in (upright, not upright):
        image = read_image(path, turned)
        if size is None or image.shape[:2] == tuple(size):
            return image
    raise ValueError(f'image {path} must be of size {tuple(size)} as its labels say, got '
                     f'{image.shape[:2]}')
