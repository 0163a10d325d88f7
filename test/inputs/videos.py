# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Videos to read, whole and damaged."""

from __future__ import annotations

from pathlib import Path
import re

import cv2
import numpy as np
import pytest

FRAME_STARTS = {'mp4v': b'\0\0\1\xb6', 'XVID': b'\0\0\1\xb6', 'MJPG': b'\xff\xd8\xff',
                'jpeg': b'\xff\xd8\xff'}


def write_video(path: Path, count: int, four: str = 'mp4v') -> Path:
    """Write frames with a number to read, 10 a second, so that none is like the one before."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*four), 10, (160, 120))
    if not writer.isOpened():
        pytest.skip(f'this OpenCV writes no {four}')
    noise = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    for number in range(count):
        image = cv2.resize(np.roll(noise, number, 1), (160, 120), interpolation=cv2.INTER_CUBIC)
        writer.write(image)
    writer.release()
    return path


def spoil(path: Path, number: int, four: str) -> None:
    """Write zeros over a frame, but for the container's bytes before the next one."""
    data = bytearray(path.read_bytes())
    starts = [match.start() for match in re.finditer(re.escape(FRAME_STARTS[four]), data)]
    start, end = starts[number], starts[number + 1] - 24
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
