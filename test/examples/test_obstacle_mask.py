# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Obstacles are where the instances are, and malformed messages take nothing down."""

from __future__ import annotations

from collections.abc import Callable
import math
from typing import Any

from metricseg_msgs.msg import Instance, InstanceArray, Mask
from metricseg_ros.packed_mask import pack
from metricseg_ros.ros.output import vision
from metricseg_ros.ros.output.byte_arrays import byte_array
import numpy as np
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros.examples import load
from ros.robot import Spinner, wait_for
from sensor_msgs.msg import Image
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

obstacles = load('obstacle_mask')


def instance(rows: slice, columns: slice, **fields: Any) -> Instance:
    mask = np.zeros((6, 8), bool)
    mask[rows, columns] = True
    packed = pack(mask)
    return Instance(mask=Mask(
        row=packed.row, column=packed.column, height=packed.height, width=packed.width,
        bits=byte_array(packed.bits)), **fields)


def array(*instances: Instance, size: tuple[int, int] = (6, 8)) -> InstanceArray:
    return InstanceArray(header=Header(frame_id='camera'), image_height=size[0],
                         image_width=size[1], instances=instances)


def test_an_obstacle_covers_the_ground_however_sure_the_ground_is() -> None:
    message = array(instance(slice(0, 2), slice(0, 2), class_name='box', score=0.5),
                    instance(slice(0, 4), slice(0, 8), class_name='floor', score=1.0))
    classes, confidence, problems = obstacles.obstacle_mask(message, ['floor'])
    expected = np.zeros((6, 8))
    expected[:4], expected[:2, :2] = obstacles.DRIVABLE, obstacles.OBSTACLE
    np.testing.assert_array_equal(classes, expected)
    assert (confidence[0, 0], confidence[3, 7], confidence[5, 5]) == (128, 255, 0)
    assert not problems


@pytest.mark.parametrize(('score', 'expected'), [(math.nan, 0), (7.0, 255), (-1.0, 0)])
def test_scores_out_of_range_are_cut(score: float, expected: int) -> None:
    message = array(instance(slice(0, 1), slice(0, 1), score=score))
    assert obstacles.obstacle_mask(message, ())[1][0, 0] == expected


@pytest.mark.parametrize('size', [(0, 0), (2 ** 31, 2 ** 31)])
def test_a_size_that_cannot_be_true_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f'image of {size[0]} x {size[1]} pixels'):
        obstacles.obstacle_mask(array(size=size), ())


def test_masks_come_over_ros_and_malformed_messages_are_left_out(
        start: Callable[..., Any]) -> None:
    node = start(Spinner(lambda context: obstacles.ObstacleMask(context=context))).node
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    masks: list[Image] = []
    robot.create_subscription(Image, 'obstacle_mask/mask', masks.append, 5)
    camera = robot.create_publisher(InstanceArray, 'instances', 5)
    broken = instance(slice(0, 6), slice(0, 8), id=9)
    broken.mask.column = 5
    good = instance(slice(2, 3), slice(4, 6), class_name='box', score=1.0)
    wait_for(lambda: camera.publish(array(good, size=(0, 0))) or camera.publish(
        array(broken, good)) or masks, 'a mask')
    assert (masks[0].encoding, masks[0].header.frame_id) == ('mono8', 'camera')
    pixels = np.frombuffer(masks[0].data, np.uint8).reshape(6, 8)
    assert np.argwhere(pixels == obstacles.OBSTACLE).tolist() == [[2, 4], [2, 5]]
    assert robot.count_publishers('obstacle_mask/label_info') == int(vision.AVAILABLE)
    node.set_parameters([Parameter('drivable', value=['box'])])
    wait_for(lambda: camera.publish(array(good)) or max(masks[-1].data) == obstacles.DRIVABLE,
             'boxes to be drivable')


@pytest.mark.skipif(not vision.AVAILABLE, reason='LABEL INFO IS UNTESTED: no vision_msgs')
def test_classes_are_named_for_those_who_come_later(start: Callable[..., Any]) -> None:
    start(Spinner(lambda context: obstacles.ObstacleMask(context=context)))
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    came: list[Any] = []
    # As Nav2's layer asks for it.
    robot.create_subscription(vision.LabelInfo, 'obstacle_mask/label_info', came.append,
                              QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    wait_for(lambda: came, 'label info')
    assert {item.class_id: item.class_name for item in came[0].class_map} == {
        obstacles.OBSTACLE: 'obstacle', obstacles.DRIVABLE: 'drivable'}
