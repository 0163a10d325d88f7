# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A plain folder of labelled images as a data set.

```
DIR/images/NAME.jpg   DIR/labels/NAME.png   DIR/index.json   DIR/classes.txt   DIR/meta.json
                      DIR/depth/NAME.png    DIR/camera.json
```

All but the first two may be missing. docs/datasets.md tells what they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.label_folder import LabelFolder, open_label_folder, read_meta
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading.files import read_json, read_names
from metricseg_ros.inputs.depth_files import DepthFolder, open_depth_folder
import numpy as np

ONE_CLASS = ('object',)


@dataclass(frozen=True)
class FolderDataset:
    """
    Labelled images of a folder.

    :param folder: lists and reads the files.
    :param classes: names of the classes; class id i is `classes[i - 1]`.
    :param instance_names: image name -> class name of each of its instances; for an image that
        is not in it every instance is of the only class.
    :param background_known: whether everything is labelled.
    :param depth: depth images beside the images.
    """

    folder: LabelFolder
    classes: tuple[str, ...]
    instance_names: Mapping[str, tuple[str, ...]]
    background_known: bool = True
    depth: DepthFolder | None = None

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, index: int) -> LabelledImage:
        name = self.folder.names[index]
        image, label_map = self.folder.read(name)
        depth = self.depth and self.depth.read(name, image.shape[:2])
        return LabelledImage(image, label_map, self._class_ids(name, label_map),
                             self.background_known, name, depth)

    def _class_ids(self, name: str, label_map: np.ndarray) -> np.ndarray:
        highest = int(label_map[label_map != IGNORE_LABEL].max(initial=0))
        if name not in self.instance_names:
            return np.minimum(np.arange(highest + 1), 1).astype(np.uint16)
        names = self.instance_names[name]
        if highest > len(names):
            raise ValueError(f'index.json of {self.folder.root} names {len(names)} instances of '
                             f'{name!r}, got label {highest} in its label map')
        return np.array([0, *(self.classes.index(own) + 1 for own in names)], np.uint16)


def open_folder_dataset(root: Path, skip_missing: bool = False,
                        depth: bool = True) -> FolderDataset:
    """
    Open a folder of labelled images.

    :param root: the folder that holds images/ and labels/.
    :raises ValueError: where the folder is not of this format.
    """
    folder = open_label_folder(root, skip_missing=skip_missing)
    instance_names = read_index(root / 'index.json')
    classes = read_classes(root / 'classes.txt', instance_names.values())
    if len(classes) > 1 and not (root / 'index.json').is_file():
        raise ValueError(f'{root / "classes.txt"} names {len(classes)} classes, and there is no '
                         'index.json, which says the class of each instance: write one, or name '
                         'one class')
    unnamed = sorted(set(folder.names) - instance_names.keys())
    if unnamed and instance_names:
        raise ValueError(f'index.json of {root} must have an entry for every image, got none for '
                         f'{unnamed[0]!r} and {len(unnamed) - 1} more')
    return FolderDataset(folder, classes, instance_names, not has_partial_labels(root),
                         open_depth_folder(root, folder.names) if depth else None)


def read_index(path: Path) -> dict[str, tuple[str, ...]]:
    """
    Read which class each instance of each image has.

    :param path: index.json: a list of entries with `key`, name of the image, and `names`, whose
        i-th is the class of the instance of label i; what else an entry holds is left alone.
    :return: image name -> class names; empty where there is no file.
    :raises ValueError: where the file is of another form.
    """
    if not path.is_file():
        return {}
    entries = read_json(path)
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise ValueError(f'{path} must be a list of entries like {{"key": "desk1", "names": '
                         '["cup", "book"]}, key the name of an image')
    found = {entry['key']: tuple(entry['names']) for entry in entries}
    if len(found) < len(entries):
        keys = [entry['key'] for entry in entries]
        raise ValueError(f'{path} must have one entry for an image, got two for '
                         f'{next(key for key in keys if keys.count(key) > 1)!r}')
    return found


def _is_entry(entry: Any) -> bool:
    return (isinstance(entry, dict) and isinstance(entry.get('key'), str)
            and isinstance(entry.get('names'), list)
            and all(isinstance(name, str) for name in entry['names']))


def read_classes(path: Path, used: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """
    Read the names of the classes.

    :param path: classes.txt, one name a line in the order of the class ids.
    :param used: class names of the instances of each image.
    :return: the names; those used, by alphabet, where there is no file.
    :raises ValueError: where a name that is used is not in the file.
    """
    names = {name for image in used for name in image}
    if not path.is_file():
        return tuple(sorted(names)) or ONE_CLASS
    classes = tuple(read_names(path))
    if not classes or len(set(classes)) < len(classes):
        raise ValueError(f'{path} must name each class once, got {", ".join(classes) or "none"}')
    if missing := sorted(names - set(classes)):
        raise ValueError(f'{path} must name every class of index.json, got no {missing[0]!r}')
    return classes


def has_partial_labels(root: Path) -> bool:
    """
    Tell whether objects may lack a label, by the folder's meta.json; else they do not.

    :raises ValueError: if it says something else.
    """
    partial = read_meta(root).get('partial_labels', False)
    if type(partial) is not bool:
        raise ValueError(f'partial_labels of {root / "meta.json"} must be true or false, got '
                         f'{partial!r:.40}')
    return partial
