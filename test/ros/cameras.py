# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a robot that has several."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
from rclpy.qos import QoSProfile
from ros.colour_model import scene
from ros.robot import flood, Robot, wait_for
from sensor_msgs.msg import Image


class Cameras:
    """The cameras of a robot, each with its own images."""

    def __init__(self, robot: Robot, *names: str) -> None:
        self.robot = robot
        self.publishers = {name: robot.node.create_publisher(
            Image, f'{name}/image', QoSProfile(depth=1)) for name in names}

    def wait_until_heard(self) -> None:
        wait_for(lambda: all(
            camera.get_subscription_count() and self.robot.is_seen(['instances'], name)
            for name, camera in self.publishers.items()), 'the cameras to be heard')

    def send(self, name: str, image: Any = None) -> Image:
        header = self.robot.header()
        header.frame_id = name
        message = raw_image(header, scene() if image is None else image)
        with suppress(RuntimeError):  # The middleware had no time for it: as if lost on the way.
            self.publishers[name].publish(message)
        return message

    def answer(self, name: str) -> Any:
        """Send images until one comes back."""
        self.robot.received[f'{name}/instances'].clear()
        wait_for(lambda: self.send(name) and self.robot.received[f'{name}/instances'],
                 f'instances of {name}')
        return self.robot.received[f'{name}/instances'][-1]

    def flood(self, name: str) -> AbstractContextManager[None]:
        return flood(lambda: self.send(name))
