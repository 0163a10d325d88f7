# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A point clicked in RViz gives the mask of what is seen there, or the log says why not."""

from __future__ import annotations

from collections.abc import Iterator
import importlib.util
import math
from pathlib import Path
from typing import Any

from geometry_msgs.msg import TransformStamped
from metricseg_ros.ros.services.clicked_points import pixel_of, PointError
from metricseg_ros.ros.services.transforms import transformed
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros.asking import click
from ros.depth_camera import DepthCamera, LENS
from ros.finger import Finger, FRAME, GREEN
from ros.robot import Robot, Segmenter, wait_for
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

has_tf2 = importlib.util.find_spec('tf2_ros') is not None


@pytest.fixture(scope='module')
def finger(colour_model: Path) -> Iterator[Finger]:
    """Give a finger for a segmenter that has seen an image and knows its camera."""
    segmenter = Segmenter(colour_model, image_reliability='reliable', input__depth=False)
    robot = Robot('instances', 'clicked')
    camera = DepthCamera(robot)
    robot.wait_until_matched()
    wait_for(lambda: camera.answer('instances') and camera.info.get_subscription_count(),
             'camera_info to be asked for')
    finger = Finger(robot)

    def answered() -> list[Any]:
        camera.answer('instances')
        finger.point_at(*GREEN)
        return finger.masks()
    wait_for(answered, 'a mask')
    yield finger
    robot.close()
    segmenter.close()


def test_a_point_gives_the_mask_that_a_click_on_its_pixel_gives(finger: Finger) -> None:
    expected = click(finger.robot, GREEN).result
    finger.masks().clear()
    finger.point_at(*GREEN)
    # Masks of points before may still come, of the images of their time.
    found = wait_for(lambda: [mask for mask in finger.masks() if mask.header == expected.header],
                     'the mask')[0]
    assert found.instances == expected.instances
    assert len(found.instances) == 1


def test_depth_is_not_asked_for(finger: Finger) -> None:
    assert not finger.robot.node.count_subscribers('/depth')


@pytest.mark.parametrize(('place', 'text'), [
    ((0.0, 0.0, -1.0), f'the point (0, 0, -1) in {FRAME} is not in front of the camera'),
    ((0.0, 0.0, 0.0), 'is not in front of the camera'),
    ((math.nan, 0.0, 1.0), 'the point (nan, 0, 1)'),
    ((9.0, 0.0, 1.0), 'is outside the image of 240 rows and 320 columns')])
def test_a_point_that_is_not_seen_is_named(finger: Finger, place: tuple[float, float, float],
                                           text: str) -> None:
    finger.masks().clear()
    finger.point(*place)
    wait_for(lambda: finger.robot.warnings(text), text)
    assert finger.robot.warnings(text)[0].startswith('no mask of the clicked point: ')
    finger.point_at(*GREEN)
    wait_for(finger.masks, 'the next mask')


@pytest.mark.skipif(has_tf2, reason='tf2_ros is installed')
def test_a_point_in_another_frame_needs_tf2(finger: Finger) -> None:
    finger.point_at(*GREEN, frame='map')
    wait_for(lambda: finger.robot.warnings(
        f"the point is in frame 'map', the image in '{FRAME}', and tf2_ros is not installed: set "
        f"RViz's fixed frame to {FRAME}"), 'the way out')


@pytest.mark.skipif(not has_tf2, reason='tf2_ros is not installed')
def test_a_point_in_another_frame_is_transformed(finger: Finger) -> None:
    from tf2_msgs.msg import TFMessage
    finger.point_at(*GREEN, frame='nowhere')
    wait_for(lambda: finger.robot.warnings("no transform from 'nowhere'"), 'the warning')
    static = finger.robot.node.create_publisher(TFMessage, '/tf_static', QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    transform = TransformStamped(header=Header(frame_id='map'), child_frame_id=FRAME)
    transform.transform.translation.x = 10.0
    static.publish(TFMessage(transforms=[transform]))
    finger.masks().clear()
    place = LENS.points(np.array([GREEN[1]]), np.array([GREEN[0]]), np.array([1.5]))[0]

    def answered() -> list[Any]:
        # Until the transform has come.
        finger.point(10.0 + float(place[0]), float(place[1]), float(place[2]), frame='map')
        return finger.masks()
    wait_for(answered, 'the mask')
    assert finger.masks()[0].instances == click(finger.robot, GREEN).result.instances


def test_a_pixel_is_where_the_point_is_seen() -> None:
    place = LENS.points(np.array([17.0]), np.array([201.0]), np.array([2.5]))[0]
    np.testing.assert_allclose(pixel_of(place, LENS, 'c'), [[201.0, 17.0]], atol=1e-4)
    with pytest.raises(PointError, match=r'\(1, 2, inf\) in left is not in front'):
        pixel_of(np.array([1, 2, np.inf]), LENS, 'left')


def test_a_transform_turns_and_then_shifts() -> None:
    transform = TransformStamped()
    quarter = transform.transform.rotation  # About z: x becomes y.
    quarter.z = quarter.w = math.sqrt(0.5)
    transform.transform.translation.z = 3.0
    np.testing.assert_allclose(transformed(np.array([1.0, 0.0, 5.0]), transform), [0, 1, 8],
                               atol=1e-12)
