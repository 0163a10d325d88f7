# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The messages cross a real topic unchanged."""

from __future__ import annotations

import array
from collections.abc import Iterator
import time
from typing import Any, TYPE_CHECKING

from metricseg_ros.packed_mask import pack, unpack
import numpy as np
import pytest

if TYPE_CHECKING:
    from metricseg_msgs.msg import InstanceArray
    from rclpy.node import Node

pytestmark = pytest.mark.ros
PATIENCE = 100.0
"""Seconds to wait for discovery and delivery, far above what they take."""


@pytest.fixture
def node() -> Iterator[Node]:
    """Give a node of a context of its own."""
    import rclpy
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('messages', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def _message(mask: np.ndarray) -> InstanceArray:
    from metricseg_msgs.msg import Instance, InstanceArray, Mask
    packed = pack(mask)
    message = InstanceArray(image_height=mask.shape[0], image_width=mask.shape[1], model='m',
                            backend='onnxruntime', provider='CPUExecutionProvider', age_ms=12.5)
    message.header.frame_id = 'camera_optical_frame'
    message.header.stamp.sec, message.header.stamp.nanosec = 2**31 - 1, 999_999_999
    message.instances = [
        Instance(id=65534, class_id=1, class_name='object', score=0.75, area=int(mask.sum()),
                 similarity_threshold=0.5,
                 mask=Mask(row=packed.row, column=packed.column, height=packed.height,
                           width=packed.width, bits=array.array('B', packed.bits.tobytes())))]
    return message


def _crossed(node: Node, sent: Any) -> Any:
    """Send a message over a topic, and return what arrives."""
    from rclpy.executors import SingleThreadedExecutor
    received: list[Any] = []
    node.create_subscription(type(sent), 'topic', received.append, 1)
    publisher = node.create_publisher(type(sent), 'topic', 1)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    end = time.monotonic() + PATIENCE
    while not received and time.monotonic() < end:
        if publisher.get_subscription_count() > 0:
            publisher.publish(sent)
        executor.spin_once(timeout_sec=0.1)
    assert received, f'nothing arrived within {PATIENCE} s'
    return received[0]


def test_instances_cross_a_topic(node: Node, rng: np.random.Generator) -> None:
    mask = rng.random((720, 1280)) < 0.5
    sent = _message(mask)
    received = _crossed(node, sent)
    assert received == sent
    np.testing.assert_array_equal(unpack(received.instances[0].mask, mask.shape), mask)


def test_objects_cross_a_topic(node: Node) -> None:
    from metricseg_msgs.msg import Object3D, Object3DArray
    thing = Object3D(id=65534, class_id=1, class_name='object', score=0.75, status=Object3D.OK,
                     depth_share=0.5, point_count=2**32 - 1)
    thing.centroid.x, thing.box_pose.orientation.w, thing.box_size.y = -1.25, 0.5, 0.125
    thing.normal.z = -1.0
    sent = Object3DArray(objects=[thing, Object3D(status=Object3D.NO_DEPTH)], problem='none')
    sent.depth_stamp.sec = 2**31 - 1
    assert _crossed(node, sent) == sent
