# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From image messages to RGB arrays; whatever is wrong with a message is said in one sentence.

The messages are those of rclpy or of a bag reader alike: only their fields matter.
"""

from __future__ import annotations

import sys
from typing import Any

import cv2
from metricseg_ros.inputs.encodings import DEPTH_ALIASES, DEPTHS, Encoding, find_encoding
import numpy as np


class ImageError(ValueError):
    """An image message that cannot be read; says its encoding, size, step and length."""


def to_rgb(message: Any) -> np.ndarray:
    """
    Read an image message.

    :param message: sensor_msgs/Image or sensor_msgs/CompressedImage.
    :return: (H,W,3) uint8 RGB; a view of the message's data where that is rgb8.
    :raises ImageError: if the message cannot be read.
    """
    if hasattr(message, 'format'):
        return decompress(message)
    try:
        if not message.height or not message.width:
            raise ValueError('image without pixels')
        return _converted(message, find_encoding(message.encoding))
    except (ValueError, cv2.error) as error:
        raise ImageError(f'{_first_line(error)} ({describe(message)})') from error


def to_depth(message: Any) -> np.ndarray:
    """
    Read a depth image.

    :param message: sensor_msgs/Image.
    :return: (H,W) uint16 millimetres or float32 metres (REP 118), as the encoding says.
    :raises ImageError: if the message cannot be read, or is no depth image.
    """
    try:
        if not message.height or not message.width:
            raise ValueError('depth image without pixels')
        encoding = DEPTH_ALIASES.get(message.encoding, message.encoding)
        if encoding not in DEPTHS:
            raise ValueError(f'depth must be encoded as {" or ".join(DEPTHS)} (REP 118)')
        return _native(_view(message, DEPTHS[encoding]), bool(message.is_bigendian))
    except ValueError as error:
        raise ImageError(f'{error} ({describe(message)})') from error


def decompress(message: Any) -> np.ndarray:
    """
    Decode a compressed image.

    The orientation in a file's EXIF data is left alone: the camera's calibration speaks of the
    pixels as they are stored.

    :param message: sensor_msgs/CompressedImage: JPEG, PNG or whatever else OpenCV decodes.
    :return: (H,W,3) uint8 RGB.
    :raises ImageError: if OpenCV cannot decode it.
    """
    length = len(message.data)
    if 'compresseddepth' in message.format.lower():
        raise ImageError('compressedDepth holds distances, not colours; remap image/compressed '
                         f"to the colour camera's topic (format {message.format!r})")
    if not length:
        raise ImageError(f'compressed image without data (format {message.format!r})')
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(message.data, np.uint8), flags)
    except cv2.error:
        image = None  # More pixels than OpenCV allows, as a damaged file's header may claim.
    if image is None:
        raise ImageError(f'compressed image of {length} bytes cannot be decoded '
                         f'(format {message.format!r})')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def describe(message: Any) -> str:
    """
    Name what matters of an image message, for error messages.

    :param message: sensor_msgs/Image.
    :return: its encoding, size, step and length.
    """
    return (f'encoding {message.encoding!r}, height {message.height}, width {message.width}, '
            f'step {message.step}, {len(message.data)} bytes of data')


def _converted(message: Any, encoding: Encoding) -> np.ndarray:
    pixels = _view(message, encoding)
    if pixels.dtype == np.uint16:
        pixels = _native(pixels, bool(message.is_bigendian))
    if encoding.to_rgb is not None:
        pixels = cv2.cvtColor(pixels, encoding.to_rgb)
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    return pixels


def _view(message: Any, encoding: Encoding) -> np.ndarray:
    itemsize = np.dtype(encoding.dtype).itemsize
    pixel = encoding.channels * itemsize
    if encoding.subsampled and (message.width % 2 or (message.height * encoding.rows) % 2):
        raise ValueError('this encoding needs an even size')
    rows = message.height * encoding.rows // 2
    if message.step < message.width * pixel:
        raise ValueError(f'step is smaller than a row of {message.width * pixel} bytes')
    if len(message.data) != message.step * rows:
        kind = 'truncated image' if len(message.data) < message.step * rows else 'wrong step'
        raise ValueError(f'{kind}: step x rows is {message.step * rows} bytes')
    shape, strides = (rows, message.width), (message.step, pixel)
    if encoding.channels > 1:
        shape, strides = (*shape, encoding.channels), (*strides, itemsize)
    return np.ndarray(shape, encoding.dtype, np.frombuffer(message.data, np.uint8), 0, strides)


def _native(pixels: np.ndarray, big_endian: bool) -> np.ndarray:
    """Copy to aligned rows in the machine's byte order, which OpenCV needs."""
    swapped = big_endian != (sys.byteorder == 'big')
    return pixels.byteswap() if swapped else np.ascontiguousarray(pixels)


def _first_line(error: Exception) -> str:
    text = error.err if isinstance(error, cv2.error) and error.err else str(error)
    return text.strip().splitlines()[0]
