# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A lens that bends what is seen is told of, unless the image is rectified."""

from __future__ import annotations

import math
from typing import Any

from metricseg_ros.inputs.registered_depth import advise_rectifying, rectifying_shift
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
    assert rectifying_shift(info(0.1, 0.0, 0.0, 0.0, 0.0)) == pytest.approx(expected)


@pytest.mark.parametrize('lens', [
    info(), info(0.0, 0.0, 0.0, 0.0, 0.0), info(0.0, model='odd'),
    info(k=[0.0] * 9), info(p=[0.0] * 12), info(r=[0.0] * 9),
    info(0.1, 0.0, 0.0, 0.0, 0.0, k=[0.0] * 9, p=[0.0] * 12)])
def test_a_lens_that_is_straight_moves_nothing(lens: Any) -> None:
    assert rectifying_shift(lens) == pytest.approx(0, abs=1e-9)


def test_a_camera_that_is_turned_moves_what_is_seen() -> None:
    # Half a turn about the axis: the farthest corner comes to lie on its other side.
    far = math.hypot(SIZE[1] - LENS.cx, SIZE[0] - LENS.cy)
    turned = info(r=[-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0])
    assert rectifying_shift(turned) == pytest.approx(2 * far)
    # By 0.1 about the vertical axis, to the right: what rectified lies at x is seen at the angle
    # atan(x) - 0.1 or + 0.1; at the rim's middle row that is all there is.
    turn = math.cos(0.1), math.sin(0.1)
    aside = info(r=[turn[0], 0.0, turn[1], 0.0, 1.0, 0.0, -turn[1], 0.0, turn[0]])
    x = (SIZE[1] - LENS.cx) / LENS.fx
    assert rectifying_shift(aside) > LENS.fx * abs(math.tan(math.atan(x) - 0.1) - x)


def test_a_rectified_image_of_another_focal_length_is_not_the_one_as_taken() -> None:
    # P sees a quarter nearer than K: there the rim lies 1.25 times as far from the axis.
    nearer = info(p=[1.25 * LENS.fx, 0.0, LENS.cx, 0.0, 0.0, LENS.fy, LENS.cy, 0.0,
                     0.0, 0.0, 1.0, 0.0])
    assert rectifying_shift(nearer) == pytest.approx((SIZE[1] - LENS.cx) * 0.2)


def test_without_k_the_lens_bends_what_p_sees() -> None:
    bent = (0.1, 0.0, 0.0, 0.0, 0.0)
    assert rectifying_shift(info(*bent, k=[0.0] * 9)) == rectifying_shift(info(*bent))


def fish_eye_shift(k1: float) -> float:
    """
    Compute where an equidistant lens sees the corners.

    A ray at the angle a to the axis is seen a + k1 a^3 focal lengths from it, where a pinhole
    camera would see it at tan(a).
    """
    corners = [(x, y) for x in (0, SIZE[1]) for y in (0, SIZE[0])]
    shifts = []
    for column, row in corners:
        x, y = (column - LENS.cx) / LENS.fx, (row - LENS.cy) / LENS.fy
        angle = math.atan(math.hypot(x, y))
        scale = (angle + k1 * angle**3) / math.hypot(x, y) - 1
        shifts.append(math.hypot(x * scale * LENS.fx, y * scale * LENS.fy))
    return max(shifts)


@pytest.mark.parametrize('model', ['equidistant', 'fisheye', 'kannala_brandt4', 'Kannala Brandt4'])
@pytest.mark.parametrize('more', [(), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)])
def test_a_fish_eye_is_one_by_any_name_and_with_any_number_of_zeros(model: str,
                                                                    more: tuple) -> None:
    assert rectifying_shift(info(0.05, *more, model=model)) == pytest.approx(fish_eye_shift(0.05))


@pytest.mark.parametrize('model', ['plumb_bob', 'radtan', 'Brown Conrady'])
def test_a_plumb_bob_has_several_names(model: str) -> None:
    bent = info(0.1, 0.0, 0.0, 0.0, 0.0, model=model)
    assert rectifying_shift(bent) == rectifying_shift(info(0.1))


@pytest.mark.parametrize('lens', [
    info(0.5, model='odd'), info(0.5, model=''), info(0.1, 0.0, 0.0, 0.0, 0.01, model='fisheye'),
    info(math.nan, 0.0, 0.0, 0.0, 0.0), info(*[0.1] * 8),
    info(*[0.1] * 15, model='rational_polynomial')])
def test_a_lens_that_is_not_known_is_said_to_be(lens: Any) -> None:
    assert rectifying_shift(lens) is None
    told = advise_rectifying(lens, '/camera/image_raw')
    assert repr(lens.distortion_model) in told and 'is not known' in told
    assert not advise_rectifying(lens, '/camera/image_rect')


@pytest.mark.parametrize(('lens', 'topic', 'is_said'), [
    (info(-0.3, 0.0, 0.0, 0.0, 0.0), '/camera/image_raw', True),
    (info(-0.3, 0.0, 0.0, 0.0, 0.0), '/camera/image_rect_color', False),
    (info(-0.3, 0.0, 0.0, 0.0, 0.0), '/direct/image_raw', True),
    (info(math.nan, 0.0, 0.0, 0.0, 0.0), '/camera/image_raw', False),
    (info(-0.001, 0.0, 0.0, 0.0, 0.0), '/camera/image_raw', False)])
def test_distortion_that_matters_is_said_of_images_as_they_are_taken(lens: Any, topic: str,
                                                                     is_said: bool) -> None:
    assert ('rectifying moves what is seen' in advise_rectifying(lens, topic)) == is_said
