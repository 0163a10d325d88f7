# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The subscriptions to a camera's depth and intrinsics, held only while somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.ros.output.placing import Placing
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
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

    def __init__(self, node: Node, config: NodeConfig, prefix: str, placing: Placing,
                 on_first_info: Callable[[CameraInfo], None]) -> None:
        """
        Prepare; nothing is subscribed to yet.

        :param node: the node.
        :param config: tells the reliability.
        :param prefix: what stands before the topics' names: nothing, or the camera and a slash.
        :param placing: told of everything that arrives.
        :param on_first_info: told of the first camera_info of a subscription.
        """
        self.received = dict.fromkeys(TOPICS, 0)
        self._node = node
        self._prefix = prefix
        self._placing = placing
        self._on_first_info = on_first_info
        self._qos = QoSProfile(depth=QUEUE, reliability=(
            ReliabilityPolicy.RELIABLE if config.image_reliability == 'reliable'
            else ReliabilityPolicy.BEST_EFFORT))
        self._subscriptions: dict[str, Any] = {}

    @property
    def topics(self) -> dict[str, str]:
        """Relative topic -> full name after remapping, of the present subscriptions."""
        return {name: item.topic_name for name, item in self._subscriptions.items()}

    def attend(self, wanted: Collection[str]) -> None:
        """
        Subscribe to what is wanted, and unsubscribe from what is not.

        :param wanted: of :data:`TOPICS`.
        """
        for name, kind in TOPICS.items():
            if name in wanted and name not in self._subscriptions:
                self._subscriptions[name] = self._node.create_subscription(
                    kind, self._prefix + name, getattr(self, f'_receive_{name}'), self._qos)
            elif name not in wanted and name in self._subscriptions:
                self._node.destroy_subscription(self._subscriptions.pop(name))
                self.received[name] = 0
                self._placing.forget(name)

    def _receive_depth(self, message: Image) -> None:
        self.received['depth'] += 1
        self._placing.add_depth(message)

    def _receive_camera_info(self, message: CameraInfo) -> None:
        self.received['camera_info'] += 1
        self._placing.info = message
        if self.received['camera_info'] == 1:
            self._on_first_info(message)
