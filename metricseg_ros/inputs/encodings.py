# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What each image encoding of sensor_msgs means in memory, and how OpenCV turns it into RGB.

One table before cv_bridge or rosbags-image: between them they miss encodings (uyvy, nv12), row
padding or byte order, and cv_bridge's module loads only with the NumPy it was built for. The tests
compare every entry with rosbags-image where that knows it, and with sums done by hand. The node
asks cv_bridge for what is not in the table.
"""

from __future__ import annotations

from dataclasses import dataclass
import difflib

import cv2
import numpy as np


class UnknownEncodingError(ValueError):
    """An encoding that the table does not know."""


@dataclass(frozen=True)
class Encoding:
    """
    Layout of an image's data.

    :param dtype: type of one channel's value.
    :param channels: values of one pixel; 1 where a pixel's colour is spread over neighbours.
    :param to_rgb: OpenCV's conversion code to RGB, or None where the data is RGB.
    :param rows: rows of data for 2 rows of the image; 3 with a chroma plane of half height.
    """

    dtype: type
    channels: int
    to_rgb: int | None
    rows: int = 2

    @property
    def subsampled(self) -> bool:
        """Whether neighbouring pixels share their chroma, which takes an even size."""
        return self.channels == 2 or self.rows == 3


COLOURS = {
    'rgb': (3, None), 'bgr': (3, cv2.COLOR_BGR2RGB), 'rgba': (4, cv2.COLOR_RGBA2RGB),
    'bgra': (4, cv2.COLOR_BGRA2RGB), 'mono': (1, cv2.COLOR_GRAY2RGB),
    # OpenCV names a Bayer pattern by its second row, ROS by its first.
    'bayer_rggb': (1, cv2.COLOR_BayerBG2RGB), 'bayer_bggr': (1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg': (1, cv2.COLOR_BayerGR2RGB), 'bayer_grbg': (1, cv2.COLOR_BayerGB2RGB),
}
"""Channels and conversion of the colour formats that come in 8 and in 16 bits."""

ENCODINGS = {
    **{f'{name}8': Encoding(np.uint8, *colour) for name, colour in COLOURS.items()},
    **{f'{name}16': Encoding(np.uint16, *colour) for name, colour in COLOURS.items()},
    # The drivers that name OpenCV's types mean OpenCV's order of channels.
    '8UC1': Encoding(np.uint8, 1, cv2.COLOR_GRAY2RGB),
    '8UC3': Encoding(np.uint8, 3, cv2.COLOR_BGR2RGB),
    '8UC4': Encoding(np.uint8, 4, cv2.COLOR_BGRA2RGB),
    'yuv422': Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    'yuv422_yuy2': Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2),
    'yuyv': Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2),
    'nv12': Encoding(np.uint8, 1, cv2.COLOR_YUV2RGB_NV12, rows=3),
    'nv21': Encoding(np.uint8, 1, cv2.COLOR_YUV2RGB_NV21, rows=3),
}
"""Encoding name -> layout, for every encoding whose pixels are colours or grey values."""

DEPTHS = {'16UC1': Encoding(np.uint16, 1, None), '32FC1': Encoding(np.float32, 1, None)}
"""Encoding name -> layout of distances, in millimetres and in metres (REP 118)."""

DISTANCES = (*DEPTHS, '64FC1', '16SC1')
"""Encodings that hold distances and no colours, known as depth or not."""

DEPTH_ALIASES = {'mono16': '16UC1'}
"""What some drivers call millimetres, and depth_image_proc takes for such -> its proper name."""

SPELLING = {name.lower(): name for name in (*ENCODINGS, *DISTANCES, *DEPTH_ALIASES)}


def spelt(name: str) -> str:
    """Spell an encoding as ROS does, whatever its capitals; one that is not known stays."""
    return SPELLING.get(name.strip().lower(), name)


def find_encoding(name: str) -> Encoding:
    """
    Look an encoding up.

    :param name: encoding as in sensor_msgs/Image.
    :raises UnknownEncodingError: for an encoding that is not in the table.
    :raises ValueError: for an encoding that holds no colours.
    """
    name = spelt(name)
    if name in ENCODINGS:
        return ENCODINGS[name]
    if name in DISTANCES:
        raise ValueError(f'encoding {name!r} holds distances, not colours; remap image to the '
                         "colour camera's topic")
    close = difflib.get_close_matches(name, ENCODINGS, n=1)
    hint = f'did you mean {close[0]!r}?' if close else f'known are {", ".join(ENCODINGS)}'
    raise UnknownEncodingError(f'unknown encoding {name!r}; {hint}')
