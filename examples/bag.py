#!/usr/bin/env python3
# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Record topics into an MCAP, and replay one, without rosbag2: by rosbags, which is Python alone.

    python3 examples/bag.py record run /segmenter/instances /camera/image_raw
    python3 examples/bag.py replay run --rate 2

The recording carries the definitions of its messages, so that Foxglove, `ros2 bag` and
`metricseg segment` read it anywhere.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
import sys
from time import monotonic, sleep
from typing import Any

from ament_index_python.packages import get_package_share_directory
from metricseg_ros.ros.process.lifetime import running
import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.highlevel import AnyReader
from rosbags.interfaces import (
    Connection,
    Nodetype,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

VERSION = 9
"""Of rosbag2's format: Kilted and newer."""


def learn(store: Typestore, name: str) -> None:
    """
    Register a type and all it is made of, with the definitions that are installed.

    :param store: gets them.
    :param name: as 'sensor_msgs/msg/Image'.
    :raises LookupError: if its package is not installed.
    :raises OSError: if the package has no such message.
    """
    if name in store.fielddefs:
        return
    package, _, kind = name.partition('/msg/')
    text = Path(get_package_share_directory(package), 'msg', f'{kind}.msg').read_text()
    types = get_types_from_msg(text, name)
    store.register(types)
    for _, field in types[name][1]:
        while field[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            field = field[1][0]
        if field[0] == Nodetype.NAME:
            learn(store, field[1])


def offered(profile: QoSProfile) -> Qos:
    """
    Tell a recording how a topic was published, so that it is replayed alike.

    :param profile: rclpy's.
    :return: rosbags'.
    """
    deadline, lifespan, lease = (
        QosTime(*divmod(duration.nanoseconds, 10 ** 9)) for duration in (
            profile.deadline, profile.lifespan, profile.liveliness_lease_duration))
    return Qos(QosHistory(profile.history), profile.depth, QosReliability(profile.reliability),
               QosDurability(profile.durability), deadline, lifespan,
               QosLiveliness(profile.liveliness), lease, False)


def message_class(name: str) -> type:
    """
    Import a message's class.

    :param name: as 'sensor_msgs/msg/Image'.
    :return: the class.
    :raises ValueError: if it is not installed.
    """
    package, _, kind = name.partition('/msg/')
    try:
        return getattr(import_module(f'{package}.msg'), kind)
    except (ImportError, AttributeError, ValueError):
        raise ValueError(f'the messages {name} are not installed') from None


class Recorder(Node):
    """Write topics into a recording as they come; each begins when it is published."""

    def __init__(self, writer: Writer, topics: list[str], **options: Any) -> None:
        """
        Look for the topics.

        :param writer: of the recording, open.
        :param topics: their names.
        :param options: of rclpy's Node.
        """
        super().__init__('recorder', **options)
        self.counts = dict.fromkeys(map(self.resolve_topic_name, topics), 0)
        self._writer, self._store = writer, get_typestore(Stores.EMPTY)
        self._awaited = set(self.counts)
        self.create_timer(0.2, self._look)

    def _look(self) -> None:
        for topic in sorted(self._awaited):
            publishers = self.get_publishers_info_by_topic(topic)
            if publishers:
                self._awaited.remove(topic)
                self._begin(topic, publishers[0].topic_type,
                            [publisher.qos_profile for publisher in publishers])

    def _begin(self, topic: str, type_name: str, profiles: Sequence[QoSProfile]) -> None:
        try:
            learn(self._store, type_name)
            connection = self._writer.add_connection(
                topic, type_name, typestore=self._store,
                offered_qos_profiles=[offered(profile) for profile in profiles])
            kind = message_class(type_name)
        except Exception as error:  # Whatever it is, the other topics are recorded.
            self.get_logger().error(f'{topic} is not recorded: {type_name}: {error}')
            return

        def write(data: bytes) -> None:
            self.counts[topic] += 1
            self._writer.write(connection, self.get_clock().now().nanoseconds, data)

        self.create_subscription(kind, topic, write, to_hear(profiles), raw=True)
        self.get_logger().info(f'recording {topic}')


def to_hear(profiles: Sequence[QoSProfile]) -> QoSProfile:
    """
    Ask of publishers as much as all of them offer, so that every one of them is heard.

    :param profiles: of a topic's publishers, at least one.
    :return: for the subscription; it gets what was published before where that is kept, as of
        label_info.
    """
    reliable = all(item.reliability == ReliabilityPolicy.RELIABLE for item in profiles)
    kept = all(item.durability == DurabilityPolicy.TRANSIENT_LOCAL for item in profiles)
    return QoSProfile(depth=100, durability=durability(kept), reliability=(
        ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT))


def durability(kept: bool) -> DurabilityPolicy:
    """
    Name the policy.

    :param kept: whether messages are kept for those who subscribe later.
    :return: the policy.
    """
    return DurabilityPolicy.TRANSIENT_LOCAL if kept else DurabilityPolicy.VOLATILE


def replay(node: Node, path: Path, rate: float, wait: float) -> int:
    """
    Publish what was recorded, as far apart as it came.

    :param node: publishes.
    :param path: of the recording.
    :param rate: how many times faster.
    :param wait: seconds for subscribers to appear before the first message.
    :return: number of messages.
    """
    count = 0
    with AnyReader([path]) as reader:
        publishers = make_publishers(node, reader.connections)
        sleep(wait)
        begin = monotonic()
        for connection, time, data in reader.messages(
                item for item in reader.connections if item.topic in publishers):
            due = begin + (time - reader.start_time) / 1e9 / rate
            sleep(max(0.0, due - monotonic()))
            publishers[connection.topic].publish(bytes(data))
            count += 1
    for publisher in publishers.values():
        publisher.wait_for_all_acked(Duration(seconds=1))  # Before they go.
    return count


def make_publishers(node: Node, connections: Iterable[Connection]) -> dict[str, Publisher]:
    """
    Publish as it was published when it was recorded.

    :param node: publishes.
    :param connections: of the recording.
    :return: by topic; a topic whose messages are not installed is warned of and left out.
    """
    publishers = {}
    for item in connections:
        kept = any(qos.durability == QosDurability.TRANSIENT_LOCAL
                   for qos in item.ext.offered_qos_profiles)
        try:
            publishers[item.topic] = node.create_publisher(
                message_class(item.msgtype), item.topic,
                QoSProfile(depth=10, durability=durability(kept)))
        except ValueError as error:
            node.get_logger().warning(f'{item.topic} is not replayed: {error}')
    return publishers


def positive(text: str) -> float:
    """
    Read a number from the command line.

    :param text: what was typed.
    :return: the number.
    :raises ArgumentTypeError: unless it is above 0.
    """
    value = float(text)
    if not value > 0:
        raise ArgumentTypeError(f'must be above 0, got {text}')
    return value


def main(arguments: list[str]) -> int:
    """
    Record until an interrupt, or replay to the end.

    :param arguments: the command line's.
    :return: exit code.
    """
    parser = ArgumentParser(description=__doc__.split('\n')[1])
    verbs = parser.add_subparsers(dest='verb', required=True)
    record = verbs.add_parser('record', help='until Ctrl-C')
    record.add_argument('path', type=Path, help='folder that is made')
    record.add_argument('topics', nargs='+')
    play = verbs.add_parser('replay')
    play.add_argument('path', type=Path)
    play.add_argument('--rate', type=positive, default=1.0, help='times as fast')
    play.add_argument('--wait', type=float, default=1.0, help='seconds before the first message')
    options = parser.parse_args(arguments)
    try:
        if options.verb == 'record':
            with Writer(options.path, version=VERSION, storage_plugin=StoragePlugin.MCAP) as bag, \
                    running(lambda: Recorder(bag, options.topics)) as recorder:
                rclpy.spin(recorder)
            print(', '.join(f'{topic}: {count}' for topic, count in recorder.counts.items()))
        else:
            with running(lambda: Node('replayer')) as node:
                print(f'{replay(node, options.path, options.rate, options.wait)} messages')
    except Exception as error:
        print(f'bag: {options.path}: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
