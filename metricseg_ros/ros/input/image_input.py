# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The subscription to the camera, and what the middleware tells about it."""

from __future__ import annotations

from collections.abc import Callable
import inspect
from time import monotonic
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.ros.diagnostics.advice import RELIABILITY, why_refused
from metricseg_ros.ros.input.subscription import FollowingSubscription
from rclpy.node import Node
from rclpy.qos import qos_policy_name_from_kind
from sensor_msgs.msg import CompressedImage, Image

try:
    from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
except ImportError:  # Before Iron.
    from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError

TOPICS = {'raw': ('image', Image), 'compressed': ('image/compressed', CompressedImage)}
"""Image transport -> relative topic and message type."""

MEMORY = 0.95
"""Weight of the images before in :attr:`ImageInput.loss`: the latest twenty count."""

LATE = 2.0
"""Times the latest interval between two images after which the next one is missed."""


class ImageInput:
    """
    Count what arrives and hand it on; there is none in the queue but the newest.

    :ivar loss: share of the latest images that the middleware lost, as far as it tells.
    """

    def __init__(self, node: Node, config: NodeConfig, prefix: str,
                 deliver: Callable[[Any], None], warn: Callable[[str], None]) -> None:
        """
        Subscribe.

        :param prefix: what stands before the topic's name: nothing, or the camera and a slash.
        :param deliver: called with every message, from the executor.
        :param warn: told of publishers that cannot be heard.
        """
        self.received = 0
        self.lost = 0
        self.loss = 0.0
        self.refused = ''
        self.last_time = monotonic()
        self._interval = 0.0
        self._deliver = deliver
        self._warn = warn
        topic, self.message_type = TOPICS[config.image_transport]
        self.follows = config.image_reliability == 'auto'
        self._subscription = self._subscribe(node, prefix + topic, config.image_reliability)

    @property
    def topic(self) -> str:
        """Name of the topic after remapping."""
        return self._subscription.topic_name

    @property
    def reliable(self) -> bool:
        """Whether delivery is asked for now."""
        return self._subscription.reliable

    def silent_seconds(self) -> float:
        """
        Tell how long nothing has arrived.

        :return: seconds since the last image, or since the subscription; 0 while that is what the
            camera takes between two images.
        """
        seconds = monotonic() - self.last_time
        return 0.0 if seconds < LATE * self._interval else seconds

    def close(self) -> None:
        self._subscription.close()

    def _subscribe(self, node: Node, topic: str, reliability: str) -> FollowingSubscription:
        for names in (('incompatible_qos', 'incompatible_type', 'message_lost', 'matched'),
                      ('incompatible_qos',), ()):
            try:
                return FollowingSubscription(node, self.message_type, topic, self._receive, 1,
                                             reliability, self._event_callbacks(names))
            except UnsupportedEventTypeError:
                continue  # The middleware lacks one of them; do with fewer.
        raise RuntimeError(f'the middleware refuses to subscribe to {topic}')

    def _event_callbacks(self, names: tuple[str, ...]) -> SubscriptionEventCallbacks:
        """Register those events that this rclpy knows."""
        handlers = {'incompatible_qos': self._incompatible_qos, 'message_lost': self._message_lost,
                    'incompatible_type': self._incompatible_type, 'matched': self._matched}
        known = inspect.signature(SubscriptionEventCallbacks.__init__).parameters
        return SubscriptionEventCallbacks(
            use_default_callbacks=False,
            **{name: handlers[name] for name in names if name in known})

    def _receive(self, message: Any) -> None:
        now = monotonic()
        self._interval = now - self.last_time if self.received else 0.0
        self.received, self.last_time = self.received + 1, now
        self.loss *= MEMORY
        self._deliver(message)

    def _incompatible_qos(self, event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        if self.follows and policy == RELIABILITY:
            return  # The subscription is about to follow this publisher.
        self.refused = policy
        self._warn(f'a publisher on {self.topic} cannot be heard: {why_refused(self.refused)}')

    def _incompatible_type(self, _event: Any) -> None:
        self._warn(f'a publisher on {self.topic} sends another type than '
                   f'{self.message_type.__name__} and cannot be heard; look at image_transport')

    def _matched(self, event: Any) -> None:
        if not event.current_count:
            self._warn(f'the last publisher on {self.topic} is gone')

    def _message_lost(self, event: Any) -> None:
        self.lost += event.total_count_change
        self.loss = 1 - (1 - self.loss) * MEMORY**event.total_count_change
