# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Send images through a node and time their way there and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic, perf_counter
from typing import Any

from metricseg_msgs.msg import InstanceArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

PATIENCE_S = 60.0
RESEND_S = 5.0
"""Longest waits, in seconds: for anything at all, and for one image before it is sent again."""

OUTPUTS = {'instances': InstanceArray, 'label_map': Image, 'overlay': Image}


class RoundTrips(Node):
    """One camera for each node under test, and a consumer of what they publish."""

    def __init__(self, cameras: Mapping[str, str]) -> None:
        """
        Create the cameras.

        :param cameras: name of the node under test -> its image topic.
        """
        super().__init__('round_trips')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        self._cameras = {name: self.create_publisher(Image, topic, QoSProfile(depth=1))
                         for name, topic in cameras.items()}
        self._arrived: dict[str, tuple[float, Any]] = {}
        self._consumers: dict[str, Any] = {}

    def listen(self, topics: Mapping[str, type]) -> None:
        """
        Listen to these topics and no others.

        :param topics: topic -> type of its messages.
        :raises TimeoutError: if one of them is not published.
        """
        for consumer in self._consumers.values():
            self.destroy_subscription(consumer)
        self._consumers = {topic: self.create_subscription(
            kind, topic, lambda message, topic=topic: self._note(topic, message),
            QoSProfile(depth=5)) for topic, kind in topics.items()}
        self.spin_until(lambda: all(map(self.count_publishers, topics)), 'the nodes to publish')

    def wait_for_cameras(self) -> None:
        """
        Wait until every node under test listens to its camera.

        :raises TimeoutError: if one does not.
        """
        self.spin_until(lambda: all(camera.get_subscription_count()
                                    for camera in self._cameras.values()), 'the nodes to listen')

    def send(self, name: str, image: Image) -> None:
        """
        Publish an image, with a new stamp; it may get lost.

        :param name: of the node under test.
        """
        image.header.stamp = self.get_clock().now().to_msg()
        with suppress(RuntimeError):  # The middleware had no time for it: as if lost on the way.
            self._cameras[name].publish(image)

    def trip(self, name: str, image: Image, answers: tuple[str, ...]) -> tuple[float, Any]:
        """
        Send an image through a node.

        :param name: of the node under test.
        :param answers: topics on which it must come back; the last one to do so counts.
        :return: milliseconds there and back, and the message on the first of the topics.
        :raises TimeoutError: if it does not come back.
        """
        end = monotonic() + PATIENCE_S
        while True:
            self._arrived.clear()
            begin = perf_counter()
            self.send(name, image)
            try:
                self.spin_until(lambda: self._is_back(image, answers), f'an image through {name}',
                                RESEND_S)
            except TimeoutError:
                # Lost: a publisher and a new subscriber do not meet at the same moment.
                if monotonic() > end:
                    raise
                continue
            last = max(self._arrived[topic][0] for topic in answers)
            return (last - begin) * 1e3, self._arrived[answers[0]][1]

    def spin_until(self, done: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """
        Spin until something has happened.

        :raises TimeoutError: if it has not happened by then.
        """
        end = monotonic() + seconds
        while not done():
            if monotonic() > end:
                raise TimeoutError(f'waited {seconds:.0f} s for {what}')
            self._executor.spin_once(timeout_sec=0.1)

    def spin_for(self, seconds: float) -> None:
        """Spin for a while."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def _is_back(self, image: Image, answers: tuple[str, ...]) -> bool:
        return all(topic in self._arrived
                   and self._arrived[topic][1].header.stamp == image.header.stamp
                   for topic in answers)

    def _note(self, topic: str, message: Any) -> None:
        self._arrived[topic] = perf_counter(), message
