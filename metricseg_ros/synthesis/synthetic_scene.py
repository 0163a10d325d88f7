# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A synthetic scene with everything that is known of it, and how a folder keeps it."""

from __future__ import annotations

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES
from metricseg_ros.inputs.codec import write_image
from metricseg_ros.inputs.depth_files import depth_image
import numpy as np

ENTRIES = 'entries'


@dataclass(frozen=True)
class SyntheticScene:
    """
    Hold an image and the truth about it.

    :param image: (H,W,3) uint8 RGB.
    :param label_map: (H,W) uint16: 0 background, 1..N instances, 65535 ignored.
    :param names: class of each instance, of HOUSEHOLD_CLASSES; names[i - 1] is that of label i.
    :param depth: (H,W) float32 metres along the optical axis, or None where there is none.
    :param focal_length: in pixels, of a camera whose axis meets the middle of the image; None
        where there is no camera.
    :param arrangement: what kind of scene it is.
    """

    image: np.ndarray
    label_map: np.ndarray
    names: tuple[str, ...]
    depth: np.ndarray | None = None
    focal_length: float | None = None
    arrangement: str = ''


def write_scene(root: Path, name: str, scene: SyntheticScene) -> None:
    """
    Write a scene: images/, depth/ where known, entries/, labels/; the label map appears last.

    Depth is 16-bit PNG in millimetres, 0 for none; :func:`write_index` adds the cameras.
    """
    write_image(root / 'images' / f'{name}.jpg', scene.image)
    if scene.depth is not None:
        write_image(root / 'depth' / f'{name}.png', depth_image(scene.depth))
    entry = {'key': name, 'names': scene.names}
    if scene.focal_length is not None:
        entry['focal_length'] = round(scene.focal_length, 2)
    if scene.arrangement:
        entry['arrangement'] = scene.arrangement
    write_atomically(entry_path(root, name), json.dumps(entry).encode())
    write_image(root / 'labels' / f'{name}.png', scene.label_map)


def entry_path(root: Path, name: str) -> Path:
    """Return where the entry of one image is kept until index.json takes it up."""
    return root / ENTRIES / f'{name}.json'


def write_index(root: Path, names: list[str], size: tuple[int, int]) -> None:
    """
    Write index.json, classes.txt and camera.json: the folder is then a data set with classes.

    camera.json holds fx, fy, cx, cy, width and height in pixels by the image's name, where
    there are cameras; the centre of the first pixel is at (0, 0).
    """
    entries: list[dict[str, Any]] = [json.loads(entry_path(root, name).read_text())
                                     for name in names]
    text = ',\n'.join(json.dumps(entry) for entry in entries)
    write_atomically(root / 'index.json', f'[{text}]\n'.encode())
    write_atomically(root / 'classes.txt', '\n'.join([*HOUSEHOLD_CLASSES, '']).encode())
    cameras = {entry['key']: pinhole(entry['focal_length'], size)
               for entry in entries if 'focal_length' in entry}
    if cameras:
        write_atomically(root / 'camera.json', json.dumps(cameras).encode())


def pinhole(focal_length: float, size: tuple[int, int]) -> dict[str, float]:
    """Describe a camera, focal length in pixels, that looks at the image's middle."""
    height, width = size
    return {'fx': focal_length, 'fy': focal_length, 'cx': (width - 1) / 2,
            'cy': (height - 1) / 2, 'width': width, 'height': height}
