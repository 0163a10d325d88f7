# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether depth and intrinsics are those of an image; what is wrong is said in one sentence."""

from __future__ import annotations

import re
from typing import Any

import cv2
from metricseg_ros.inputs.image_messages import ImageError, to_depth
from metricseg_ros.pinhole import depth_in_metres, Intrinsics
from metricseg_ros.structures import DepthImage
import numpy as np

LARGEST_SHIFT = 2.0
"""Pixels by which rectifying may move what is seen, above which it has to be said."""


POLYNOMIAL = cv2.projectPoints, (4, 5)
RATIONAL = cv2.projectPoints, (8, 12, 14)
FISHEYE = cv2.fisheye.projectPoints, (4,)
LENS_MODELS = {
    'plumb_bob': POLYNOMIAL, 'brown_conrady': POLYNOMIAL, 'radtan': POLYNOMIAL,
    'radial-tangential': POLYNOMIAL, 'rational_polynomial': RATIONAL,
    'equidistant': FISHEYE, 'fisheye': FISHEYE, 'kannala_brandt': FISHEYE,
    'kannala_brandt4': FISHEYE,
}
"""Distortion model -> OpenCV's function for it, and how many coefficients that takes."""


class DepthError(ValueError):
    """Depth or intrinsics that do not belong to the image; the text says why."""


class MissingError(DepthError):
    """Depth or intrinsics that did not come."""


def read_registered(message: Any, info: Any, frame: str, size: tuple[int, int]) -> DepthImage:
    """
    Read depth and camera of an image.

    :param message: sensor_msgs/Image of the depth, or CompressedImage without loss.
    :param info: sensor_msgs/CameraInfo of the image; None where none has come.
    :param size: (height, width) of the image.
    :raises MissingError: if there are no intrinsics.
    :raises DepthError: if a message cannot be read, or does not belong to the image.
    """
    metres = registered_depth(message, frame, size)
    if info is None:
        raise MissingError('no camera_info has come')
    return DepthImage(np.nan_to_num(metres, copy=False), intrinsics_of(info, frame, size))


def registered_depth(message: Any, frame: str, size: tuple[int, int]) -> np.ndarray:
    """
    Read the depth of each pixel of an image.

    :param message: sensor_msgs/Image of the depth.
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
    :param size: (height, width) of the image.
    :raises DepthError: if they are not those of this image, or of no camera.
    """
    _check_frame('camera_info', info.header.frame_id, frame)
    binning = max(1, info.binning_y), max(1, info.binning_x)
    seen = info.roi.height or info.height, info.roi.width or info.width
    if any(seen):
        _check_size('camera_info', (seen[0] // binning[0], seen[1] // binning[1]), size)
    p, k = (getattr(info, name) if hasattr(info, name) else getattr(info, name.upper())
            for name in 'pk')  # ROS 1 writes them large.
    fx, cx, fy, cy = (p[0], p[2], p[5], p[6]) if p[0] else (k[0], k[2], k[4], k[5])
    try:
        return Intrinsics(fx / binning[1], fy / binning[0], (cx - info.roi.x_offset) / binning[1],
                          (cy - info.roi.y_offset) / binning[0])
    except ValueError as error:
        raise DepthError(f'camera_info is of no calibrated camera: {error}') from error


def advise_rectifying(info: Any, topic: str) -> str:
    """
    Say that an image which is not rectified puts objects in the wrong place.

    :param topic: name of the image's topic; one of rectified images has `rect` in it, by custom.
    :return: one sentence, or empty.
    """
    shift = 0.0 if re.search('[/_]rect', topic) else rectifying_shift(info)
    if shift is None:
        return (f'the distortion model {info.distortion_model!r} of camera_info, with '
                f'{len(info.d)} coefficients, is not known: objects are placed as if the image on '
                f'{topic} were rectified: take the rectified image')
    if not shift > LARGEST_SHIFT:  # Written so that NaN is none.
        return ''
    return (f'by camera_info rectifying moves what is seen by up to {shift:.0f} pixels, and '
            f'objects are placed as if the image on {topic} were rectified: take the rectified '
            'image, and depth that is registered to it')


def rectifying_shift(info: Any) -> float | None:
    """
    Compute by how much rectifying moves what is seen at the rim of the image.

    That is the distortion of the lens, the rotation R, and what P sees otherwise than K. What is
    not filled in is taken to change nothing.

    :param info: sensor_msgs/CameraInfo.
    :return: pixels; None where the distortion is of a model, or has more coefficients, than OpenCV
        knows.
    """
    lens, rotation = np.reshape(info.k, (3, 3)), np.reshape(info.r, (3, 3))
    rectified = np.reshape(info.p, (3, 4))[:, :3]
    rectified, lens = (rectified if rectified[0, 0] else lens), (lens if lens[0, 0] else rectified)
    if not (lens[0, 0] and lens[1, 1] and rectified[1, 1]):
        return 0.0  # No calibrated camera, which is said where it is read.
    project, distortion = _lens_model(info.distortion_model, np.array(info.d))
    if project is None:
        return None
    rows, columns = np.meshgrid((0, info.height / 2, info.height), (0, info.width / 2, info.width))
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    rays = np.ones((len(pixels), 1, 3))
    rays[:, 0, :2] = (pixels - rectified[:2, 2]) / rectified.diagonal()[:2]
    rays = rays @ rotation if rotation.any() else rays
    seen = project(rays, np.zeros(3), np.zeros(3), lens, distortion)[0]
    return float(np.linalg.norm(seen[:, 0] - pixels, axis=1).max())


def _lens_model(name: str, distortion: np.ndarray) -> tuple[Any, np.ndarray]:
    """Choose OpenCV's function and as many coefficients as it takes; None where there is none."""
    if not distortion.any():
        return cv2.projectPoints, np.zeros(4)
    project, counts = LENS_MODELS.get(name.lower().replace(' ', '_'), (None, ()))
    needed = int(np.flatnonzero(distortion)[-1]) + 1  # Coefficients of 0 may be there or not.
    count = next((count for count in counts if count >= needed), None)
    if count is None or not np.isfinite(distortion).all():
        return None, distortion
    return project, np.pad(distortion[:needed], (0, count - needed))


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
