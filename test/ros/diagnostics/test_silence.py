# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Nothing is computed for which nobody asks, and the reason of silence is told."""

from __future__ import annotations

from collections.abc import Callable
import inspect
from pathlib import Path
from threading import Event
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.backends import BackendError
from metricseg_ros.ros.diagnostics import health
from metricseg_ros.ros.diagnostics.graph import name_of
from metricseg_ros.ros.frames.latencies import PUBLISHED_STAGES
from metricseg_ros.ros.input.image_input import SubscriptionEventCallbacks
from metricseg_ros.ros.tools.camera_messages import compressed_image, raw_image
import pytest
from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.topic_endpoint_info import TopicEndpointInfo
from ros.colour_model import scene
from ros.robot import PATIENCE_S, Robot, Segmenter, wait_for
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

pytestmark = pytest.mark.ros

Start = Callable[..., Any]

MORE = 'it asks for more than is offered by QoS policy'


def test_without_subscribers_the_network_does_not_run(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot())
    robot.wait_until_matched()
    for count in (1, 2, 3):
        robot.send_until(raw_image(robot.header(), scene()),
                         lambda count=count: int(robot.value('idle')) >= count,
                         'the image to be ignored')
    status = robot.wait_for_status('idle: nobody subscribes to /segmenter/instances')
    assert status.level == b'\x00'
    assert robot.value('segmented') == '0'
    robot.subscribe('label_map')
    answer = robot.answer(raw_image(robot.header(), scene()), 'label_map')
    assert answer.encoding == 'mono16'


def test_only_what_is_asked_for_is_made(start: Start, colour_model: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    from metricseg_ros.ros.output import publishers as outputs
    draw = outputs.draw_overlay
    monkeypatch.setattr(outputs, 'draw_overlay',
                        lambda *arguments: drawn.append(1) or draw(*arguments))
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.answer(raw_image(robot.header(), scene()))
    assert not drawn
    robot.subscribe('overlay')
    robot.answer(raw_image(robot.header(), scene()), 'overlay')
    assert drawn


def test_a_camera_elsewhere_is_suggested(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, '-r', 'image:=/camera/image'))
    robot = start(Robot('instances'))
    other = robot.node.create_publisher(Image, '/camera/image_raw', 1)
    status = robot.wait_for_status('nobody publishes on /camera/image; there are images on '
                                   '/camera/image_raw')
    assert '-r image:=/camera/image_raw' in status.message
    wait_for(lambda: robot.warnings('there are images on'), 'the advice in the log')
    robot.node.destroy_publisher(other)
    wait_for(lambda: 'there are images on /image:' in robot.status.message,
             'the camera to be forgotten')


def test_a_compressed_camera_is_told_of(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot('instances'))
    robot.node.destroy_publisher(robot.camera)
    robot.wait_for_status('on /image/compressed: set image_transport to compressed')


def test_a_compressed_camera_elsewhere_is_told_of(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, '-r', 'image:=/camera/image'))
    robot = start(Robot('instances'))
    robot.node.destroy_publisher(robot.camera)
    robot.node.create_publisher(CompressedImage, '/camera/image_raw/compressed', 1)
    robot.wait_for_status('nobody publishes on /camera/image; there are compressed images on '
                          '/camera/image_raw/compressed, /image/compressed: start with')
    assert ('-p image_transport:=compressed -r image/compressed:=/camera/image_raw/compressed'
            in robot.status.message)


def test_a_camera_that_cannot_be_heard_is_told_of(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances', reliability='best_effort'))
    status = robot.wait_for_status('best effort and image_reliability is reliable')
    assert status.level == b'\x02'
    assert 'QoS policy RELIABILITY' in status.message
    wait_for(lambda: robot.warnings('cannot be heard: QoS policy RELIABILITY'),
             'the warning of the QoS event')


@pytest.mark.parametrize(('kind', 'policies', 'text'), [
    (InstanceArray, {'durability': DurabilityPolicy.TRANSIENT_LOCAL}, f'{MORE} DURABILITY: '),
    (InstanceArray, {'deadline': Duration(seconds=1)}, f'{MORE} DEADLINE: '),
    (InstanceArray, {'liveliness': LivelinessPolicy.MANUAL_BY_TOPIC}, f'{MORE} LIVELINESS: '),
    (Image, {}, 'it asks for sensor_msgs/msg/Image, and this is metricseg_msgs/msg/InstanceArr')])
def test_a_subscriber_that_gets_nothing_is_told_of(
        start: Start, colour_model: Path, kind: type, policies: dict[str, Any],
        text: str) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot())
    consumer = robot.node.create_subscription(kind, 'segmenter/instances', print,
                                              QoSProfile(depth=1, **policies))
    # At first the graph may know the subscriber, and not yet its node.
    status = robot.wait_for_status(f'/robot gets nothing of /segmenter/instances: {text}',
                                   lambda: robot.send(raw_image(robot.header(), scene())))
    assert status.level == b'\x01'
    robot.node.destroy_subscription(consumer)
    robot.wait_for_status('idle: nobody subscribes',
                          lambda: robot.send(raw_image(robot.header(), scene())))


def test_a_subscriber_without_a_node_is_not_called_by_a_placeholder() -> None:
    def subscriber(namespace: str, name: str) -> TopicEndpointInfo:
        return TopicEndpointInfo(node_namespace=namespace, node_name=name)
    assert name_of(subscriber('/', 'robot')) == '/robot'
    assert name_of(subscriber('/left', 'robot')) == '/left/robot'
    unknown = subscriber('_NODE_NAMESPACE_UNKNOWN_', '_NODE_NAME_UNKNOWN_')
    assert name_of(unknown) == 'a subscriber whose node is not known'


@pytest.mark.parametrize('reliability', ['reliable', 'best_effort'])
def test_every_camera_is_heard_by_default(start: Start, colour_model: Path,
                                          reliability: str) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot('instances', reliability=reliability))
    robot.wait_until_matched()
    robot.wait_for_status('segmenting',
                          lambda: robot.send(raw_image(robot.header(), scene())))


@pytest.mark.parametrize(('seconds', 'text'), [
    (-100, 's behind this node'), (100, 's ahead of this node'), (0, 'carry no stamp')])
def test_stamps_that_are_off_are_told_of(start: Start, colour_model: Path, seconds: int,
                                         text: str) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    message = raw_image(robot.header(), scene())
    message.header.stamp.sec += seconds
    if not seconds:
        message.header.stamp.sec = message.header.stamp.nanosec = 0
    robot.wait_for_status(text, lambda: robot.send(message))


def test_a_camera_that_goes_is_told_of(start: Start, colour_model: Path) -> None:
    node = start(Segmenter(colour_model)).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.node.destroy_publisher(robot.camera)
    robot.wait_for_status('nobody publishes on /image')
    if 'matched' in inspect.signature(SubscriptionEventCallbacks.__init__).parameters:
        wait_for(lambda: robot.warnings('the last publisher on /image is gone'), 'the warning')
    assert node.phase == 'active'


def test_a_paused_camera_is_told_of(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot('instances'))
    robot.wait_for_status('/image has a publisher, but no image came for')


def test_simulated_time_that_stands_still_is_told_of(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, use_sim_time=True, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.wait_for_status('nobody publishes /clock',
                          lambda: robot.send(raw_image(robot.header(), scene())))


def test_a_report_that_fails_does_not_end_the_node(start: Start, colour_model: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    from metricseg_ros.ros.diagnostics import diagnostics
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    with monkeypatch.context() as patch:
        patch.setattr(diagnostics, 'look_at', lambda *_: 1 / 0)
        wait_for(lambda: robot.warnings('diagnostics failed: ZeroDivisionError'), 'the warning')
        robot.answer(raw_image(robot.header(), scene()))
    robot.wait_for_status('segmenting', lambda: robot.send(raw_image(robot.header(), scene())))


def test_latencies_and_counts_are_reported(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.answer(raw_image(robot.header(), scene()))
    wait_for(lambda: int(robot.value('segmented')) >= 1, 'the image to be counted')
    assert robot.value('backend') == 'onnxruntime'
    assert robot.value('topic') == '/image'
    for stage in (*PUBLISHED_STAGES, 'views'):
        values = [float(robot.value(f'{stage}_ms_{name}')) for name in ('p50', 'p95', 'p99')]
        assert 0 <= values[0] <= values[1] <= values[2]


def test_a_namespace_keeps_two_cameras_apart(start: Start, colour_model: Path) -> None:
    node = start(Segmenter(colour_model, '-r', '__ns:=/left')).node
    robot = start(Robot())
    wait_for(lambda: robot.node.count_subscribers('/left/image'), 'the subscription')
    assert robot.node.count_publishers('/left/segmenter/instances') == 1
    assert node.get_fully_qualified_name() == '/left/segmenter'
    wait_for(lambda: robot.status, 'a report')
    assert robot.status.name == 'left/segmenter: segmentation', 'names differ between nodes'


def test_a_reliable_subscription_loses_no_compressed_image(start: Start,
                                                           colour_model: Path) -> None:
    start(Segmenter(colour_model, image_transport='compressed', image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched(compressed=True)
    sent = [compressed_image(robot.header(), scene(), 'jpeg') for _ in range(5)]
    for message in sent:
        robot.answer(message)
    stamps = {message.header.stamp.nanosec for message in robot.received['instances']}
    assert stamps == {message.header.stamp.nanosec for message in sent}


def test_without_a_publisher_the_subscription_asks_for_delivery(start: Start,
                                                                colour_model: Path) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot())
    robot.node.destroy_publisher(robot.camera)
    wait_for(lambda: robot.node.get_subscriptions_info_by_topic('/image'), 'the subscription')
    qos: QoSProfile = robot.node.get_subscriptions_info_by_topic('/image')[0].qos_profile
    assert (qos.reliability, qos.durability) == (ReliabilityPolicy.RELIABLE,
                                                 DurabilityPolicy.VOLATILE)


def test_another_type_on_the_topic_is_named(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot('instances', carries=CompressedImage))
    robot.node.destroy_publisher(robot.compressed)
    robot.wait_for_status('/image carries sensor_msgs/msg/CompressedImage; there are compressed')
    assert '-p image_transport:=compressed -r image/compressed:=/image' in robot.status.message


def test_what_is_no_image_at_all_is_named(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot('instances', carries=String))
    robot.wait_for_status('/image carries std_msgs/msg/String; there are compressed images on')
    robot.node.destroy_publisher(robot.compressed)
    robot.wait_for_status('/image carries std_msgs/msg/String, which are no images')


def test_what_the_node_has_already_is_not_suggested(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, cameras=['left', 'right']))
    robot = start(Robot())
    robot.node.destroy_publisher(robot.camera)
    robot.node.destroy_publisher(robot.compressed)
    for topic in ('left/image', 'left/depth', 'right/depth'):
        robot.node.create_publisher(Image, topic, 1)
    wait_for(lambda: robot.value('publishers', 'left') == '1', 'the left camera to be heard')
    wait_for(lambda: 'nor images elsewhere' in robot.status_of('right').message,
             lambda: f'no suggestion, not {robot.status_of("right")}')


def test_a_camera_that_takes_its_time_is_not_called_silent(
        start: Start, colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, 'SILENCE_S', 0.3)
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.answer(raw_image(robot.header(), scene()))
    robot.wait_for_status('no image came')  # There is no telling yet.
    robot.answer(raw_image(robot.header(), scene()))
    node.session.cameras[''].input._interval = 1000.0
    assert node.session.cameras[''].input.silent_seconds() == 0
    robot.wait_for_status('segmenting')


def test_a_worker_that_is_stuck_is_told_of_with_the_camera(
        start: Start, colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, 'STUCK_S', 0.5)
    node = start(Segmenter(colour_model, image_reliability='reliable', cameras=['left'])).node
    robot = start(Robot('left/instances'))
    camera = robot.node.create_publisher(Image, 'left/image', 1)
    go_on = Event()
    run = node.session.segmenter.backend.run
    monkeypatch.setattr(node.session.segmenter.backend, 'run',
                        lambda *inputs: go_on.wait(PATIENCE_S) and run(*inputs))
    status = robot.wait_for_status('the worker has been at one image of left',
                                   lambda: camera.publish(raw_image(robot.header(), scene())))
    assert status.level == b'\x02'
    go_on.set()
    wait_for(lambda: robot.received['left/instances'], 'the image that was stuck')


def test_a_backend_that_fails_is_told_of_in_its_own_words(
        start: Start, colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()

    def fail(*_inputs: Any) -> None:
        raise BackendError('the GPU is out of memory: lower input.height')
    with monkeypatch.context() as patch:
        patch.setattr(node.session.segmenter.backend, 'run', fail)
        status = robot.wait_for_status(
            'out of memory', lambda: robot.send(raw_image(robot.header(), scene())))
    assert status.message == 'image not segmented: the GPU is out of memory: lower input.height'
    robot.answer(raw_image(robot.header(), scene()))


def test_two_nodes_of_one_name_are_told_of(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    twin = start(Segmenter(colour_model, start=False))
    robot.wait_for_status('another node is called /segmenter')
    assert twin.node.get_fully_qualified_name() == '/segmenter'
