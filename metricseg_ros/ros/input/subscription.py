# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A subscription that asks for the delivery its publishers offer, and follows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

LOOK_S = 0.5
"""Time between two looks at the publishers, in seconds."""


class FollowingSubscription:
    """
    Ask for delivery where every publisher offers it, and for best effort where one does not.

    A best effort subscription hears every publisher, but a large image is lost with the first of
    its fragments that is; a reliable one gets it again, but does not hear a best effort publisher.
    While it changes over, the old subscription stays until the new one has heard something.

    :ivar reliable: whether delivery is asked for now.
    """

    def __init__(self, node: Node, kind: type, topic: str, receive: Callable[[Any], None],
                 depth: int, reliability: str, events: Any = None) -> None:
        """
        Subscribe.

        :param depth: messages that may wait while the executor is busy.
        :param reliability: auto, reliable or best_effort.
        :param events: rclpy's SubscriptionEventCallbacks; its defaults when None.
        """
        self._node, self._kind, self._topic, self._depth = node, kind, topic, depth
        self._hear, self._events = receive, events
        self._latest: int | None = None
        self._before: Any = None
        self.reliable = reliability == 'reliable' or (
            reliability == 'auto' and self._offered(node.resolve_topic_name(topic)) is not False)
        self._now = self._subscribe()
        self._timer = node.create_timer(LOOK_S, self.follow, clock=Clock(
            clock_type=ClockType.STEADY_TIME)) if reliability == 'auto' else None

    @property
    def topic_name(self) -> str:
        """Name of the topic after remapping."""
        return self._now.topic_name

    def follow(self) -> None:
        """Look at the publishers, and ask for what they offer. Without any, nothing changes."""
        reliable = self._offered(self.topic_name)
        if reliable not in (None, self.reliable):
            self._end_before()
            self.reliable, self._before = reliable, self._now
            self._now = self._subscribe()

    def close(self) -> None:
        self._end_before()
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._now)

    def _offered(self, topic: str) -> bool | None:
        """Tell whether every publisher offers delivery; None without a publisher."""
        offered = [info.qos_profile.reliability
                   for info in self._node.get_publishers_info_by_topic(topic)]
        return ReliabilityPolicy.BEST_EFFORT not in offered if offered else None

    def _subscribe(self) -> Any:
        reliability = (ReliabilityPolicy.RELIABLE if self.reliable
                       else ReliabilityPolicy.BEST_EFFORT)
        return self._node.create_subscription(
            self._kind, self._topic, partial(self._receive, self.reliable),
            QoSProfile(depth=self._depth, reliability=reliability),
            **({'event_callbacks': self._events} if self._events else {}))

    def _receive(self, reliable: bool, message: Any, info: Any) -> None:
        stamp = info['source_timestamp']
        heard_twice = self._before is not None and stamp == self._latest
        if reliable == self.reliable:
            self._end_before()
        self._latest = stamp
        if not heard_twice:
            self._hear(message)

    def _end_before(self) -> None:
        if self._before is not None:
            self._node.destroy_subscription(self._before)
            self._before = None
