# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
COCO's instance annotations: a folder of images and one JSON file.

Where masks overlap the smaller one is on top, as things lie on tables and not tables on things.
Crowds are ignored. Only the listed categories are labelled, so the background is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading import found_in, read_json, read_photograph
import numpy as np

NEEDED = {'images': {'id', 'file_name', 'height', 'width'}, 'categories': {'id', 'name'},
          'annotations': {'image_id', 'category_id', 'segmentation'}}


@dataclass(frozen=True)
class CocoDataset:
    """
    Images with COCO's annotations.

    :param folder: of the images.
    :param images: an entry of the JSON's `images` each.
    :param annotations: image id -> its annotations.
    :param class_ids: category id -> class id.
    :param classes: names of the categories, by their id.
    """

    folder: Path
    images: tuple[Mapping[str, Any], ...]
    annotations: Mapping[int, list[Mapping[str, Any]]]
    class_ids: Mapping[int, int]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> LabelledImage:
        """
        Read one image.

        :param index: from 0.
        :return: the image and its truth.
        :raises ValueError: where the file is missing, damaged or of another size, or an
            annotation cannot be drawn.
        """
        entry = self.images[index]
        path, size = self.folder / entry['file_name'], (entry['height'], entry['width'])
        image = read_photograph(path)
        if image.shape[:2] != size:
            raise ValueError(f'image {path} must be of size {size} as its annotations say, got '
                             f'{image.shape[:2]}')
        label_map, class_ids = self._draw(entry, size)
        return LabelledImage(image, label_map, class_ids, False, Path(entry['file_name']).stem)

    def _draw(self, entry: Mapping[str, Any],
              size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        drawn = [(annotation, draw_mask(annotation, size))
                 for annotation in self.annotations.get(entry['id'], [])]
        # Crowds lie below everything, then the largest masks.
        drawn.sort(key=lambda pair: (not pair[0].get('iscrowd'), -np.count_nonzero(pair[1])))
        label_map, class_ids = np.zeros(size, np.uint16), [0]
        for annotation, mask in drawn:
            if annotation.get('iscrowd'):
                label_map[mask] = IGNORE_LABEL
            else:
                label_map[mask] = len(class_ids)
                class_ids.append(self.class_ids[annotation['category_id']])
        return _without_hidden(label_map, np.array(class_ids, np.uint16))


def _without_hidden(label_map: np.ndarray,
                    class_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out instances that have no visible pixel."""
    seen = np.zeros(IGNORE_LABEL + 1, bool)
    seen[0] = True
    seen[np.unique(label_map)] = True
    numbers = np.cumsum(seen) - 1
    numbers[IGNORE_LABEL] = IGNORE_LABEL
    return numbers[label_map].astype(np.uint16), class_ids[seen[:len(class_ids)]]


def draw_mask(annotation: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
    """
    Draw an annotation's polygons or run-length code.

    :param annotation: with `segmentation`.
    :param size: (height, width) of the image.
    :return: (height,width) bool.
    :raises ValueError: if it is neither, or for an image of another size.
    """
    from pycocotools import mask as coder

    code = annotation['segmentation']
    try:
        if isinstance(code, list):
            rings = [ring for ring in code if len(ring) >= 6]
            if not rings:
                return np.zeros(size, bool)
            code = coder.merge(coder.frPyObjects(rings, *size))
        elif isinstance(code['counts'], list):
            code = coder.frPyObjects(code, *size)
        mask = coder.decode(code).astype(bool)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f'annotation {annotation.get("id")} of image {annotation["image_id"]} '
                         f'must have polygons or a run-length code, got {error!r}') from None
    if mask.shape != size:
        raise ValueError(f'annotation {annotation.get("id")} of image {annotation["image_id"]} '
                         f'must be of the size {size} of its image, got {mask.shape}')
    return mask


def open_coco(folder: Path, path: Path) -> CocoDataset:
    """
    Open a set with COCO's annotations.

    :param folder: of the images.
    :param path: of the JSON file, as instances_val2017.json.
    :return: the data set; images without annotations are in it.
    :raises ValueError: where the folder is none or the file is of another form.
    """
    if not folder.is_dir():
        raise ValueError(f'coco needs the folder of the images, got {found_in(folder)}')
    content = read_json(path)
    _check(content, path)
    categories = sorted(content['categories'], key=lambda category: category['id'])
    class_ids = {category['id']: index for index, category in enumerate(categories, start=1)}
    annotations = defaultdict(list)
    for annotation in content['annotations']:
        if annotation['category_id'] not in class_ids:
            raise ValueError(f'{path}: annotation {annotation.get("id")} has category_id '
                             f'{annotation["category_id"]}, which categories does not list')
        annotations[annotation['image_id']].append(annotation)
    names = tuple(category['name'] for category in categories)
    return CocoDataset(folder, tuple(content['images']), dict(annotations), class_ids, names)


def _check(content: Any, path: Path) -> None:
    for part, keys in NEEDED.items():
        if not isinstance(content, dict) or not isinstance(content.get(part), list):
            kind = ', '.join(list(content)[:6]) if isinstance(content, dict) else type(content)
            raise ValueError(f'{path} must hold the lists {", ".join(NEEDED)}, as COCO\'s '
                             f'instances_*.json do, got {kind} without {part}')
        for entry in content[part]:
            if missing := keys - entry.keys():
                raise ValueError(f'{path}: every entry of {part} must have '
                                 f'{", ".join(sorted(keys))}, got one without '
                                 f'{", ".join(sorted(missing))}')
    if not content['images']:
        raise ValueError(f'{path} must list at least one image')
