# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read and write the plain folder format: images/NAME.jpg and labels/NAME.png."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.datasets.reading import read_labels, read_photograph
import numpy as np

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
JPEG_QUALITY = 92


@dataclass(frozen=True)
class LabelFolder:
    """
    List images with label maps: 0 background, 1..N instances, 65535 ignored.

    :param root: the folder that holds images/ and labels/.
    :param names: file names without suffix, sorted.
    """

    root: Path
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def read(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """
        Read one image and its label map.

        :param name: one of names.
        :return: (H,W,3) uint8 RGB and (H,W) uint16.
        :raises ValueError: where a file cannot be read or the two do not fit together.
        """
        image = read_photograph(find_image(self.root, name))
        path = self.root / 'labels' / f'{name}.png'
        labels = read_labels(path)
        if labels.shape != image.shape[:2]:
            raise ValueError(f'labels {path} must have the size of the image, {image.shape[:2]}, '
                             f'got {labels.shape}')
        return image, labels


def open_label_folder(root: Path | str, names: list[str] | None = None) -> LabelFolder:
    """
    Open a folder of labelled images.

    :param root: the folder that holds images/ and labels/.
    :param names: restrict to these names; all when None.
    :return: the listing, sorted by name.
    :raises ValueError: where the folder is not of this format, is empty or lacks a name.
    """
    root = Path(root)
    for part in ('images', 'labels'):
        if not (root / part).is_dir():
            raise ValueError(f'root must contain the folders images and labels, got {root} '
                             f'without {part}')
    found = {p.stem for p in (root / 'images').iterdir() if p.suffix.lower() in IMAGE_SUFFIXES}
    if missing := sorted(set(names or ()) - found):
        raise ValueError(f'names must be images of {root}, got {missing[0]!r} '
                         f'and {len(missing) - 1} more that are not there')
    chosen = sorted(found if names is None else set(names))
    if not chosen:
        raise ValueError(f'root must hold at least one .jpg or .png in images, got {root}')
    return LabelFolder(root, tuple(chosen))


def find_image(root: Path, name: str) -> Path:
    """
    Find the image file of a name.

    :param root: the folder that holds images/.
    :param name: file name without suffix.
    :return: its path.
    :raises ValueError: where there is none.
    """
    for suffix in IMAGE_SUFFIXES:
        path = root / 'images' / f'{name}{suffix}'
        if path.exists():
            return path
    raise ValueError(f'name must be an image of {root}, got {name!r}')


def write_pair(root: Path, name: str, image: np.ndarray, labels: np.ndarray) -> None:
    """
    Write an image and its label map; the label map is the last to appear, and appears whole.

    :param root: the folder that holds images/ and labels/.
    :param name: file name without suffix.
    :param image: (H,W,3) uint8 RGB.
    :param labels: (H,W) uint16.
    """
    write_image(root / 'images' / f'{name}.jpg', image)
    write_image(root / 'labels' / f'{name}.png', labels)


def write_image(path: Path, pixels: np.ndarray) -> None:
    """
    Write a JPEG or PNG that is there whole or not at all.

    :param path: the file; its suffix says the format.
    :param pixels: (H,W,3) uint8 RGB or (H,W) uint8 or uint16.
    """
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == '.jpg' else []
    write_atomically(path, cv2.imencode(path.suffix, ordered, options)[1].tobytes())
