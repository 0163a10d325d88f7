# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlays as picture files and as one video."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.inputs.codec import write_image
from metricseg_ros.overlay.video import OverlayVideo
import numpy as np

VIDEO_RATE = 2.0
"""Frames a second of the video: slow enough to look at each."""


class OverlayWriter:
    """Write every overlay as a PNG, and all of them into an MP4."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0
        self._video = OverlayVideo(folder / 'overlay.mp4', VIDEO_RATE)

    def write(self, image: np.ndarray) -> None:
        """Write one overlay."""
        self._count += 1
        write_image(self._folder / f'overlay_{self._count:04d}.png', image)
        self._video.write(image)

    def close(self) -> None:
        """Finish the video."""
        self._video.close()
