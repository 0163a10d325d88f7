# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The subscriptions to a camera's depth and intrinsics, held only while somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.ros.input.subscription import FollowingSubscription
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

QUEUE = 5
"""Depth images that may wait while the executor is busy."""

TOPICS = {'depth': Image, 'camera_info': CameraInfo}
"""Relative topic -> type."""


class DepthInput:
    """
    Hand depth and intrinsics on.

    :ivar received: relative topic -> messages since the subscription.
    """

    def __init__(self, node: Node, config: NodeConfig, prefix: str,
                 deliver: Mapping[str, Callable[[Any], None]],
                 forget: Callable[[str], None]) -> None:
        """
        Prepare; nothing is subscribed to yet.

        :param config: tells the reliability.
        :param prefix: what stands before the topics' names: nothing, or the camera and a slash.
        :param deliver: relative topic -> called with every message, from the executor.
        :param forget: told which topic is not listened to any more.
        """
        self.received = dict.fromkeys(TOPICS, 0)
        self._node = node
        self._prefix = prefix
        self._deliver = deliver
        self._forget = forget
        self._reliability = config.image_reliability
        self._subscriptions: dict[str, FollowingSubscription] = {}

    @property
    def topics(self) -> dict[str, str]:
        """Relative topic -> full name after remapping, of the present subscriptions."""
        return {name: item.topic_name for name, item in self._subscriptions.items()}

    def subscribe_to(self, wanted: Collection[str]) -> None:
        """
        Subscribe to what is wanted, and unsubscribe from what is not.

        :param wanted: of :data:`TOPICS`.
        """
        for name, kind in TOPICS.items():
            if name in wanted and name not in self._subscriptions:
                self._subscriptions[name] = FollowingSubscription(
                    self._node, kind, self._prefix + name, partial(self._receive, name), QUEUE,
                    self._reliability)
            elif name not in wanted and name in self._subscriptions:
                self._subscriptions.pop(name).close()
                self.received[name] = 0
                self._forget(name)

    def _receive(self, name: str, message: Any) -> None:
        self.received[name] += 1
        self._deliver[name](message)
