# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera with registered depth that looks at the coloured rectangles, where each is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.ros.output.byte_arrays import byte_array
from metricseg_ros.ros.tools.camera_messages import camera_info, raw_image
import numpy as np
from rclpy.qos import QoSProfile
from ros.colour_model import COLOURS, scene
from ros.robot import Robot, wait_for
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

Make = Callable[[Header], Any]
SIZE = (240, 320)
LENS = Intrinsics(200.0, 210.0, 150.5, 119.5)
FLOOR = 3.0
PLANES = {'red': ((0.0, 0.0, -1.0), 1.0), 'green': ((0.6, 0.0, -0.8), 0.9),
          'blue': ((0.0, -0.6, -0.8), 1.2)}
"""Normal of each rectangle's plane, towards the camera, and its distance along it, in metres."""
CENTRES = {name: (55.5, 35.5 + 56 * index) for index, name in enumerate(COLOURS)}
"""Row and column of each rectangle's middle."""


def plane_depth(colour: str, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the depth at which rays through these pixels meet a rectangle's plane."""
    normal, distance = PLANES[colour]
    rays = np.stack([(columns - LENS.cx) / LENS.fx, (rows - LENS.cy) / LENS.fy,
                     np.ones(np.shape(rows))], axis=-1)
    return -distance / (rays @ normal)


def true_depth() -> np.ndarray:
    """Return (H,W) float32 metres of the scene."""
    rows, columns = np.mgrid[:SIZE[0], :SIZE[1]].astype(float)
    depth, image = np.full(SIZE, FLOOR), scene(*SIZE)
    for name, colour in COLOURS.items():
        inside = (image == colour).all(-1)
        depth[inside] = plane_depth(name, rows[inside], columns[inside])
    return depth.astype(np.float32)


def depth_message(header: Header, depth: np.ndarray, encoding: str = '32FC1',
                  **fields: Any) -> Image:
    """Make the message of a depth image in metres."""
    pixels = np.rint(depth * 1000).astype(np.uint16) if encoding in ('16UC1', 'mono16') else depth
    message = Image(header=header, height=depth.shape[0], width=depth.shape[1], encoding=encoding,
                    step=pixels.strides[0], data=byte_array(pixels))
    return changed(message, fields)


def info_message(header: Header, **fields: Any) -> CameraInfo:
    """Make the message of the intrinsics."""
    return changed(camera_info(header, SIZE, LENS), fields)


def changed(message: Any, fields: dict[str, Any]) -> Any:
    """Set fields of a message; frame is that of its header."""
    for name, value in fields.items():
        if name == 'frame':
            message.header = Header(stamp=message.header.stamp, frame_id=value)
        else:
            setattr(message, name, value)
    return message


class DepthCamera:
    """Publish images, depth and intrinsics of one stamp."""

    def __init__(self, robot: Robot, prefix: str = '') -> None:
        self.robot = robot
        self._prefix = prefix
        create, qos = robot.node.create_publisher, QoSProfile(depth=5)
        self.image = create(Image, f'{prefix}image', qos) if prefix else robot.camera
        self.depth = create(Image, f'{prefix}depth', qos)
        self.info = create(CameraInfo, f'{prefix}camera_info', qos)

    def wait_until_heard(self, depth: bool = True) -> None:
        """Wait for the segmenter's subscriptions, which it makes when an image comes."""
        wanted = [self.depth, self.info] if depth else [self.info]

        def heard() -> bool:
            self.image.publish(raw_image(self.robot.header(), scene(*SIZE)))
            return all(publisher.get_subscription_count() for publisher in wanted)
        wait_for(heard, 'depth to be asked for')

    def send(self, depth: Make = lambda header: depth_message(header, true_depth()),
             info: Make = lambda header: info_message(header)) -> Header:
        """Publish all three, but for those that are made None; return their header."""
        header = self.robot.header()
        for publisher, message in ((self.info, info(header)), (self.depth, depth(header)),
                                   (self.image, raw_image(header, scene(*SIZE)))):
            if message is not None:
                with suppress(RuntimeError):  # No time for it: as if lost on the way.
                    publisher.publish(message)
        return header

    def answer(self, name: str = 'objects', **make: Make) -> Any:
        """Send again and again until an output comes back with the header just sent."""
        found: list[Any] = []

        def answered() -> bool:
            header = self.send(**make)
            with suppress(AssertionError):
                wait_for(lambda: self.received(name, header), name, 2.0)
            found.extend(self.received(name, header))
            return bool(found)
        wait_for(answered, f'{name}; diagnostics: {self.robot.status}')
        return found[0]

    def received(self, name: str, header: Header) -> list[Any]:
        """Return what came back of an image."""
        return [message for message in list(self.robot.received[self._prefix + name])
                if header_of(message) == header]


def header_of(message: Any) -> Header:
    """Return the header of an output, also of one that is a list."""
    return message.markers[0].header if hasattr(message, 'markers') else message.header
