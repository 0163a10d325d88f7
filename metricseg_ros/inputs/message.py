# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From recorded image messages to RGB arrays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np


def decode_message(message: Any) -> np.ndarray:
    """
    Read a recorded image message.

    :param message: sensor_msgs/Image or CompressedImage as `rosbags` deserialises it.
    :return: (H,W,3) uint8 RGB.
    :raises ValueError: if it holds no colours or grey values, or is damaged.
    """
    from rosbags.image import ImageError, message_to_cvimage

    compressed = hasattr(message, 'format')
    what = message.format if compressed else message.encoding
    try:
        readable = message if compressed else _without_padding(message)
        return np.ascontiguousarray(message_to_cvimage(readable, 'rgb8'))
    except (ImageError, AssertionError, TypeError, cv2.error) as error:
        raise ValueError(f'image of encoding {what!r} cannot be decoded ({error})') from None


def _without_padding(message: Any) -> SimpleNamespace:
    """Copy a raw image to rows that follow each other, which rosbags-image takes for granted."""
    from rosbags.image.image import to_cvtype

    depth, _, _, channels = to_cvtype(message.encoding)
    row = message.width * channels * depth // 8
    if row == 0 or message.height == 0:
        raise ValueError(f'image of size {(message.height, message.width)} has no pixels')
    if message.step < row or len(message.data) < message.step * message.height:
        raise ValueError(f'image of {len(message.data)} bytes is truncated: height '
                         f'{message.height}, width {message.width}, step {message.step}, '
                         f'encoding {message.encoding!r}')
    rows = message.data[:message.step * message.height].reshape(message.height, message.step)
    return SimpleNamespace(height=message.height, width=message.width, encoding=message.encoding,
                           is_bigendian=message.is_bigendian,
                           data=np.ascontiguousarray(rows[:, :row]))
