# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
OCID and OSD, the benchmarks of unseen objects in clutter; every object is of one class.

OCID is a tree of sequences, each with rgb/ and label/; OSD has image_color/ and annotation/.
Depth, where it is there, is in millimetres and registered: OCID's in depth/, OSD's in depth/ or
disparity/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.reading.files import (
    describe_folder,
    read_labels,
    read_photograph,
    renumbered,
    usable,
)
from metricseg_ros.inputs.depth_files import DepthFolder, read_cameras
import numpy as np


@dataclass(frozen=True)
class ClutterDataset:
    """
    Images of unseen objects.

    :param root: what was opened; names of images are relative to it.
    :param label_folder: name of the folder beside an image's own that holds its labels.
    :param background: which labels of an image are no object, by its path.
    :param depth_folders: names of folders beside an image's own that may hold its depth.
    :param cameras: what camera.json says; None where there is none.
    """

    root: Path
    paths: tuple[Path, ...]
    label_folder: str
    background: Callable[[Path], tuple[int, ...]]
    depth_folders: tuple[str, ...] = ()
    cameras: Mapping[str, Any] | None = None
    classes: tuple[str, ...] = ('object',)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> LabelledImage:
        path = self.paths[index]
        labels = read_labels(path.parent.parent / self.label_folder / path.name)
        label_map = renumbered(labels, self.background(path))
        class_ids = np.minimum(np.arange(label_map.max() + 1), 1).astype(np.uint16)
        name, image = path.relative_to(self.root).with_suffix(''), read_photograph(path)
        depths = (path.parent.parent / folder / path.name for folder in self.depth_folders)
        found = [depth for depth in depths if depth.is_file()]
        depth = DepthFolder(self.root, {path.stem: found[0]} if found else {}, self.cameras)
        return LabelledImage(
            image, label_map, class_ids, name='/'.join(name.parts),
            depth=depth.read(path.stem, image.shape[:2]))


def open_ocid(root: Path, skip_missing: bool = False, depth: bool = True) -> ClutterDataset:
    """
    Open OCID, or a part of it such as OCID/ARID20.

    :param root: a folder with sequences (seq01, ...) somewhere below it, each with rgb/ and
        label/.
    :param skip_missing: whether to go on without images that have no labels.
    :raises ValueError: where there is no such sequence.
    """
    paths = tuple(sorted(root.glob('**/rgb/*.png')))
    if not paths or not (paths[0].parent.parent / 'label').is_dir():
        raise ValueError('ocid needs sequences with rgb/*.png and label/*.png, as '
                         f'ARID20/table/top/seq01, got {describe_folder(root)}')
    return ClutterDataset(root, _labelled(paths, 'label', root, skip_missing), 'label',
                          ocid_background, *_depth_of(root, ('depth',), depth))


def ocid_background(path: Path) -> tuple[int, ...]:
    """
    Tell which of OCID's labels are no object, as the published evaluations do.

    :return: 0 and the ground, 1; on a table that is the floor, and the table itself is 2.
    """
    support = next((part for part in reversed(path.parts) if part in ('table', 'floor')), 'floor')
    return (0, 1, 2) if support == 'table' else (0, 1)


def open_osd(root: Path, skip_missing: bool = False, depth: bool = True) -> ClutterDataset:
    """
    Open OSD.

    :param root: a folder with image_color/ and annotation/.
    :param skip_missing: whether to go on without images that have no labels.
    :raises ValueError: where the folder is none such.
    """
    paths = tuple(sorted((root / 'image_color').glob('*.png')))
    if not paths or not (root / 'annotation').is_dir():
        raise ValueError('osd needs image_color/*.png and annotation/*.png, got '
                         f'{describe_folder(root)}')
    return ClutterDataset(root, _labelled(paths, 'annotation', root, skip_missing), 'annotation',
                          lambda _: (0,), *_depth_of(root, ('depth', 'disparity'), depth))


def _depth_of(root: Path, folders: tuple[str, ...],
              depth: bool) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    """Tell in which folders depth is looked for, and what camera.json says; nothing if unread."""
    return (folders, read_cameras(root / 'camera.json')) if depth else ((), None)


def _labelled(paths: Sequence[Path], folder: str, root: Path,
              skip_missing: bool) -> tuple[Path, ...]:
    """Look whether every image has labels in the folder beside its own."""
    def fault(path: Path) -> str:
        labels = path.parent.parent / folder / path.name
        return '' if labels.is_file() else f'{labels} is missing'
    return tuple(usable(paths, fault, root, skip_missing))
