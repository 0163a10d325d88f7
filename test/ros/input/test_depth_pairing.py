# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images meet their depth by their stamps, and nothing else waits for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from ros.depth_camera import depth_message, DepthCamera, info_message, true_depth
from ros.robot import Robot, Segmenter, Spinner, wait_for
from sensor_msgs.msg import CompressedImage, Image

pytestmark = pytest.mark.ros

Start = Callable[..., Any]


def test_depth_that_comes_late_is_waited_for_and_instances_are_not_held_up(
        start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model, depth__maximum_wait=60.0,
                          depth__maximum_difference=0.0)
    robot = camera.robot
    # One side knows of the other first: what is sent once may be lost before both do.
    wait_for(lambda: not camera.answer().problem, 'depth and intrinsics to come')
    header = camera.send(depth=lambda _: None)
    wait_for(lambda: camera.received('instances', header), 'instances')
    assert not camera.received('objects', header)
    camera.depth.publish(depth_message(header, true_depth()))
    wait_for(lambda: camera.received('objects', header), 'objects')
    assert not camera.received('objects', header)[0].problem
    assert not robot.warnings('no object has a place')


def test_of_several_near_depth_images_the_nearest_is_taken(start: Start,
                                                           colour_model: Path) -> None:
    camera = depth_camera(start, colour_model, depth__maximum_wait=60.0)
    header = camera.send(depth=lambda _: None)
    stamps = []
    for milliseconds in (-15, -4, 12):
        near = camera.robot.header()
        near.stamp = (Time.from_msg(header.stamp)
                      + Duration(nanoseconds=milliseconds * 10**6)).to_msg()
        camera.depth.publish(depth_message(near, true_depth()))
        stamps.append(near.stamp)
    wait_for(lambda: camera.received('objects', header), 'objects')
    assert camera.received('objects', header)[0].depth_stamp == stamps[1]


def test_an_older_image_is_let_go_when_a_newer_one_has_its_depth(start: Start,
                                                                 colour_model: Path) -> None:
    camera = depth_camera(start, colour_model, depth__maximum_wait=60.0)
    older, newer = (camera.answer('instances', depth=lambda _: None).header for _ in range(2))
    camera.depth.publish(depth_message(newer, true_depth()))
    wait_for(lambda: camera.received('objects', newer), 'objects')
    wait_for(lambda: camera.robot.value('skipped') not in (None, '0'), 'it to be counted')
    assert not camera.received('objects', older)


@pytest.mark.parametrize(('silent', 'topic', 'problem'), [
    ('depth', 'depth', 'no depth image has come'),
    ('info', 'camera_info', 'no camera_info has come')])
def test_an_input_that_is_silent_is_named(start: Start, colour_model: Path, silent: str,
                                          topic: str, problem: str) -> None:
    camera = depth_camera(start, colour_model, depth__maximum_wait=0.05)
    node = camera.robot.node
    node.create_publisher(Image, 'camera/aligned_depth_to_color/image_raw', 1)
    node.destroy_publisher(getattr(camera, silent))
    make: dict[str, Any] = {silent: lambda _: None}
    assert camera.answer(**make).problem == problem

    def diagnosed() -> bool:
        camera.answer(**make)
        return f'nobody publishes on /{topic}' in camera.robot.status.message
    wait_for(diagnosed, lambda: f'the diagnosis, not {camera.robot.status}')
    elsewhere = '/camera/aligned_depth_to_color/image_raw: start with `--ros-args -r depth:=...`'
    assert (elsewhere in camera.robot.status.message) == (silent == 'depth')


@pytest.mark.parametrize(('kind', 'reliability', 'text'), [
    (Image, 'BEST_EFFORT', 'no publisher on /depth can be heard: QoS policy RELIABILITY'),
    (CompressedImage, 'RELIABLE', '/depth carries sensor_msgs/msg/CompressedImage')])
def test_depth_that_cannot_be_heard_is_told_of(start: Start, colour_model: Path, kind: type,
                                               reliability: str, text: str) -> None:
    camera = depth_camera(start, colour_model, depth__maximum_wait=0.05)
    camera.robot.node.destroy_publisher(camera.depth)
    driver = start(Spinner(lambda context: Node('driver', context=context))).node
    driver.create_publisher(kind, 'depth', QoSProfile(
        depth=1, reliability=ReliabilityPolicy[reliability]))

    def diagnosed() -> bool:
        camera.answer(depth=lambda _: None)
        return f'no object has a place: {text}' in camera.robot.status.message
    wait_for(diagnosed, lambda: f'the diagnosis, not {camera.robot.status}')


def test_a_lens_that_bends_what_is_seen_is_told_of(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    bent = {'d': [-0.3, 0.0, 0.0, 0.0, 0.0], 'distortion_model': 'plumb_bob'}
    assert not camera.answer(info=lambda header: info_message(header, **bent)).problem
    wait_for(lambda: camera.robot.warnings('objects are placed as if the image on /image were'),
             'the warning')


def test_intrinsics_are_taken_before_the_depth_that_came_with_them(start: Start,
                                                                   colour_model: Path) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    camera = DepthCamera(start(Robot('instances')))
    camera.robot.wait_until_matched()
    camera.wait_until_heard()
    # The executor goes through them in this order.
    topics = [subscription.topic_name for subscription in node.subscriptions]
    assert topics.index('/camera_info') < topics.index('/depth')


def test_depth_is_asked_for_only_while_somebody_wants_it(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable', input__depth=False))
    robot = start(Robot('instances'))
    camera = DepthCamera(robot)
    robot.wait_until_matched()
    camera.answer('instances')
    assert not camera.depth.get_subscription_count() + camera.info.get_subscription_count()
    robot.subscribe('objects')
    camera.wait_until_heard()
    wait_for(lambda: not camera.answer().problem, 'objects with a place')
    for subscription in list(robot.node.subscriptions):
        if subscription.topic_name == '/segmenter/objects':
            robot.node.destroy_subscription(subscription)

    def left_alone() -> bool:
        camera.answer('instances')
        return not camera.depth.get_subscription_count()
    wait_for(left_alone, 'the segmenter to listen no more')


def test_what_waits_for_depth_when_the_node_is_deactivated_is_let_go(
        start: Start, colour_model: Path) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable',
                           depth__maximum_wait=60.0)).node
    robot = start(Robot('instances', 'objects'))
    camera = DepthCamera(robot)
    robot.wait_until_matched()
    camera.wait_until_heard()
    placing = node.session.cameras[''].placing
    camera.answer('instances', depth=lambda _: None)
    assert placing._waiting
    assert robot.change_state('deactivate')
    assert not placing._waiting and not placing.problem


def test_each_camera_has_its_own_depth(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable', cameras=['left', 'right']))
    robot = start(Robot('left/objects', 'right/objects'))
    left, right = DepthCamera(robot, 'left/'), DepthCamera(robot, 'right/')
    for camera in (left, right):
        camera.wait_until_heard()
    wait_for(lambda: not left.answer().problem, 'the left one to be placed')
    answer = right.answer(depth=lambda header: depth_message(header, true_depth(), frame='odd'))
    assert "frame 'odd'" in answer.problem
    assert not left.answer().problem
    wait_for(lambda: robot.warnings('(camera right)'), 'a warning of the right one')


def depth_camera(start: Start, model: Path, **parameters: Any) -> DepthCamera:
    """Start a segmenter that has been asked for objects."""
    start(Segmenter(model, image_reliability='reliable', **parameters))
    robot = start(Robot('instances', 'objects'))
    camera = DepthCamera(robot)
    robot.wait_until_matched()
    camera.wait_until_heard()
    return camera
