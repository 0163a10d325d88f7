# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Videos, as far as OpenCV's build reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
from metricseg_ros.inputs.frame import Frame, InputError


class Video:
    """The frames of a video file."""

    def __init__(self, path: Path) -> None:
        """
        Open the video once to see that it can be read.

        :param path: path of the file.
        :raises InputError: if OpenCV cannot read it.
        """
        self.path = path
        capture = cv2.VideoCapture(str(path))
        try:
            if not capture.isOpened() or not capture.grab():
                raise InputError(f'{path}: not an image, a video or a bag that can be read')
            self._frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            self.frame_rate = capture.get(cv2.CAP_PROP_FPS)
        finally:
            capture.release()

    def __len__(self) -> int:
        """
        Return the number of frames that the file says it has.

        :raises TypeError: if it does not say.
        """
        if self._frames <= 0:
            raise TypeError(f'{self.path} does not say how many frames it has')
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        """Decode the frames one by one."""
        capture = cv2.VideoCapture(str(self.path))
        try:
            read, image = capture.read()
            index = 0
            while read:
                rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                yield Frame(f'{self.path.stem}_{index:06d}', str(self.path), self._stamp(index),
                            rgb)
                read, image = capture.read()
                index += 1
        finally:
            capture.release()

    def _stamp(self, index: int) -> int | None:
        return round(index / self.frame_rate * 1e9) if self.frame_rate > 0 else None
