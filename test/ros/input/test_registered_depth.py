# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A lens that bends what is seen is told of, unless the image is rectified."""

from __future__ import annotations

import math
from typing import Any

from metricseg_ros.inputs.registered_depth import advise_rectifying, lens_shift
import pytest
from ros.depth_camera import info_message, LENS, SIZE
from std_msgs.msg import Header

pytestmark = pytest.mark.ros


def info(*distortion: float, model: str = 'plumb_bob', **fields: Any) -> Any:
    return info_message(Header(), d=list(distortion), distortion_model=model, **fields)


def test_the_shift_is_that_of_the_corner_farthest_from_the_axis() -> None:
    x, y = LENS.cx / LENS.fx, (SIZE[0] - LENS.cy) / LENS.fy
    far = (SIZE[1] - LENS.cx) / LENS.fx
    radius = (far**2 + y**2)**0.5
    assert x < far
    # k1 moves a ray at radius r by k1 r^3 (Brown); fx and fy differ by a twentieth.
    expected = 0.1 * radius**2 * ((far * LENS.fx)**2 + (y * LENS.fy)**2)**0.5
    assert lens_shift(info(0.1, 0.0, 0.0, 0.0, 0.0)) == pytest.approx(expected)


@pytest.mark.parametrize('lens', [
    info(), info(0.0, 0.0, 0.0, 0.0, 0.0), info(0.5, 0.5, 0.5), info(0.5, model='odd'),
    info(0.1, 0.0, 0.0, 0.0, 0.0, k=[0.0] * 9)])
def test_a_lens_that_is_straight_or_not_known_moves_nothing(lens: Any) -> None:
    assert lens_shift(lens) == 0


def test_a_fish_eye_is_known() -> None:
    assert lens_shift(info(0.0001, 0.0, 0.0, 0.0, model='equidistant')) > 10


@pytest.mark.parametrize(('lens', 'topic', 'is_said'), [
    (info(-0.3, 0.0, 0.0, 0.0, 0.0), '/camera/image_raw', True),
    (info(-0.3, 0.0, 0.0, 0.0, 0.0), '/camera/image_rect_color', False),
    (info(-0.3, 0.0, 0.0, 0.0, 0.0), '/direct/image_raw', True),
    (info(math.nan, 0.0, 0.0, 0.0, 0.0), '/camera/image_raw', False),
    (info(-0.001, 0.0, 0.0, 0.0, 0.0), '/camera/image_raw', False)])
def test_distortion_that_matters_is_said_of_images_as_they_are_taken(lens: Any, topic: str,
                                                                     is_said: bool) -> None:
    assert ('the lens moves what is seen' in advise_rectifying(lens, topic)) == is_said
