# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Image files, read as a viewer shows them.

The orientation in a file's EXIF data is applied (but not to an image with transparency, which
OpenCV gives as it is stored), 16 bits are scaled to 8, grey becomes RGB, and what is transparent
shows white.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
import re

import cv2
from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error
import numpy as np

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm',
                  '.jp2', '.avif', '.gif')
JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8\xff', b'\xff\xda', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG', b'IEND'


class ImageFiles:
    """Image files as frames, in the order given."""

    def __init__(self, paths: Sequence[Path], on_error: OnError = raise_error) -> None:
        """
        Remember the files; each is read when its turn comes.

        :param paths: image files.
        :param on_error: what to do about a file that cannot be decoded.
        """
        self.paths = tuple(paths)
        self._on_error = on_error

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.paths)

    def __iter__(self) -> Iterator[Frame]:
        """Read the files one by one."""
        for path in self.paths:
            try:
                image = read_image(path)
            except InputError as error:
                self._on_error(error)
                continue
            yield Frame(path.stem, str(path), None, image)


def list_images(folder: Path) -> list[Path]:
    """
    List the images of a folder, `image2` before `image10`; folders in it are not entered.

    :param folder: path of the folder.
    :return: at least one path.
    :raises InputError: if the folder has no image.
    """
    paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
             and path.is_file() and not path.name.startswith('.')]
    if not paths:
        raise InputError(f'{folder}: neither a bag nor a folder with images '
                         f'({" ".join(IMAGE_SUFFIXES)})')
    return sorted(paths, key=lambda path: natural_key(path.name))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """
    Make a sorting key by which numbers in names sort by value.

    :param text: a name.
    :return: a key that compares with every other.
    """
    parts = re.split(r'([0-9]+)', text.casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part]


def read_image(path: Path) -> np.ndarray:
    """
    Read an image file.

    :param path: path of the file.
    :return: (H,W,3) uint8 RGB.
    :raises InputError: if it is not an image of 8 or 16 bits, or is cut short.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'{path}: {error.strerror}') from None
    if _is_cut_short(data):
        raise InputError(f'{path}: the file is cut short after {len(data)} bytes')
    image = _decode(data, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f'{path}: not an image of 8 or 16 bits that OpenCV reads')
    if not data.startswith(JPEG_START):
        stored = _decode(data, cv2.IMREAD_UNCHANGED)
        if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
            image = _over_white(stored)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # No data at all, or a header that claims more pixels than OpenCV allows.
        return None


def _is_cut_short(data: bytes) -> bool:
    """Tell whether a JPEG or PNG lacks its end, of which OpenCV would make a half grey image."""
    if data.startswith(JPEG_START):
        end = data.rfind(JPEG_END)
        return end < 0 or end < data.rfind(JPEG_SCAN)
    return data.startswith(PNG_START) and PNG_END not in data


def _over_white(image: np.ndarray) -> np.ndarray:
    """Lay (H,W,4) BGRA of 8 or 16 bits over white; return (H,W,3) uint8 BGR."""
    largest = np.iinfo(image.dtype).max
    alpha = image[..., 3:].astype(np.float32) / largest
    color = image[..., :3].astype(np.float32) * (255 / largest)
    return np.rint(255 + alpha * (color - 255)).astype(np.uint8)
