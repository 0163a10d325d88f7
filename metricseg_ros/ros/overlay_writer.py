# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlays as picture files and as one video."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

VIDEO_RATE = 2.0
"""Frames a second of the video: slow enough to look at each."""


class OverlayWriter:
    """Write every overlay as a PNG, and all of them into an MP4."""

    def __init__(self, folder: Path) -> None:
        """
        Make the folder.

        :param folder: where the files go.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0
        self._video: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: np.ndarray) -> None:
        """
        Write one overlay.

        :param image: (H,W,3) uint8 RGB.
        """
        self._count += 1
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(self._folder / f'overlay_{self._count:04d}.png'), pixels)
        if self._video is None:
            self._size = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
            self._video = cv2.VideoWriter(
                str(self._folder / 'overlay.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), VIDEO_RATE,
                self._size[::-1])
        self._video.write(fit(pixels, self._size))

    def close(self) -> None:
        """Finish the video."""
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
