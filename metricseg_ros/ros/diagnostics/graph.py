# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the ROS graph says about topics that stay silent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
import difflib

from rclpy.node import Node
from rclpy.qos import (
    qos_check_compatible,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.topic_endpoint_info import TopicEndpointInfo

MOST_NAMED = 3
"""Other image topics that are named at most."""

OTHER_TRANSPORT = {'sensor_msgs/msg/Image': 'sensor_msgs/msg/CompressedImage',
                   'sensor_msgs/msg/CompressedImage': 'sensor_msgs/msg/Image'}
"""Type of images -> type of the same images by the other transport."""

UNKNOWN_NODE = '_NODE_NAME_UNKNOWN_'
"""What the middleware says in place of a node's name, as in rmw_dds_common's graph cache."""

POLICIES = ('reliability', 'durability', 'deadline', 'liveliness', 'liveliness_lease_duration')
"""QoS policies by which a subscriber and a publisher may not fit."""


@dataclass(frozen=True)
class TopicView:
    """
    Who publishes on a topic, and where else there are images.

    :param publishers: publishers of the right type.
    :param best_effort: how many of them do not promise delivery.
    :param other_types: other types published under the same name.
    :param elsewhere: image topics of the right type with publishers, the most similar name first.
    :param other_transport: topics of compressed images where raw ones are wanted, or the other
        way round, the most similar name first.
    """

    publishers: int = 0
    best_effort: int = 0
    other_types: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    other_transport: tuple[str, ...] = ()


def look_at(node: Node, topic: str, type_name: str, own: Collection[str]) -> TopicView:
    """
    Look a topic up in the graph.

    :param topic: full name of the topic.
    :param type_name: type that is wanted, as 'sensor_msgs/msg/Image'.
    :param own: the node's own topics, which are no suggestion.
    """
    infos = node.get_publishers_info_by_topic(topic)
    right = [info for info in infos if info.topic_type == type_name]
    best_effort = [info for info in right
                   if info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT]
    others = {info.topic_type for info in infos} - {type_name}
    if right:
        return TopicView(len(right), len(best_effort), tuple(sorted(others)))
    topics = node.get_topic_names_and_types()

    def published(kind: str | None) -> tuple[str, ...]:
        return nearest(topic, [name for name, types in topics if kind in types and name not in own
                               and node.count_publishers(name)])
    # The topic itself has the type of the node's own subscription, whatever is published there.
    elsewhere = tuple(name for name in published(type_name) if name != topic)
    return TopicView(other_types=tuple(sorted(others)), elsewhere=elsewhere,
                     other_transport=published(OTHER_TRANSPORT.get(type_name)))


def unserved(node: Node, topic: str, type_name: str) -> str:
    """
    Find who subscribes to an output and gets nothing of it.

    :param topic: full name of the output.
    :param type_name: its type, as 'sensor_msgs/msg/Image'.
    :return: the first subscriber and why, in one sentence; empty if all are served.
    """
    offered = [info.qos_profile for info in node.get_publishers_info_by_topic(topic)
               if (info.node_name, info.node_namespace) == (node.get_name(), node.get_namespace())]
    for info in node.get_subscriptions_info_by_topic(topic) if offered else ():
        who = f'{name_of(info)} gets nothing of {topic}: it'
        if info.topic_type != type_name:
            return f'{who} asks for {info.topic_type}, and this is {type_name}'
        if policies := not_offered(offered[0], info.qos_profile):
            return f'{who} asks for more than is offered by QoS policy {", ".join(policies)}: ' \
                   'ask for reliable and volatile messages there, without a deadline'
    return ''


def name_of(subscriber: TopicEndpointInfo) -> str:
    """
    Name a subscriber.

    :param subscriber: what the graph says of it. It may be seen before its node is, and one that
        is not of ROS has no node.
    """
    if subscriber.node_name == UNKNOWN_NODE:
        return 'a subscriber whose node is not known'
    return f'{subscriber.node_namespace.rstrip("/")}/{subscriber.node_name}'


def not_offered(offered: QoSProfile, asked: QoSProfile) -> list[str]:
    """
    Tell which policies keep a subscriber from a publisher.

    :param offered: by the publisher, with nothing left to the middleware's default.
    :param asked: by the subscriber.
    :return: names of the policies, in capital letters as rclpy has them.
    """
    return [policy.upper() for policy in POLICIES if qos_check_compatible(
        offered, QoSProfile(depth=1, **{policy: getattr(asked, policy)}))[0]
        == QoSCompatibility.ERROR]


def nearest(topic: str, others: Collection[str]) -> tuple[str, ...]:
    """Choose the topics that were most likely meant: the most similar names first, few."""
    return tuple(difflib.get_close_matches(topic, others, MOST_NAMED, cutoff=0.0))
