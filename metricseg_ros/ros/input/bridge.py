# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading image messages at the robot: by our own table, and by cv_bridge what that lacks."""

from __future__ import annotations

from typing import Any

from metricseg_ros.inputs.encodings import UnknownEncodingError
from metricseg_ros.inputs.image_messages import ImageError, to_rgb
import numpy as np


def read_image_message(message: Any) -> np.ndarray:
    """
    Read an image message.

    :param message: sensor_msgs/Image or sensor_msgs/CompressedImage.
    :return: (H,W,3) uint8 RGB.
    :raises ImageError: if neither knows the encoding, or the message is at fault.
    """
    try:
        return to_rgb(message)
    except ImageError as error:
        if not isinstance(error.__cause__, UnknownEncodingError):
            raise
        return _bridged(message, error)


def _bridged(message: Any, unknown: ImageError) -> np.ndarray:
    try:
        from cv_bridge import CvBridge
    except (ImportError, AttributeError):
        # Absent, or built for another NumPy, which ends in an AttributeError.
        raise unknown from None
    try:
        return CvBridge().imgmsg_to_cv2(message, desired_encoding='rgb8')
    except Exception as error:  # Its own, or an ImportError if its compiled half is absent.
        raise ImageError(f'{unknown}; cv_bridge cannot read it either: {error}') from error
