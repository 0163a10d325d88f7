# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading images at the robot: what no table knows, and where there is a cv_bridge."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from metricseg_ros.inputs.image_messages import ImageError
import numpy as np
import pytest

pytestmark = pytest.mark.ros
BRIDGE = importlib.util.find_spec('cv_bridge') is not None


def image(encoding, pixels):
    from sensor_msgs.msg import Image
    return Image(encoding=encoding, height=pixels.shape[0], width=pixels.shape[1],
                 step=pixels.strides[0], data=pixels.tobytes())


def test_known_encoding_is_read_by_the_table():
    from metricseg_ros.ros.input.bridge import read_image_message
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(read_image_message(image('bgr8', pixels)), pixels[..., ::-1])


def test_encoding_that_nobody_knows_is_named():
    from metricseg_ros.ros.input.bridge import read_image_message
    with pytest.raises(ImageError, match='yuv999'):
        read_image_message(image('yuv999', np.zeros((2, 3, 3), np.uint8)))


@pytest.mark.skipif(not BRIDGE, reason='needs cv_bridge')
def test_cv_bridge_agrees_with_the_table():
    from cv_bridge import CvBridge
    from metricseg_ros.ros.input.bridge import read_image_message
    pixels = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    for encoding in ('rgb8', 'bgr8'):
        message = image(encoding, pixels)
        np.testing.assert_array_equal(read_image_message(message),
                                      CvBridge().imgmsg_to_cv2(message, 'rgb8'))


def test_a_cv_bridge_without_its_compiled_half_is_told_in_an_image_error(monkeypatch):
    from metricseg_ros.ros.input.bridge import read_image_message

    class CvBridge:

        def imgmsg_to_cv2(self, message, desired_encoding):
            raise ImportError('libboost_python310.so.1.74.0: cannot open shared object file')

    module = ModuleType('cv_bridge')
    module.CvBridge = CvBridge
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    with pytest.raises(ImageError, match='libboost'):
        read_image_message(image('yuv999', np.zeros((2, 3, 3), np.uint8)))
