# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera that plays images, videos and recordings on a topic, and depth where they have it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
import json
from pathlib import Path
import sys
from time import monotonic
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.arguments import Parser, real_number, whole_number
from metricseg_ros.inputs import Frame, open_input
from metricseg_ros.ros.process.lifetime import running
from metricseg_ros.ros.tools.camera_messages import (
    camera_info,
    compressed_image,
    depth_image,
    ENCODINGS,
    FORMATS,
    raw_image,
)
from metricseg_ros.structures import DepthImage
import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

PATIENCE_S = 60.0
"""Longest wait for a subscriber, or for one image to come back, in seconds."""

RESEND_S = 10.0
"""Time after which an image that has not come back is sent once more, in seconds."""

DEPTH_TOPICS = {CameraInfo: 'camera_info', Image: 'depth'}


class CameraPlayer(Node):
    """Publish images as a camera does."""

    def __init__(self, options: Namespace) -> None:
        """Create the publisher of images; those of depth come with the first depth."""
        super().__init__('camera_player')
        self._options = options
        self._depth_publishers: list[Publisher] = []
        self._returned: set[tuple[int, int]] = set()
        self.published = 0
        kind, topic = ((CompressedImage, 'image/compressed') if options.compressed
                       else (Image, 'image'))
        self._publisher = self.create_publisher(kind, topic, QoSProfile(depth=1))
        if options.lockstep:
            self.create_subscription(InstanceArray, 'segmenter/instances', self._note, 10)

    def wait_for_subscriber(self) -> None:
        """
        Wait until somebody listens.

        :raises TimeoutError: if nobody does.
        """
        self._wait(lambda: self._publisher.get_subscription_count() > 0, PATIENCE_S)
        if not self._publisher.get_subscription_count():
            raise TimeoutError(f'nobody subscribes to {self._publisher.topic_name}')

    def play(self, frames: Iterator[Frame]) -> int:
        """
        Publish images at the rate asked for, or each when the one before has come back.

        :return: number of different images published.
        :raises TimeoutError: if an image does not come back.
        """
        count, due = 0, monotonic()
        for frame in frames:
            count += 1
            if self._options.lockstep:
                self._publish_until_returned(frame)
            else:
                self._publish(frame)
            due = max(due + 1 / self._options.rate, monotonic() - 1.0)
            self._wait(lambda: False, due - monotonic())
        return count

    def _publish_until_returned(self, frame: Frame) -> None:
        stamps: set[tuple[int, int]] = set()
        end = monotonic() + PATIENCE_S
        while not stamps & self._returned:
            if monotonic() > end:
                raise TimeoutError(f'image {self.published} did not come back segmented in '
                                   f'{PATIENCE_S:.0f} s')
            stamps.add(self._publish(frame))
            self._wait(lambda: bool(stamps & self._returned), RESEND_S)

    def _publish(self, frame: Frame) -> tuple[int, int]:
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._options.frame_id)
        if self._options.compressed:
            message = compressed_image(header, frame.image, self._options.compressed)
        else:
            message = raw_image(header, frame.image, self._options.encoding,
                                self._options.padding)
        try:
            if frame.depth:
                self._publish_depth(header, frame.depth)
            self._publisher.publish(message)
        except RuntimeError as error:  # The middleware had no time for it: as if lost on the way.
            self.get_logger().warning(f'image not published: {error}')
        self.published += 1
        return header.stamp.sec, header.stamp.nanosec

    def _publish_depth(self, header: Header, depth: DepthImage) -> None:
        if not self._depth_publishers:
            self._depth_publishers = [self.create_publisher(kind, topic, QoSProfile(depth=1))
                                      for kind, topic in DEPTH_TOPICS.items()]
        for publisher, message in zip(self._depth_publishers, (
                camera_info(header, depth.metres.shape, depth.camera),
                depth_image(header, depth.metres)), strict=True):
            publisher.publish(message)

    def _note(self, message: InstanceArray) -> None:
        self._returned.add((message.header.stamp.sec, message.header.stamp.nanosec))

    def _wait(self, done: Any, seconds: float) -> None:
        end = monotonic() + seconds
        while not done() and (left := end - monotonic()) > 0:
            rclpy.spin_once(self, timeout_sec=min(left, 0.1))


def tell(error: ValueError) -> None:
    """Tell of an image that is left out."""
    print(f'camera_player: left out: {error}', file=sys.stderr)


def frames_of(path: Path, topic: str | None, frames: int) -> Iterator[Frame]:
    """
    Read images, from the start again where more are wanted than there are.

    :param path: whatever :func:`metricseg_ros.inputs.open_input` opens.
    :param frames: number of images; 0 for each once.
    :raises ValueError: if there is nothing to play.
    """
    source, count = open_input(path, topic, tell), 0
    while True:
        for frame in source:
            yield frame
            count += 1
            if count == frames:
                return
        if not count:
            raise ValueError(f'{path}: holds no images')
        if not frames:
            return


def parse_arguments(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = Parser(prog='camera_player', description=__doc__)
    parser.add_argument('--input', type=Path, required=True,
                        help='image, folder, video, rosbag2 or MCAP')
    parser.add_argument('--topic', help='image topic of a recording')
    parser.add_argument('--frames', type=whole_number(), default=0,
                        help='number of images; 0: each once')
    parser.add_argument('--rate', type=real_number(above=True), default=30.0,
                        help='images a second, at most')
    parser.add_argument('--lockstep', action='store_true',
                        help='publish an image when the one before has come back segmented')
    parser.add_argument('--frame-id', default='camera')
    parser.add_argument('--encoding', choices=tuple(ENCODINGS), default='rgb8')
    parser.add_argument('--padding', type=whole_number(), default=0,
                        help='bytes at the end of each row')
    parser.add_argument('--compressed', choices=tuple(FORMATS),
                        help='publish on image/compressed')
    parser.add_argument('--json', type=Path, help='where to write what was published')
    return parser.parse_args(arguments)


def main() -> int:
    """Play until the end or an interrupt; return exit code."""
    options = parse_arguments(remove_ros_args(sys.argv)[1:])
    account = {'frames': 0, 'published': 0}
    try:
        with running(lambda: CameraPlayer(options)) as player:
            player.wait_for_subscriber()
            account['frames'] = player.play(
                frames_of(options.input, options.topic, options.frames))
            account['published'] = player.published
    except (TimeoutError, ValueError) as error:
        print(f'camera_player: {error}', file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(account))
    return 0


if __name__ == '__main__':
    sys.exit(main())
