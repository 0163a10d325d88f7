# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The least a node can do with an image: publish it again."""

from __future__ import annotations

from metricseg_ros.ros.process.lifetime import running
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image


class BareRelay(Node):
    """Publish every image again, untouched."""

    def __init__(self) -> None:
        """Subscribe and publish with the segmenter's quality of service."""
        super().__init__('bare_relay')
        publisher = self.create_publisher(Image, 'bare/image', QoSProfile(depth=5))
        self.create_subscription(Image, 'image', publisher.publish, QoSProfile(depth=1))


def main() -> None:
    """Relay until interrupted."""
    with running(BareRelay) as node:
        rclpy.spin(node)


if __name__ == '__main__':
    main()
