# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The C++ package builds by colcon, and reads what is published over ROS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from typing import Any

from metricseg_msgs.msg import Instance, InstanceArray, Mask
from metricseg_ros.packed_mask import pack
from metricseg_ros.ros.output.byte_arrays import byte_array
import numpy as np
import pytest
from rclpy.node import Node
from rclpy.serialization import serialize_message
from ros.examples import EXAMPLES
from ros.robot import Spinner, wait_for
from std_msgs.msg import Header

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package as a user would; return the folder of its programs."""
    if shutil.which('cmake') is None or not (shutil.which('c++') or shutil.which('g++')):
        pytest.skip('THE C++ CONSUMER IS UNTESTED: no cmake or no compiler on PATH')
    folder = tmp_path_factory.mktemp('workspace')
    subprocess.run(
        [sys.executable, '-c', 'from colcon_core.command import main; raise SystemExit(main())',
         '--log-base', folder / 'log', 'build', '--base-paths', EXAMPLES / 'mask_consumer',
         '--build-base', folder / 'build', '--install-base', folder / 'install'],
        check=True, capture_output=True, timeout=280)
    return folder / 'install' / 'mask_consumer' / 'lib' / 'mask_consumer'


def message() -> InstanceArray:
    """Make a mask with a hole, and one that is inconsistent."""
    mask = np.zeros((20, 30), bool)
    mask[3:7, 5:17] = True
    mask[4, 6] = False
    packed = pack(mask)
    good = Mask(row=packed.row, column=packed.column, height=packed.height, width=packed.width,
                bits=byte_array(packed.bits))
    return InstanceArray(header=Header(frame_id='camera'), image_height=20, image_width=30,
                         instances=[
        Instance(id=4, class_name='cup', score=0.5, mask=good),
        Instance(id=5, class_name='fork', score=0.25, mask=Mask(height=3, width=9, bits=[1]))])


DESCRIBED = [
    "2 instances in 20 x 30 pixels of 'camera'", '4 cup 0.5 47 pixels',
    '5 fork 0.25 left out: mask of 3 x 9 pixels must have 6 bytes of bits, got 1']


def test_cpp_reads_what_is_published(consumer: Path, start: Callable[..., Any]) -> None:
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    publisher = robot.create_publisher(InstanceArray, '/segmenter/instances', 1)
    came: list[bytes] = []
    robot.create_subscription(InstanceArray, '/segmenter/instances', came.append, 1, raw=True)
    wait_for(lambda: publisher.publish(message()) or came, 'the message')
    assert described(consumer, bytes(came[0])) == DESCRIBED


def test_cpp_takes_no_memory_for_an_image_that_cannot_be(consumer: Path) -> None:
    huge = message()
    huge.image_height = huge.image_width = 2 ** 32 - 1
    assert described(consumer, serialize_message(huge))[1:] == DESCRIBED[1:]


def test_a_node_of_rclcpp_reads_what_is_published(consumer: Path, tmp_path: Path,
                                                  start: Callable[..., Any]) -> None:
    if not (consumer / 'consumer_node').is_file():
        pytest.skip('THE C++ NODE IS UNTESTED: rclcpp is not installed')
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    publisher = robot.create_publisher(InstanceArray, '/segmenter/instances', 1)
    log = tmp_path / 'log'
    with log.open('w') as file:
        node = subprocess.Popen([consumer / 'consumer_node', '--ros-args', '-r',
                                 'instances:=segmenter/instances'], stderr=file)
    try:
        # A message that is cut short is dropped by the middleware, and the next one is read.
        wait_for(lambda: publisher.publish(serialize_message(message())[:40])
                 or publisher.publish(message()) or DESCRIBED[-1] in log.read_text(), 'a line')
        node.send_signal(signal.SIGINT)
        assert node.wait(timeout=60) == 0
    finally:
        node.kill()
    assert '\n'.join(DESCRIBED) in log.read_text()


@pytest.mark.parametrize('length', [0, 3, 40])
def test_cpp_names_what_is_cut_short(consumer: Path, length: int) -> None:
    data = serialize_message(InstanceArray(model='household-lite'))[:length]
    failed = subprocess.run([consumer / 'describe_message'], input=data, capture_output=True)
    assert failed.returncode == 1 and not failed.stdout
    (line,) = failed.stderr.decode().splitlines()
    assert line.startswith(f'no whole InstanceArray in {length} bytes: ')


def described(consumer: Path, data: bytes) -> list[str]:
    """Describe a serialized message."""
    return subprocess.run([consumer / 'describe_message'], input=data, check=True,
                          capture_output=True).stdout.decode().splitlines()
