# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The folder that labels are kept in.

```
DIR/images DIR/labels DIR/index.json DIR/classes.txt   what is done: a data set at any moment
DIR/depth DIR/camera.json                              kept where the images came with it
DIR/waiting/images DIR/waiting/labels ...              what is not done, in the same form
```

Whenever its writer is killed, or the power goes, it is a data set still, and no more than the
last change is lost: names are written before the label map that needs them, the label map before
the image that makes it count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
import json
from pathlib import Path
from typing import Any

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.datasets.formats.folder_dataset import ONE_CLASS
from metricseg_ros.datasets.reading.files import read_json, read_labels
from metricseg_ros.inputs.codec import is_image
from metricseg_ros.inputs.depth_files import add_depth, open_depth_folder
from metricseg_ros.labelling.labels import LabelError, Labels
from metricseg_ros.structures import DepthImage
import numpy as np

WAITING = 'waiting'
LONGEST_NAME = 100
"""Of a class, in letters."""


@dataclass(frozen=True)
class StoredImage:
    """
    What is known of an image beside its labels.

    :param done: whether a person said that its labels are right.
    :param about: what its entry in index.json says: `key`, `names`, `source`, `stamp_ns`.
    """

    image: str
    done: bool
    about: Mapping[str, Any] = field(default_factory=dict)


class LabelStore:
    """The images of a folder, and their labels on disk."""

    def __init__(self, root: Path) -> None:
        """
        Read what is there.

        :param root: the folder; it is made where it is not there.
        :raises ValueError: if it is a folder of something else, or a file is damaged.
        """
        self.root, self.waiting = root, root / WAITING
        for part in (root, self.waiting):
            for kind in ('images', 'labels'):
                (part / kind).mkdir(parents=True, exist_ok=True)
        self._put_aside_images_without_labels()
        self.classes = self._read_classes()
        self.entries: dict[str, StoredImage] = {}
        for folder, done in ((self.waiting, False), (root, True)):
            about = {entry['key']: entry for entry in _read_entries(folder / 'index.json')}
            for path in sorted((folder / 'images').iterdir()):
                if is_image(path) and not path.name.startswith('.'):
                    self.entries[path.stem] = StoredImage(path.name, done,
                                                          about.get(path.stem, {}))

    def _put_aside_images_without_labels(self) -> None:
        """Let images that somebody put beside the labelled ones wait for their labels."""
        for path in (self.root / 'images').iterdir():
            if is_image(path) and not (
                    self.root / 'labels' / f'{path.stem}.png').is_file():
                target = self.waiting / 'images' / path.name
                if target.exists():
                    raise ValueError(f'{path} has no labels, and would take the place of '
                                     f'{target}: rename one of them')
                path.rename(target)

    def _read_classes(self) -> tuple[str, ...]:
        path = self.root / 'classes.txt'
        lines = path.read_text().splitlines() if path.is_file() else []
        classes = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
        used = {name for entry in _read_entries(self.root / 'index.json')
                for name in entry['names']}
        return classes or tuple(sorted(used)) or ONE_CLASS

    def set_classes(self, classes: tuple[str, ...]) -> None:
        """
        Say which classes objects may have.

        :raises LabelError: if one is no name, or one that objects have is left out.
        """
        for name in classes:
            if not (isinstance(name, str) and name == name.strip() and name.isprintable()
                    and 0 < len(name) <= LONGEST_NAME and ',' not in name):
                raise LabelError(f'a class must be a name of 1 to {LONGEST_NAME} letters without '
                                 f'commas, got {name!r}')
        used = {name for entry in self.entries.values() for name in entry.about.get('names', ())}
        if missing := sorted(used - {*classes, *ONE_CLASS}):
            raise LabelError(f'objects are of class {missing[0]!r}: give them another one first')
        kept = [*classes, *(name for name in ONE_CLASS if name in used)] or ONE_CLASS
        self.classes = tuple(dict.fromkeys(kept))
        write_atomically(self.root / 'classes.txt', ('\n'.join(self.classes) + '\n').encode())

    def add(self, name: str, image: bytes, suffix: str, about: Mapping[str, Any],
            depth: DepthImage | None = None) -> None:
        """
        Let an image wait for its labels.

        :param image: content of its file.
        """
        if depth is not None:
            add_depth(self.root, name, depth)
        write_atomically(self.waiting / 'images' / f'{name}{suffix}', image)
        self.entries[name] = StoredImage(f'{name}{suffix}', False,
                                         {'key': name, 'names': [], **about})

    def folder_of(self, name: str) -> Path:
        """
        Tell which folder an image lies in.

        :return: the folder of the images and labels that are done, or of those that wait.
        """
        return self.root if self.entries[name].done else self.waiting

    def image_path(self, name: str) -> Path:
        """Find an image."""
        return self.folder_of(name) / 'images' / self.entries[name].image

    def label_path(self, name: str) -> Path:
        """Tell where an image's label map lies, once there is one."""
        return self.folder_of(name) / 'labels' / f'{name}.png'

    def read_depth(self, name: str, image_size: tuple[int, int]) -> DepthImage | None:
        """
        Read an image's depth.

        :return: its depth; None where it has none.
        :raises ValueError: if a file of it is damaged, or for images of another size.
        """
        folder = open_depth_folder(self.root, list(self.entries))
        return folder and folder.read(name, image_size)

    def read(self, name: str) -> Labels | None:
        """
        Read an image's labels.

        :return: the labels; None where nobody has touched them yet.
        :raises ValueError: if the label map is damaged.
        """
        path = self.label_path(name)
        if not path.is_file():
            return None
        label_map, names = read_labels(path), tuple(self.entries[name].about.get('names', ()))
        objects = label_map[label_map != np.iinfo(np.uint16).max].max(initial=0)
        return Labels(label_map, names + self.classes[:1] * (int(objects) - len(names)))

    def write(self, name: str, labels: Labels) -> None:
        """Write an image's labels, as they stand."""
        entry = self.entries[name]
        before = entry.about.get('names', [])
        # Never fewer names than the label map on disk needs until the new one lies there.
        names = [own or self.classes[0] for own in labels.names] + before[len(labels.names):]
        if names != before or not self.label_path(name).is_file():
            self.entries[name] = replace(entry, about={**entry.about, 'key': name,
                                                       'names': names})
            self._write_index(entry.done)
        write_atomically(self.label_path(name), labels.png)

    def finish(self, name: str, labels: Labels) -> None:
        """Take an image among those that are done, with its labels."""
        was, waiting = self.image_path(name), self.label_path(name)
        if self.entries[name].done:
            return
        self.entries[name] = replace(self.entries[name], done=True)
        try:
            self.write(name, labels)
            was.rename(self.image_path(name))
        except OSError:
            self.entries[name] = replace(self.entries[name], done=False)
            raise
        waiting.unlink(missing_ok=True)
        self._write_index(False)

    def take_back(self, name: str, labels: Labels) -> None:
        """Let an image wait again, as its labels are not right yet."""
        was, label_path = self.image_path(name), self.label_path(name)
        if not self.entries[name].done:
            return
        self.entries[name] = replace(self.entries[name], done=False)
        self.write(name, labels)
        was.rename(self.image_path(name))
        label_path.unlink(missing_ok=True)
        self._write_index(True)

    def _write_index(self, done: bool) -> None:
        rows = [dict(entry.about or self._unnamed(name)) for name, entry in self.entries.items()
                if entry.done == done]
        folder = self.root if done else self.waiting
        write_atomically(folder / 'index.json', (json.dumps(rows, indent=1) + '\n').encode())
        if done and not (self.root / 'classes.txt').is_file():
            self.set_classes(self.classes)

    def _unnamed(self, name: str) -> dict[str, Any]:
        """Say of an image that came without an index what its objects are."""
        labels = self.read(name)
        return {'key': name, 'names': [] if labels is None else list(labels.names)}


def _read_entries(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    entries = read_json(path)
    if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and isinstance(entry.get('key'), str)
            and isinstance(entry.get('names'), list)
            and all(isinstance(name, str) for name in entry['names']) for entry in entries):
        raise ValueError(f'{path} is not of this program: choose another folder')
    return entries
