# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From image messages to RGB arrays; whatever is wrong with a message is said in one sentence.

The messages are those of rclpy or of a bag reader alike: only their fields matter.
"""

from __future__ import annotations

import re
import struct
import sys
from typing import Any

import cv2
from metricseg_ros.inputs.codec import decode
from metricseg_ros.inputs.encodings import (
    DEPTH_ALIASES,
    DEPTHS,
    DISTANCES,
    Encoding,
    find_encoding,
    spelt,
)
import numpy as np

VIDEO_FORMATS = re.compile(r'h\.?26[3-6]|hevc|av1\b|vp[89]|mpeg[124]|theora', re.IGNORECASE)
VIDEO_STARTS = b'\0\0\0\1', b'\0\0\1'
"""How a packet of H.264 or H.265 begins."""

REPUBLISH = ("play the recording, turn it into images by image_transport's republish with "
             'in_transport of that kind (ffmpeg, foxglove, theora), and record those')
DEPTH_HEADER = struct.Struct('<iff')
"""What compressedDepth puts before the picture: kind, and scale and offset of inverse metres."""


class ImageError(ValueError):
    """An image message that cannot be read; says its encoding, size, step and length."""


class PacketError(ImageError):
    """A message with a piece of a video, which is nothing without those before it."""


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

    :param message: sensor_msgs/Image, or sensor_msgs/CompressedImage without loss.
    :return: (H,W) uint16 millimetres or float32 metres (REP 118), as the encoding says.
    :raises ImageError: if the message cannot be read, or is no depth image.
    """
    if hasattr(message, 'format'):
        return decompress_depth(message)
    try:
        if not message.height or not message.width:
            raise ValueError('depth image without pixels')
        encoding = spelt(message.encoding)
        encoding = DEPTH_ALIASES.get(encoding, encoding)
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

    :param message: sensor_msgs/CompressedImage: JPEG, PNG or whatever else OpenCV decodes; its
        format says what was compressed, as image_transport writes it.
    :return: (H,W,3) uint8 RGB.
    :raises PacketError: if it is a piece of a video.
    :raises ImageError: if OpenCV cannot decode it, or it holds distances.
    """
    encoding = _compressed_encoding(message)
    if encoding in DISTANCES or 'compresseddepth' in message.format.lower():
        raise ImageError('the compressed image holds distances, not colours; remap '
                         "image/compressed to the colour camera's topic (format "
                         f'{message.format!r})')
    if not encoding.startswith('bayer_'):
        image = _decode(message, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)
    image = _decode(message, cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:  # The camera has made colours of the pattern before it compressed.
        return cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB)
    try:
        return _eight_bits(cv2.cvtColor(image, find_encoding(encoding).to_rgb))
    except (ValueError, cv2.error) as error:
        raise ImageError(f'{_first_line(error)} (format {message.format!r})') from error


def decompress_depth(message: Any) -> np.ndarray:
    """
    Decode a compressed depth image.

    :param message: sensor_msgs/CompressedImage of the transport compressed (PNG, TIFF) or
        compressedDepth (PNG).
    :return: (H,W) uint16 millimetres or float32 metres.
    :raises ImageError: if it cannot be decoded, or is no depth image.
    """
    encoding = _compressed_encoding(message)
    encoding = DEPTH_ALIASES.get(encoding, encoding)
    transport = 'compresseddepth' in message.format.lower()
    depth = _decode(message, cv2.IMREAD_UNCHANGED, DEPTH_HEADER.size if transport else 0)
    if transport and encoding == '32FC1' and depth.dtype == np.uint16 and depth.ndim == 2:
        _, scale, offset = DEPTH_HEADER.unpack(bytes(message.data[:DEPTH_HEADER.size]))
        with np.errstate(divide='ignore'):
            metres = np.float32(scale) / (depth.astype(np.float32) - np.float32(offset))
        return np.where(depth > 0, metres, np.float32(np.nan))
    if encoding not in DEPTHS or depth.ndim != 2 or depth.dtype != DEPTHS[encoding].dtype:
        raise ImageError(f'compressed depth must be {" or ".join(DEPTHS)} without loss, got '
                         f'{depth.dtype} of shape {depth.shape} (format {message.format!r})')
    return depth


def _compressed_encoding(message: Any) -> str:
    """Tell what was compressed, where the format says so: `ENCODING; jpeg compressed bgr8`."""
    return spelt(message.format.partition(';')[0].strip())


def _decode(message: Any, flags: int, start: int = 0) -> np.ndarray:
    data = np.frombuffer(message.data, np.uint8)
    if not len(data):
        raise ImageError(f'compressed image without data (format {message.format!r})')
    image = decode(data[start:], flags)
    if image is not None:
        return image
    if VIDEO_FORMATS.search(message.format) or bytes(data[:4]).startswith(VIDEO_STARTS):
        raise PacketError(f'a piece of a video, not an image (format {message.format!r}): '
                          f'{REPUBLISH}')
    raise ImageError(f'compressed image of {len(data)} bytes cannot be decoded (format '
                     f'{message.format!r})')


def describe(message: Any) -> str:
    """Name what matters of a sensor_msgs/Image, for error messages."""
    return (f'encoding {message.encoding!r}, height {message.height}, width {message.width}, '
            f'step {message.step}, {len(message.data)} bytes of data')


def _converted(message: Any, encoding: Encoding) -> np.ndarray:
    pixels = _view(message, encoding)
    if pixels.dtype == np.uint16:
        pixels = _native(pixels, bool(message.is_bigendian))
    if encoding.to_rgb is not None:
        pixels = cv2.cvtColor(pixels, encoding.to_rgb)
    return _eight_bits(pixels)


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    return (cv2.convertScaleAbs(pixels, alpha=255 / 65535) if pixels.dtype == np.uint16
            else pixels)


def _view(message: Any, encoding: Encoding) -> np.ndarray:
    itemsize = np.dtype(encoding.dtype).itemsize
    pixel = encoding.channels * itemsize
    if encoding.subsampled and (message.width % 2 or (message.height * encoding.rows) % 2):
        raise ValueError('this encoding needs an even size')
    rows = message.height * encoding.rows // 2
    if message.step < message.width * pixel:
        raise ValueError(f'step is smaller than a row of {message.width * pixel} bytes')
    end = message.step * (rows - 1) + message.width * pixel  # Some pad no row after the last one.
    if len(message.data) not in (message.step * rows, end):
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
