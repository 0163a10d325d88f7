# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A subscription asks for what the publishers offer, and follows them without losing a message."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.ros.input import subscription
from metricseg_ros.ros.input.depth_input import DepthInput, TOPICS
from metricseg_ros.ros.input.subscription import FollowingSubscription
import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros.robot import Spinner, wait_for
from std_msgs.msg import String

pytestmark = pytest.mark.ros

LOOK_S = 0.1
"""Time between two looks here, in seconds."""


class Listener(Spinner):
    """A node with one such subscription, and what it has heard."""

    def __init__(self, reliability: str) -> None:
        self.heard: list[str] = []
        super().__init__(lambda context: rclpy.create_node('listener', context=context))
        self.subscription = self.call(lambda: FollowingSubscription(
            self.node, String, 'words', lambda message: self.heard.append(message.data), 1000,
            reliability))

    def asks_for(self, reliable: bool) -> None:
        wait_for(lambda: self.subscription.reliable == reliable,
                 'reliable' if reliable else 'best effort')


@pytest.fixture
def speaker() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node('speaker', context=context)
    yield node
    node.destroy_node()
    rclpy.try_shutdown(context=context)


@pytest.fixture
def listener(request: pytest.FixtureRequest,
             monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(subscription, 'LOOK_S', LOOK_S)
    made = Listener(getattr(request, 'param', 'auto'))
    yield made
    made.close()


def publisher(speaker: Node, reliability: str) -> Any:
    return speaker.create_publisher(String, 'words', QoSProfile(
        depth=1000, reliability=ReliabilityPolicy[reliability]))


def say(listener: Listener, voice: Any, word: str) -> None:
    """Say a word again and again until it is heard: discovery takes its time."""
    def heard() -> bool:
        voice.publish(String(data=word))
        return word in listener.heard
    wait_for(heard, f'{word} to be heard')


def test_all_reliable_publishers_are_asked_for_delivery(speaker: Node,
                                                        listener: Listener) -> None:
    say(listener, publisher(speaker, 'RELIABLE'), 'promised')
    assert listener.subscription.reliable


def test_one_best_effort_publisher_is_heard_beside_a_reliable_one(speaker: Node,
                                                                  listener: Listener) -> None:
    reliable = publisher(speaker, 'RELIABLE')
    say(listener, reliable, 'promised')
    say(listener, publisher(speaker, 'BEST_EFFORT'), 'tried')
    assert not listener.subscription.reliable
    say(listener, reliable, 'still heard')


def test_delivery_is_asked_for_again_when_the_best_effort_publisher_goes(
        speaker: Node, listener: Listener) -> None:
    best_effort, reliable = publisher(speaker, 'BEST_EFFORT'), publisher(speaker, 'RELIABLE')
    say(listener, best_effort, 'tried')
    listener.asks_for(False)
    speaker.destroy_publisher(best_effort)
    listener.asks_for(True)
    say(listener, reliable, 'promised')


def test_nothing_is_lost_or_heard_twice_while_it_changes_over(speaker: Node,
                                                              listener: Listener) -> None:
    reliable = publisher(speaker, 'RELIABLE')
    say(listener, reliable, 'begin')
    best_effort = publisher(speaker, 'BEST_EFFORT')
    said: list[str] = []

    def changed() -> bool:
        said.append(str(len(said)))
        reliable.publish(String(data=said[-1]))
        return not listener.subscription.reliable
    wait_for(changed, 'best effort')
    speaker.destroy_publisher(best_effort)
    wait_for(lambda: changed() is False, 'delivery again')
    wait_for(lambda: said[-1] in listener.heard, 'the last word')
    words = [word for word in listener.heard if word != 'begin']
    assert words == said


@pytest.mark.parametrize('listener', ['reliable', 'best_effort'], indirect=True)
def test_what_is_asked_for_stays_unless_it_is_auto(speaker: Node, listener: Listener) -> None:
    asked = listener.subscription.reliable
    other = publisher(speaker, 'BEST_EFFORT' if asked else 'RELIABLE')
    wait_for(lambda: listener.node.count_publishers('words') == 1, 'the publisher to be seen')
    later = Event()
    timer = listener.call(lambda: listener.node.create_timer(2 * LOOK_S, later.set))
    wait_for(later.is_set, 'a subscription that follows to have looked')
    listener.node.destroy_timer(timer)
    assert listener.subscription.reliable == asked
    speaker.destroy_publisher(other)


def test_depth_and_its_camera_are_asked_for_as_their_publishers_offer(
        speaker: Node, listener: Listener) -> None:
    depth = listener.call(lambda: DepthInput(listener.node, NodeConfig(), '', lambda _: None,
                                             pytest.fail))
    listener.call(lambda: depth.subscribe_to(TOPICS))

    def follows(reliability: ReliabilityPolicy) -> None:
        publishers = {name: speaker.create_publisher(kind, name, QoSProfile(
            depth=10, reliability=reliability)) for name, kind in TOPICS.items()}
        before = dict(depth.received)

        def heard_as_offered() -> bool:
            for name, publisher in publishers.items():
                publisher.publish(TOPICS[name]())
            asked = {info.qos_profile.reliability for name in TOPICS
                     for info in speaker.get_subscriptions_info_by_topic(f'/{name}')}
            return asked == {reliability} and all(
                depth.received[name] > before[name] for name in TOPICS)
        wait_for(heard_as_offered, f'depth and camera, {reliability.name}')
    follows(ReliabilityPolicy.RELIABLE)
    follows(ReliabilityPolicy.BEST_EFFORT)
    listener.call(lambda: depth.subscribe_to(()))
