# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera's depth and intrinsics, subscribed to only while somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from time import monotonic
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.inputs.depth_buffer import DepthBuffer, Found
from metricseg_ros.inputs.registered_depth import MissingError, read_registered
from metricseg_ros.pinhole import implausible_depth
from metricseg_ros.ros.input.subscription import FollowingSubscription
from metricseg_ros.structures import DepthImage
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

QUEUE = 5
"""Depth images that may wait while the executor is busy."""

LOOK_S = 1.0
"""Time between two looks whether anybody publishes depth, in seconds."""

FLOWS_S = 2.0
"""Time since the latest depth image after which none is waited for, in seconds."""

TOPICS = {'camera_info': CameraInfo, 'depth': Image}
"""Relative topic -> type, in the order in which the executor takes what came together: an image
that gets its depth finds the intrinsics of the same moment."""


class DepthInput:
    """
    Keep the latest depth images and intrinsics of a camera.

    :ivar info: the latest sensor_msgs/CameraInfo, or None.
    :ivar received: relative topic -> messages since the subscription.
    """

    def __init__(self, node: Node, config: NodeConfig, prefix: str,
                 changed: Callable[[str], None], warn: Callable[[str], None]) -> None:
        """
        Prepare; nothing is subscribed to yet.

        :param config: tells the reliability, and how many images are kept.
        :param prefix: what stands before the topics' names: nothing, or the camera and a slash.
        :param changed: told the relative topic of which something has come, or is forgotten; from
            the executor.
        :param warn: told once of depth in what is probably another unit.
        """
        self.images = DepthBuffer(config.depth.images)
        self.info: Any = None
        self.received = dict.fromkeys(TOPICS, 0)
        self._latest, self._looked = -FLOWS_S, -LOOK_S
        self._is_offered = self._has_doubted = False
        self._node = node
        self._prefix = prefix
        self._changed = changed
        self._warn = warn
        self._reliability = config.image_reliability
        self._subscriptions: dict[str, FollowingSubscription] = {}

    @property
    def topics(self) -> dict[str, str]:
        """Relative topic -> full name after remapping, of the present subscriptions."""
        return {name: item.topic_name for name, item in self._subscriptions.items()}

    def subscribe_to(self, wanted: Collection[str]) -> None:
        """Subscribe to what is wanted, and unsubscribe from what is not."""
        for name, kind in TOPICS.items():
            if name in wanted and name not in self._subscriptions:
                self._subscriptions[name] = FollowingSubscription(
                    self._node, kind, self._prefix + name, partial(self._receive, name), QUEUE,
                    self._reliability)
            elif name not in wanted and name in self._subscriptions:
                self._subscriptions.pop(name).close()
                self._forget(name)

    def is_offered(self) -> bool:
        """Tell whether anybody publishes depth, as it was a moment ago."""
        if monotonic() - self._looked >= LOOK_S:
            self._looked = monotonic()
            topic = self._node.resolve_topic_name(f'{self._prefix}depth')
            self._is_offered = bool(self._node.count_publishers(topic))
        return self._is_offered

    def flows(self) -> bool:
        """Tell whether depth images come."""
        return monotonic() - self._latest < FLOWS_S

    def read(self, found: Found, frame: str, size: tuple[int, int],
             info: Any = None) -> DepthImage:
        """
        Read the depth of an image.

        :param found: what :attr:`images` gave for its stamp.
        :param size: (height, width) of the image.
        :param info: sensor_msgs/CameraInfo; None takes the latest.
        :raises MissingError: if depth or intrinsics have not come, or hold nothing.
        :raises DepthError: if they do not belong to the image.
        """
        if found.depth is None:
            raise MissingError(found.reason)
        depth = read_registered(found.depth, info or self.info, frame, size)
        if not depth.metres.any():
            raise MissingError('the depth image is empty: all of it is 0 or NaN')
        if not self._has_doubted and (doubt := implausible_depth(depth.metres)):
            self._has_doubted = True
            self._warn(doubt)
        return depth

    def _receive(self, name: str, message: Any) -> None:
        self.received[name] += 1
        if name == 'depth':
            self._latest = monotonic()
            self.images.add(message)
        else:
            self.info = message
        self._changed(name)

    def _forget(self, name: str) -> None:
        self.received[name] = 0
        if name == 'depth':
            self._latest = -FLOWS_S
            self.images.clear()
        else:
            self.info = None
        self._changed(name)
