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

from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
import sys
from time import monotonic, sleep
from typing import Any

from ament_index_python.packages import get_package_share_directory
from metricseg_ros.ros.lifetime import running
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

VERSION = 9
"""Of rosbag2's format: Kilted and newer."""


def typestore() -> Any:
    """
    Know the messages of this package beside the standard ones.

    :return: rosbags' store of types.
    """
    store = get_typestore(Stores.ROS2_KILTED)
    for path in sorted(Path(get_package_share_directory('metricseg_msgs')).glob('msg/*.msg')):
        store.register(get_types_from_msg(path.read_text(), f'metricseg_msgs/msg/{path.stem}'))
    return store


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
        self._writer, self._store = writer, typestore()
        self._awaited = set(self.counts)
        self.create_timer(0.2, self._look)

    def _look(self) -> None:
        for topic, types in self.get_topic_names_and_types():
            if topic in self._awaited:
                self._awaited.remove(topic)
                self._begin(topic, types[0])

    def _begin(self, topic: str, type_name: str) -> None:
        try:
            connection = self._writer.add_connection(topic, type_name, typestore=self._store)
            kind = message_class(type_name)
        except Exception as error:  # Whatever it is, the other topics are recorded.
            self.get_logger().error(f'{topic} is not recorded: {type_name}: {error}')
            return

        def write(data: bytes) -> None:
            self.counts[topic] += 1
            self._writer.write(connection, self.get_clock().now().nanoseconds, data)

        qos = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(kind, topic, write, qos, raw=True)
        self.get_logger().info(f'recording {topic}')


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
        publishers = {
            item.topic: node.create_publisher(message_class(item.msgtype), item.topic, 10)
            for item in reader.connections}
        sleep(wait)
        begin = monotonic()
        for connection, time, data in reader.messages():
            due = begin + (time - reader.start_time) / 1e9 / rate
            sleep(max(0.0, due - monotonic()))
            publishers[connection.topic].publish(bytes(data))
            count += 1
    return count


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
    play.add_argument('--rate', type=float, default=1.0, help='times as fast')
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
