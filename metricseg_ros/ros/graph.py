# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the ROS graph says about a topic that stays silent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
import difflib

from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy

MOST_NAMED = 3
"""Other image topics that are named at most."""

OTHER_TRANSPORT = {'sensor_msgs/msg/Image': 'sensor_msgs/msg/CompressedImage',
                   'sensor_msgs/msg/CompressedImage': 'sensor_msgs/msg/Image'}
"""Type of images -> type of the same images by the other transport."""


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

    :param node: the node that looks.
    :param topic: full name of the topic.
    :param type_name: type that is wanted, as 'sensor_msgs/msg/Image'.
    :param own: the node's own topics, which are no suggestion.
    :return: what there is.
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
    return TopicView(other_types=tuple(sorted(others)), elsewhere=published(type_name),
                     other_transport=published(OTHER_TRANSPORT.get(type_name)))


def nearest(topic: str, others: Collection[str]) -> tuple[str, ...]:
    """
    Choose the topics that were most likely meant.

    :param topic: full name that was asked for.
    :param others: full names there are.
    :return: the most similar ones first, few.
    """
    def likeness(name: str) -> float:
        return difflib.SequenceMatcher(None, topic, name).ratio()
    return tuple(sorted(others, key=lambda name: (-likeness(name), name))[:MOST_NAMED])
