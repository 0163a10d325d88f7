#!/usr/bin/env python3
# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Where a robot must not drive: instances as the mask that Nav2's semantic segmentation layer reads.

`~/mask` (mono8) holds a class for each pixel: 0 unknown, 1 obstacle, 2 drivable; `~/confidence`
(mono8) the instance's score from 0 to 255; `~/label_info` names the classes where vision_msgs is
installed. Classes named in the parameter `drivable` are ground, all others are obstacles.

    python3 examples/obstacle_mask.py --ros-args -r instances:=segmenter/instances
"""

from __future__ import annotations

from collections.abc import Collection

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.packed_mask import unpack
from metricseg_ros.ros.output import vision
from metricseg_ros.ros.output.byte_arrays import byte_array
from metricseg_ros.ros.process.lifetime import running
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

UNKNOWN, OBSTACLE, DRIVABLE = 0, 1, 2
CLASSES = {OBSTACLE: 'obstacle', DRIVABLE: 'drivable'}
"""What Nav2 is told of. It is not told of the unknown, which so neither marks nor clears."""
MOST_PIXELS = 10 ** 8
"""Largest image that is believed."""


def obstacle_mask(message: InstanceArray, drivable: Collection[str]
                  ) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """
    Draw the instances; an obstacle covers what is drivable.

    :param message: the instances.
    :param drivable: names of classes that one may drive on.
    :return: (H,W) uint8 class, (H,W) uint8 confidence, and what is wrong with instances that were
        left out.
    :raises ValueError: if the image's size cannot be true.
    """
    size = (message.image_height, message.image_width)
    if not 0 < size[0] * size[1] <= MOST_PIXELS:
        raise ValueError(f'image of {size[0]} x {size[1]} pixels')
    classes, confidence = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    problems = []
    # The ground first, and the surest last, so that it is seen.
    for instance in sorted(message.instances, key=lambda item: (
            item.class_name not in drivable, item.score)):
        try:
            mask = unpack(instance.mask, size)
        except ValueError as error:
            problems.append(f'instance {instance.id} left out: {error}')
            continue
        classes[mask] = DRIVABLE if instance.class_name in drivable else OBSTACLE
        confidence[mask] = round(255 * float(np.clip(np.nan_to_num(instance.score), 0, 1)))
    return classes, confidence, problems


class ObstacleMask(Node):
    """Publish the mask of each image's instances."""

    def __init__(self, **options: object) -> None:
        """
        Subscribe and publish.

        :param options: of rclpy's Node.
        """
        super().__init__('obstacle_mask', **options)
        self.declare_parameter('drivable', Parameter.Type.STRING_ARRAY)
        self._mask = self.create_publisher(Image, '~/mask', 5)
        self._confidence = self.create_publisher(Image, '~/confidence', 5)
        self.create_subscription(InstanceArray, 'instances', self._draw, 1)
        if vision.AVAILABLE:
            self._labels = self.create_publisher(vision.LabelInfo, '~/label_info', QoSProfile(
                depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
            self._labels.publish(vision.LabelInfo(
                header=Header(stamp=self.get_clock().now().to_msg()),
                class_map=[vision.VisionClass(class_id=class_id, class_name=name)
                           for class_id, name in CLASSES.items()]))

    def _draw(self, message: InstanceArray) -> None:
        drivable = self.get_parameter_or('drivable').value or ()
        try:
            classes, confidence, problems = obstacle_mask(message, drivable)
        except ValueError as error:
            self.get_logger().warning(f'message left out: {error}')
            return
        for problem in problems:
            self.get_logger().warning(problem)
        self._mask.publish(grey_image(message.header, classes))
        self._confidence.publish(grey_image(message.header, confidence))


def grey_image(header: Header, values: np.ndarray) -> Image:
    """
    Put values into a message.

    :param header: of the image.
    :param values: (H,W) uint8.
    :return: mono8 image.
    """
    return Image(header=header, height=values.shape[0], width=values.shape[1], encoding='mono8',
                 step=values.shape[1], data=byte_array(values))


if __name__ == '__main__':
    with running(ObstacleMask) as node:
        rclpy.spin(node)
