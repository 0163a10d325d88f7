# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Image files and folders of them, in the order in which a person counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
import re

from metricseg_ros.inputs.codec import IMAGE_SUFFIXES, is_image, picture_count, read_image
from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error
from metricseg_ros.inputs.other_files import unread_files


class ImageFiles:
    """
    Image files as frames, in the order given.

    :ivar upright: whether they are turned as their EXIF data say.
    """

    def __init__(self, paths: Sequence[Path], on_error: OnError = raise_error) -> None:
        """
        Remember the files; each is read when its turn comes.

        :param on_error: what to do about a file that cannot be decoded.
        """
        self.paths = tuple(paths)
        self.upright = True
        self._on_error = on_error

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Frame]:
        for path in self.paths:
            try:
                image = read_image(path, self.upright)
            except InputError as error:
                self._on_error(error)
                continue
            yield Frame(path.stem, str(path), None, image)
            if (count := picture_count(path)) > 1:
                self._on_error(InputError(f'{path}: only the first of its {count} pictures is '
                                          'read: make a video or a folder of images of them'))


def open_image_folder(folder: Path, on_error: OnError = raise_error) -> ImageFiles:
    """
    Open the images of a folder.

    :param on_error: told of each file that cannot be decoded, and at once, in one line, of the
        files that hold pictures and are not read.
    :return: the images, `image2` before `image10`.
    :raises InputError: if the folder has no image.
    """
    paths = list_images(folder)
    if others := unread_files(folder):
        on_error(InputError(others))
    return ImageFiles(paths, on_error)


def list_images(folder: Path) -> list[Path]:
    """
    List the images of a folder, `image2` before `image10`; folders in it are not entered.

    :return: at least one path.
    :raises InputError: if the folder has no image.
    """
    paths = [path for path in folder.iterdir()
             if is_image(path) and path.is_file() and not path.name.startswith('.')]
    if not paths:
        raise InputError(unread_files(folder) or f'{folder}: neither a bag nor a folder with '
                         f'images ({" ".join(IMAGE_SUFFIXES)})')
    return sorted(paths, key=lambda path: natural_key(path.name))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Make a sorting key by which numbers in names sort by value."""
    parts = re.split(r'([0-9]+)', text.casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part]
