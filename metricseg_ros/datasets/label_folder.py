# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read and write the plain folder format: images/NAME.jpg and labels/NAME.png."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import difflib
from pathlib import Path
from typing import Any
import warnings

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.reading.files import (
    read_json,
    read_labels,
    read_photograph,
    usable,
)
from metricseg_ros.inputs.codec import is_image, write_image
from metricseg_ros.inputs.frame import DataWarning
from metricseg_ros.inputs.other_files import unread_files
import numpy as np

META = ('ignore_label', 'partial_labels')
NEARLY = 0.8
"""What meta.json may say, and how similar a word is that was meant to be one of them."""

VOID = 255
"""What 8-bit label maps of others hold at the rims of objects."""


@dataclass(frozen=True)
class LabelFolder:
    """
    List images with label maps: 0 background, 1..N instances, 65535 ignored.

    :param root: the folder that holds images/ and labels/.
    :param images: name -> image, by name; a name is that of the file without suffix.
    :param ignore_label: another label that counts for nothing, such as 255; None for none.
    """

    root: Path
    images: Mapping[str, Path]
    labels: Mapping[str, Path]
    ignore_label: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names of the images."""
        return tuple(self.images)

    def __len__(self) -> int:
        return len(self.images)

    def read(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """
        Read one image and its label map.

        :return: (H,W,3) uint8 RGB and (H,W) uint16.
        :raises ValueError: where a file cannot be read or the two do not fit together.
        """
        image, path = read_photograph(self.images[name]), self.labels[name]
        labels = read_labels(path)
        if labels.shape != image.shape[:2]:
            raise ValueError(f'labels {path} must have the size of the image, {image.shape[:2]}, '
                             f'got {labels.shape}')
        if self.ignore_label is not None:
            labels[labels == self.ignore_label] = IGNORE_LABEL
        elif _looks_void(labels):
            warnings.warn(f'label maps of {self.root} hold {VOID}, and no label just below, as an '
                          'object: if it is the rim of others, write {"ignore_label": '
                          f'{VOID}}} into meta.json', DataWarning, stacklevel=2)
        return image, labels


def _looks_void(labels: np.ndarray) -> bool:
    """Tell whether the highest label is that of void in 8 bits, rather than of an instance."""
    values = np.unique(labels[labels <= VOID])
    return len(values) > 2 and values[-1] == VOID and values[-2] < VOID - 1


def open_label_folder(root: Path | str, names: list[str] | None = None,
                      skip_missing: bool = False) -> LabelFolder:
    """
    Open a folder of labelled images.

    :param root: the folder that holds images/ and labels/.
    :param names: restrict to these names; all when None.
    :return: the listing, sorted by name.
    :raises ValueError: where the folder is not of this format, is empty or lacks a name, or an
        image has no label map, or shares its name with another.
    """
    root = Path(root)
    for part in ('images', 'labels'):
        if not (root / part).is_dir():
            raise ValueError(f'root must contain the folders images and labels, got {root} '
                             f'without {part}')
    images, labels = _by_name(root / 'images'), _by_name(root / 'labels')
    if others := unread_files(root / 'images'):
        warnings.warn(f'left out of {others}', DataWarning, stacklevel=2)
    if missing := sorted(set(names or ()) - images.keys()):
        raise ValueError(f'names must be images of {root}, got {missing[0]!r} '
                         f'and {len(missing) - 1} more that are not there')
    if orphans := sorted(labels.keys() - images.keys()):
        warnings.warn(f'{len(orphans)} label maps of {root} have no image, such as '
                      f'{labels[orphans[0]][0].name}', DataWarning, stacklevel=2)
    chosen = sorted(images if names is None else set(names))
    if not chosen:
        raise ValueError(f'root must hold at least one image in images, got {root}')

    def fault(name: str) -> str:
        if len(images[name]) > 1:
            files = ' and '.join(path.name for path in images[name])
            return f'{files} have one name, and so one label map'
        if len(labels.get(name, ())) != 1:
            found = ' and '.join(path.name for path in labels.get(name, ())) or 'no label map'
            return f'{images[name][0].name} has {found}'
        return ''
    kept = usable(chosen, fault, root, skip_missing)
    return LabelFolder(root, {name: images[name][0] for name in kept},
                       {name: labels[name][0] for name in kept}, ignore_label_of(root))


def ignore_label_of(root: Path) -> int | None:
    """
    Tell which label of a folder's label maps counts for nothing, beside 65535.

    :return: `ignore_label` of its meta.json; None where there is none.
    :raises ValueError: if it is no label.
    """
    meta = read_meta(root)
    label = meta.get('ignore_label')
    if label is not None and (type(label) is not int or not 0 < label <= IGNORE_LABEL):
        raise ValueError(f'ignore_label of {root / "meta.json"} must be a label from 1 to '
                         f'{IGNORE_LABEL}, got {label!r}')
    return label


def read_meta(root: Path) -> dict[str, Any]:
    """
    Read what a folder says of itself.

    :return: content of its meta.json; empty where there is none.
    :raises ValueError: if that is no JSON object.
    """
    path = root / 'meta.json'
    meta = read_json(path) if path.is_file() else {}
    if not isinstance(meta, dict):
        raise ValueError(f'{path} must be an object such as {{"partial_labels": true}}')
    for key in meta.keys() - META:
        if near := difflib.get_close_matches(key, META, 1, NEARLY):
            raise ValueError(f'{path} has {key!r}: did you mean {near[0]}?')
    return meta


def _by_name(folder: Path) -> dict[str, list[Path]]:
    """List the images of a folder by their names without suffix."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if is_image(path) and path.is_file() and not path.name.startswith('.'):
            found.setdefault(path.stem, []).append(path)
    return found


def write_pair(root: Path, name: str, image: np.ndarray, labels: np.ndarray) -> None:
    """Write an image and its label map; the label map is the last to appear, and appears whole."""
    write_image(root / 'images' / f'{name}.jpg', image)
    write_image(root / 'labels' / f'{name}.png', labels)
