# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A folder with images/ and, where there is depth, depth/ and camera.json beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from metricseg_ros.inputs.depth_files import DepthFolder, open_depth_folder
from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error
from metricseg_ros.inputs.images import open_image_folder


class RgbdFolder:
    """The images of a folder as frames, with depth where it is there."""

    def __init__(self, root: Path, depth: bool = True, on_error: OnError = raise_error) -> None:
        """
        List the files; each is read when its turn comes.

        :param depth: whether to read depth.
        :param on_error: what to do about an image whose files cannot be decoded.
        :raises InputError: if there is no image, or depth/ or camera.json is of another form.
        """
        self._images = open_image_folder(root / 'images', on_error)
        self._on_error = on_error
        self.depth: DepthFolder | None = None
        if depth:
            try:
                self.depth = open_depth_folder(root, [path.stem for path in self._images.paths])
            except ValueError as error:
                raise InputError(str(error)) from None
        self._images.upright = self.depth is None  # Depth lies on the pixels as they are stored.

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._images:
            try:
                depth = self.depth and self.depth.read(frame.name, frame.image.shape[:2])
            except ValueError as error:
                self._on_error(InputError(str(error)))
                continue
            yield replace(frame, depth=depth)
