# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From RGB arrays to the messages of a camera, in the encodings and layouts that cameras use."""

from __future__ import annotations

import cv2
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.ros.output.byte_arrays import byte_array
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

ENCODINGS = {'rgb8': None, 'bgr8': cv2.COLOR_RGB2BGR, 'mono8': cv2.COLOR_RGB2GRAY}
"""Encoding -> OpenCV's conversion code from RGB."""

FORMATS = {'jpeg': '.jpg', 'png': '.png'}
"""Compression -> suffix by which OpenCV knows it."""


def raw_image(header: Header, image: np.ndarray, encoding: str = 'rgb8',
              padding: int = 0) -> Image:
    """
    Make the message of a camera without compression.

    :param image: (H,W,3) uint8 RGB.
    :param padding: bytes without meaning at the end of each row.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f'encoding must be one of {", ".join(ENCODINGS)}, got {encoding!r}')
    code = ENCODINGS[encoding]
    pixels = image if code is None else cv2.cvtColor(image, code)
    height, width = image.shape[:2]
    rows = pixels.reshape(height, -1)
    if padding:
        rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return Image(header=header, height=height, width=width, encoding=encoding,
                 step=rows.shape[1], data=byte_array(rows))


def compressed_image(header: Header, image: np.ndarray, compression: str) -> CompressedImage:
    """
    Make the message of a camera that compresses.

    :param image: (H,W,3) uint8 RGB.
    :return: the message; its format is written as image_transport does.
    """
    if compression not in FORMATS:
        raise ValueError(f'compression must be one of {", ".join(FORMATS)}, got {compression!r}')
    _, data = cv2.imencode(FORMATS[compression], cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return CompressedImage(header=header, format=f'rgb8; {compression} compressed bgr8',
                           data=byte_array(data))


def depth_image(header: Header, metres: np.ndarray) -> Image:
    """
    Make the message of registered depth.

    :param metres: (H,W) float32; 0 where it is not known.
    """
    height, width = metres.shape
    return Image(header=header, height=height, width=width, encoding='32FC1',
                 step=metres.strides[0], data=byte_array(metres))


def camera_info(header: Header, image_size: tuple[int, int], camera: Intrinsics) -> CameraInfo:
    """
    Make the message of a pinhole's intrinsics.

    :param image_size: (height, width).
    :param camera: in pixels of the image.
    """
    height, width = image_size
    k = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    return CameraInfo(header=header, height=height, width=width, k=k.ravel(),
                      d=[0.0] * 5, distortion_model='plumb_bob', r=np.eye(3).ravel(),
                      p=np.pad(k, ((0, 0), (0, 1))).ravel())
