# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlays one after the other, as a video."""

from __future__ import annotations

from pathlib import Path

import cv2
from metricseg_ros.atomic_files import is_utf8
import numpy as np

LARGEST_SIDE = 4096
"""Pixels; players show no larger videos, and the encoder makes none much larger."""


class OverlayVideo:
    """Writes images into an MP4; the first gives its size, others are fitted into that."""

    def __init__(self, path: Path, rate: float) -> None:
        """
        Name the file; it is made with the first image.

        :param rate: images a second.
        :raises ValueError: if OpenCV cannot take the name.
        """
        if not is_utf8(path):
            raise ValueError(f'{path}: the name of a video must be UTF-8: choose another folder')
        self._path, self._rate = path, rate
        self._video: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: np.ndarray) -> None:
        """
        Add an image.

        :param image: (H,W,3) uint8 RGB.
        :raises OSError: if the file cannot be written.
        """
        if self._video is None:
            scale = min(1.0, LARGEST_SIDE / max(image.shape[:2]))
            height, width = (max(2, int(side * scale) // 2 * 2) for side in image.shape[:2])
            self._size = height, width
            self._video = cv2.VideoWriter(str(self._path), cv2.VideoWriter_fourcc(*'mp4v'),
                                          self._rate, self._size[::-1])
            if not self._video.isOpened():
                raise OSError(f'{self._path} could not be written: may the folder be written to, '
                              'and does this OpenCV write MP4?')
        self._video.write(cv2.cvtColor(fit(image, self._size), cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """Finish the file."""
        if self._video is not None:
            self._video.release()


def fit(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """
    Shrink or enlarge an image into a frame of a given size, on black.

    :param image: (H,W,3) uint8.
    :param size: (height, width) of the frame.
    :return: (height,width,3) uint8.
    """
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (max(1, int(side * scale)) for side in image.shape[:2])
    frame = np.zeros((*size, 3), np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    frame[top:top + height, left:left + width] = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA)
    return frame
