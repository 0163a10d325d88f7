# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
COCO's instance annotations: a folder of images and one JSON file.

Where masks overlap the smaller one is on top, as things lie on tables and not tables on things.
Crowds are ignored. Only the listed categories are labelled, so the background is unknown.

Everything that can be known of the file is checked when it is opened. Numbers may be texts, and
names of images may be those of another machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
import warnings

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading.drawn_masks import draw_masks, read_sized
from metricseg_ros.datasets.reading.files import (
    describe_folder,
    find_file,
    read_json,
    SHOWN,
    to_int,
    usable,
)
from metricseg_ros.datasets.reading.masks import is_in_shares, mask_of
from metricseg_ros.inputs.frame import DataWarning

NEEDED = {'images': {'id', 'height', 'width'}, 'categories': {'id', 'name'},
          'annotations': {'image_id', 'category_id'}}


@dataclass(frozen=True)
class CocoAnnotation:
    """
    An object of an image.

    :param segmentation: polygons or a run-length code, as COCO has them.
    :param class_id: its class.
    :param is_crowd: whether it is many objects that are not told apart.
    """

    segmentation: Any
    class_id: int
    is_crowd: bool


@dataclass(frozen=True)
class CocoImage:
    """
    An image with its objects.

    :param path: where it is; None where it is not.
    :param name: what the file calls it.
    :param size: (height, width).
    :param annotations: its objects.
    :param fault: what is wrong with an annotation; empty if nothing is.
    """

    path: Path | None
    name: str
    size: tuple[int, int]
    annotations: tuple[CocoAnnotation, ...]
    fault: str = ''


@dataclass(frozen=True)
class CocoDataset:
    """
    Images with COCO's annotations.

    :param images: in the order of the file.
    :param classes: names of the categories, by their id.
    :param upright: whether images are turned as their EXIF data say.
    """

    images: tuple[CocoImage, ...]
    classes: tuple[str, ...]
    upright: bool = False

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> LabelledImage:
        entry = self.images[index]
        image = read_sized(entry.path, entry.size, self.upright)
        masks = [(mask_of(annotation.segmentation, entry.size),
                  IGNORE_LABEL if annotation.is_crowd else annotation.class_id)
                 for annotation in entry.annotations]
        return draw_masks(image, masks, False, entry.path.stem)


BARE = ('have no mask',
        'segmentation must hold polygons [x, y, x, y, x, y] of three corners or more, or a '
        "run-length code; a box is no mask (CVAT's export Segmentation mask fills boxes, turned "
        'ones as well)')
SHARES = ('have corners from 0 to 1 only, as shares of the image', 'COCO counts in pixels: '
          'multiply x by the width of the image and y by its height')
"""What annotations may all be wrong in, and what they must be."""


def open_coco(folder: Path, path: Path, skip_missing: bool = False) -> CocoDataset:
    """
    Open a set with COCO's annotations.

    :param path: of the JSON file, as instances_val2017.json.
    :param skip_missing: whether to go on without images that are missing, or have an annotation
        that cannot be drawn.
    :return: the data set; images without annotations are in it.
    :raises ValueError: where the folder is none, the file is of another form, or an image cannot
        be used.
    """
    if not folder.is_dir():
        raise ValueError(f'coco needs the folder of the images, got {describe_folder(folder)}')
    content = read_json(path)
    _check(content, path)
    categories = sorted(_by_id(content['categories'], path, 'categories').items(),
                        key=lambda pair: (isinstance(pair[0], str), pair[0]))
    names = [_name_of(category, path) for _, category in categories]
    classes = tuple(dict.fromkeys(names))  # Categories of one name are one class.
    class_ids = {key: classes.index(name) + 1 for (key, _), name in zip(categories, names)}
    annotations = _by_image(content, class_ids, path)
    bare: list[str] = []
    shares: list[str] = []  # Those whose corners are shares of the image.
    try:
        images = [_image(entry, folder, annotations.get(key, []), class_ids, bare, shares)
                  for key, entry in _by_id(content['images'], path, 'images').items()]
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    total = sum(map(len, annotations.values()))
    _warn_of(bare, total, path, *BARE)
    _warn_of(shares, total, path, *SHARES)
    taken = Counter(image.path for image in images)

    def fault(image: CocoImage) -> str:
        if image.path is None:
            return f'{image.name:.80} is not in {folder}'
        if taken[image.path] > 1:
            return f'{image.name} and another are {image.path.name}'
        return image.fault
    return CocoDataset(tuple(usable(images, fault, path, skip_missing)), classes)


def _name_of(category: Mapping[str, Any], path: Path) -> str:
    name = category['name']
    if isinstance(name, bool) or not isinstance(name, (str, int, float)) or not str(name).strip():
        raise ValueError(f'{path}: category {category["id"]!r:.40} must have a text as name, got '
                         f'{name!r:.40}')
    return str(name).strip()


def _check(content: Any, path: Path) -> None:
    for part, keys in NEEDED.items():
        if not isinstance(content, dict) or not isinstance(content.get(part), list):
            kind = ', '.join(list(content)[:6]) if isinstance(content, dict) else type(content)
            raise ValueError(f'{path} must hold the lists {", ".join(NEEDED)}, as COCO\'s '
                             f'instances_*.json do, got {kind} without {part}')
        for entry in content[part]:
            missing = keys - entry.keys() if isinstance(entry, dict) else keys
            if missing:
                raise ValueError(f'{path}: every entry of {part} must have '
                                 f'{", ".join(sorted(keys))}, got one without '
                                 f'{", ".join(sorted(missing))}')
    if not content['images']:
        raise ValueError(f'{path} must list at least one image')


def _key(value: Any, what: str) -> int | str:
    """Read an id: a number, whatever it is written as, or else a text."""
    try:
        return to_int(value, what)
    except ValueError:
        if isinstance(value, str):
            return value
        raise


def _by_id(entries: list[Any], path: Path, part: str) -> dict[int | str, Mapping[str, Any]]:
    found: dict[int | str, Mapping[str, Any]] = {}
    for entry in entries:
        key = _key(entry['id'], f'id of one of {part}')
        if key in found:
            raise ValueError(f'two of {part} have the id {key!r:.40}')
        found[key] = entry
    return found


def _by_image(content: Any, class_ids: Mapping[int | str, int],
              path: Path) -> dict[int | str, list[Mapping[str, Any]]]:
    """Sort annotations by image; warn of those of no image."""
    known = {_key(entry['id'], f'{path}: id of one of images') for entry in content['images']}
    found: dict[int | str, list[Mapping[str, Any]]] = {}
    lost = []
    for annotation in content['annotations']:
        where = f'{path}: annotation {annotation.get("id")!r:.40}'
        if _key(annotation['category_id'], f'{where}: category_id') not in class_ids:
            raise ValueError(f'{where} has category_id {annotation["category_id"]!r:.40}, which '
                             'categories does not list')
        key = _key(annotation['image_id'], f'{where}: image_id')
        if key in known:
            found.setdefault(key, []).append(annotation)
        else:
            lost.append(f'{annotation.get("id")!r:.40} (image {key!r:.40})')
    if lost:
        more = f' and {len(lost) - SHOWN} more' if len(lost) > SHOWN else ''
        text = (f'{path}: {len(lost)} of {len(content["annotations"])} annotations are of no '
                f'image that it lists: {", ".join(lost[:SHOWN])}{more}')
        if not found:
            raise ValueError(text)
        warnings.warn(text, DataWarning, stacklevel=2)
    return found


def _image(entry: Mapping[str, Any], folder: Path, annotations: list[Mapping[str, Any]],
           class_ids: Mapping[int | str, int], bare: list[str],
           shares: list[str]) -> CocoImage:
    """Read an image's entry; add annotations without a mask to `bare`, odd ones to `shares`."""
    name = entry.get('file_name') or entry.get('coco_url')  # LVIS has the second alone.
    where = f'image {entry["id"]!r:.40}'
    if not isinstance(name, str):
        raise ValueError(f'{where} must have a file_name, got {name!r:.40}')
    size = to_int(entry['height'], f'height of {where}'), to_int(entry['width'],
                                                                 f'width of {where}')
    if min(size) < 1:
        raise ValueError(f'{where} must have a size, got {size}')
    kept, faults = [], []
    for annotation in annotations:
        what = f'annotation {annotation.get("id")!r:.40} of {where} ({name:.80})'
        try:
            crowd = bool(to_int(annotation.get('iscrowd') or 0, 'iscrowd'))
            if mask_of(annotation.get('segmentation'), size, draw=False) is None:
                bare.append(what)
                continue
            if is_in_shares(annotation['segmentation'], size):
                shares.append(what)
        except ValueError as error:
            faults.append(f'{what} {error}')
            continue
        kept.append(CocoAnnotation(annotation['segmentation'],
                                   class_ids[_key(annotation['category_id'], what)], crowd))
    return CocoImage(find_file(folder, name), name, size, tuple(kept), '; '.join(faults[:1]))


def _warn_of(found: list[str], total: int, path: Path, what: str, remedy: str) -> None:
    """Warn of annotations in which something is wrong, and refuse a file in which it is in all."""
    if not found:
        return
    more = f' and {len(found) - SHOWN} more' if len(found) > SHOWN else ''
    text = f'{path}: {len(found)} of {total} annotations {what}: {", ".join(found[:SHOWN])}{more}'
    if len(found) == total:
        raise ValueError(f'{text}: {remedy}')
    warnings.warn(f'{text}: {remedy}', DataWarning, stacklevel=2)
