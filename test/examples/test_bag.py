# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What was recorded comes back byte for byte, own messages too, and can be segmented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip('metricseg_msgs')

from metricseg_msgs.msg import Instance, InstanceArray, Mask  # noqa: E402
from metricseg_ros.inputs import open_input  # noqa: E402
from metricseg_ros.ros.camera_messages import raw_image  # noqa: E402
import rclpy  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.node import Node  # noqa: E402
from ros.examples import load  # noqa: E402
from ros.robot import Spinner, wait_for  # noqa: E402
from rosbags.highlevel import AnyReader  # noqa: E402
from rosbags.rosbag2 import StoragePlugin, Writer  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

bag = load('bag')
PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
SENT = InstanceArray(header=Header(frame_id='camera'), image_height=2, image_width=3, instances=[
    Instance(id=7, class_name='cup', score=0.5, mask=Mask(height=1, width=3, bits=[0b10100000]))])


@pytest.fixture
def recording(tmp_path: Path, start: Callable[..., Any]) -> Path:
    """Record one topic of images and one of instances, and one whose type is not known."""
    path = tmp_path / 'run'
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    camera = robot.create_publisher(Image, 'image', 5)
    consumer = robot.create_publisher(InstanceArray, '/segmenter/instances', 5)
    with Writer(path, version=bag.VERSION, storage_plugin=StoragePlugin.MCAP) as writer:
        recorder = Spinner(lambda context: bag.Recorder(
            writer, ['image', '/segmenter/instances'], context=context))
        image = raw_image(Header(frame_id='camera'), PIXELS)
        image.header.stamp.sec = 5
        wait_for(lambda: camera.publish(image) or consumer.publish(SENT) or all(
            recorder.node.counts.values()), 'both topics to be recorded')
        recorder.close()
    return path


def test_a_recording_explains_itself_and_can_be_segmented(recording: Path) -> None:
    with AnyReader([recording]) as reader:
        instances = [item for item in reader.connections if 'instances' in item.topic]
        _, _, data = next(reader.messages(connections=instances))
        read = reader.deserialize(data, 'metricseg_msgs/msg/InstanceArray')
    assert (read.instances[0].id, read.instances[0].class_name) == (7, 'cup')
    assert read.instances[0].mask.bits.tolist() == [0b10100000]
    frame = next(iter(open_input(recording)))
    np.testing.assert_array_equal(frame.image, PIXELS)
    assert frame.stamp_ns == 5 * 10 ** 9


def test_a_recording_comes_back_as_it_was(recording: Path, start: Callable[..., Any]) -> None:
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    images: list[Image] = []
    found: list[InstanceArray] = []
    robot.create_subscription(Image, 'image', images.append, 50)
    robot.create_subscription(InstanceArray, '/segmenter/instances', found.append, 50)
    context = Context()
    rclpy.init(context=context)
    player = Node('player', context=context)
    wait_for(lambda: bag.replay(player, recording, 1000.0, 0.3) and images and found,
             'the recording')
    player.destroy_node()
    rclpy.try_shutdown(context=context)
    assert images[0].data.tobytes() == PIXELS.tobytes()
    assert found[0] == SENT


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    assert bag.main(['replay', str(tmp_path / 'nowhere')]) == 2
    assert 'nowhere' in capsys.readouterr().err
    with pytest.raises(ValueError, match='the messages no_msgs/msg/Thing are not installed'):
        bag.message_class('no_msgs/msg/Thing')
