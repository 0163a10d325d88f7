# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether depth and intrinsics are those of an image; what is wrong is said in one sentence."""

from __future__ import annotations

from typing import Any

from metricseg_ros.image_messages import ImageError, to_depth
from metricseg_ros.objects3d import depth_in_metres, Intrinsics
import numpy as np


class DepthError(ValueError):
    """Depth or intrinsics that do not belong to the image; the text says why."""


class MissingError(DepthError):
    """Depth or intrinsics that did not come."""


def registered_depth(message: Any, frame: str, size: tuple[int, int]) -> np.ndarray:
    """
    Read the depth of each pixel of an image.

    :param message: sensor_msgs/Image of the depth.
    :param frame: frame of the image.
    :param size: (height, width) of the image.
    :return: (H,W) float32 metres; NaN where not known.
    :raises DepthError: if the message cannot be read, or is not registered to the image.
    """
    _check_frame('the depth image', message.header.frame_id, frame)
    try:
        depth = to_depth(message)
    except ImageError as error:
        raise DepthError(f'depth not read: {error}') from error
    _check_size('the depth image', depth.shape, size)
    return depth_in_metres(depth)


def intrinsics_of(info: Any, frame: str, size: tuple[int, int]) -> Intrinsics:
    """
    Read the intrinsics of an image: those of P, since the image is taken to be rectified.

    Where P is not filled in, K is taken. A region and binning are allowed for as image_geometry
    does.

    :param info: sensor_msgs/CameraInfo.
    :param frame: frame of the image.
    :param size: (height, width) of the image.
    :return: the intrinsics.
    :raises DepthError: if they are not those of this image, or of no camera.
    """
    _check_frame('camera_info', info.header.frame_id, frame)
    binning = max(1, info.binning_y), max(1, info.binning_x)
    seen = info.roi.height or info.height, info.roi.width or info.width
    if any(seen):
        _check_size('camera_info', (seen[0] // binning[0], seen[1] // binning[1]), size)
    fx, cx, fy, cy = ((info.p[0], info.p[2], info.p[5], info.p[6]) if info.p[0]
                      else (info.k[0], info.k[2], info.k[4], info.k[5]))
    try:
        return Intrinsics(fx / binning[1], fy / binning[0], (cx - info.roi.x_offset) / binning[1],
                          (cy - info.roi.y_offset) / binning[0])
    except ValueError as error:
        raise DepthError(f'camera_info is of no calibrated camera: {error}') from error


def _check_frame(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise DepthError(f'{what} is in frame {found!r} and the image in {wanted!r}: take depth '
                         'that is registered to the image (aligned_depth_to_color, '
                         'depth_registered), and the camera_info of the image')


def _check_size(what: str, found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if tuple(found) != tuple(wanted):
        raise DepthError(f'{what} is of {found[1]}x{found[0]} pixels and the image of '
                         f'{wanted[1]}x{wanted[0]}: take depth that is registered to the image, '
                         'and the camera_info of the image')
