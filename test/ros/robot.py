# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A robot as the segmenter sees it: a camera, a consumer and an operator, over Fast DDS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
import gc
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState
from metricseg_msgs.msg import InstanceArray, Object3DArray
from metricseg_ros.ros.segmenter_node import SegmenterNode
from rcl_interfaces.msg import Log
from rcl_interfaces.srv import SetParametersAtomically
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

PATIENCE_S = 100.0
"""Longest wait for anything, in seconds: a machine may have a lot else to do."""

RESEND_S = 5.0
"""Time after which an image of which nothing came is sent again, in seconds."""

WARN = 30
TOPICS = {'instances': InstanceArray, 'label_map': Image, 'overlay': Image,
          'clicked': InstanceArray, 'clicked_overlay': Image, 'objects': Object3DArray,
          'markers': MarkerArray, 'cloud': PointCloud2}
TRANSITIONS = {'configure': 1, 'cleanup': 2, 'activate': 3, 'deactivate': 4}


class Spinner:
    """Spin one node on a thread and in a context of its own, as another process would."""

    def __init__(self, make: Callable[[Context], Node]) -> None:
        """
        Make the node and spin it.

        :param make: given the context.
        """
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = make(self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = Thread(target=self._spin, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], Any]) -> Any:
        """
        Run something on the node's own thread.

        :param function: what to run.
        :return: what it returns.
        """
        task = self._executor.create_task(function)
        wait_for(task.done, 'a task of the executor')
        return task.result()

    def close(self) -> None:
        """End the node."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)
        # Until it is collected, a node of the same name in this process has no way to /rosout.
        del self.node
        gc.collect()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):  # The usual way to end.
            self._executor.spin()


class Segmenter(Spinner):
    """The node under test."""

    def __init__(self, model: Any, *arguments: str, start: bool = True, **parameters: Any) -> None:
        """
        Start it.

        :param model: its model.
        :param arguments: of ROS's command line.
        :param start: whether to let it start by itself.
        :param parameters: other parameters; double underscores stand for dots.
        """
        values = {'model': str(model), 'diagnostics_period': 0.2, **parameters}
        overrides = [Parameter(name.replace('__', '.'), value=value)
                     for name, value in values.items()]
        super().__init__(lambda context: SegmenterNode(
            context=context, parameter_overrides=overrides,
            cli_args=['--ros-args', *arguments] if arguments else None))
        if start:
            self.call(self.node.start)


class Robot(Spinner):
    """Everything around the segmenter, with what it has said so far."""

    def __init__(self, *subscribed: str, reliability: str = 'reliable',
                 carries: type = Image) -> None:
        """
        Start it.

        :param subscribed: outputs to subscribe to, of :data:`TOPICS`.
        :param reliability: of the camera.
        :param carries: type of the camera's messages.
        """
        super().__init__(lambda context: Node('robot', context=context))
        self.received: dict[str, list[Any]] = defaultdict(list)
        self.logs: list[Log] = []
        self.reports: list[DiagnosticArray] = []
        self._clients: dict[str, Any] = {}
        policy = ReliabilityPolicy[reliability.upper()]
        qos = QoSProfile(depth=1, reliability=policy)
        self.camera = self.node.create_publisher(carries, 'image', qos)
        self.compressed = self.node.create_publisher(CompressedImage, 'image/compressed', qos)
        for name in subscribed:
            self.subscribe(name)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self.reports.append, 10)
        self.node.create_subscription(Log, '/rosout', self.logs.append, QoSProfile(
            depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL))

    def subscribe(self, name: str) -> None:
        """
        Subscribe to an output.

        :param name: of :data:`TOPICS`; may begin with a camera and a slash.
        """
        self.node.create_subscription(TOPICS[name.rsplit('/', 1)[-1]], f'segmenter/{name}',
                                      self.received[name].append, 50)

    def header(self) -> Header:
        """
        Make a header that no other image has.

        :return: the present time, and a frame.
        """
        return Header(stamp=self.node.get_clock().now().to_msg(), frame_id='camera_optical_frame')

    def wait_until_matched(self, compressed: bool = False) -> None:
        """
        Wait until camera and consumer are connected with the segmenter.

        :param compressed: whether the camera compresses.
        """
        camera = self.compressed if compressed else self.camera
        wait_for(lambda: camera.get_subscription_count() and all(
            self.node.count_publishers(f'segmenter/{name}') for name in self.received),
            'camera and consumer to be connected')
        # Each side learns of the other at its own time, and images that nobody wants are left.
        wait_for(lambda: self.is_seen(self.received), 'the segmenter to see them')

    def is_seen(self, outputs: Iterable[str], camera: str = '') -> bool:
        """
        Tell whether the segmenter knows of the camera and of who subscribes.

        :param outputs: names of the camera's outputs.
        :param camera: its name.
        :return: whether it knows, as it says itself.
        """
        subscribed = (self.value('subscribed', camera) or '').split(', ')
        return (self.value('publishers', camera) not in (None, '0')
                and set(outputs) <= set(subscribed))

    def send(self, message: Any) -> None:
        """
        Publish an image.

        :param message: raw or compressed.
        """
        with suppress(RuntimeError):  # The middleware had no time for it: as if lost on the way.
            (self.compressed if hasattr(message, 'format') else self.camera).publish(message)

    def send_until(self, message: Any, done: Callable[[], Any], what: str) -> Any:
        """
        Send an image, again if need be, until something has come of it.

        :param message: raw or compressed.
        :param done: gives what has come of it, or nothing.
        :param what: its name, for the failure.
        :return: what has come.
        """
        end = monotonic() + PATIENCE_S
        while monotonic() < end:
            self.send(message)
            again = monotonic() + RESEND_S
            while monotonic() < again:
                if found := done():
                    return found
                sleep_a_little()
        raise AssertionError(f'waited {PATIENCE_S:.0f} s for {what}; diagnostics: {self.status}')

    def answer(self, message: Any, name: str = 'instances') -> Any:
        """
        Send an image and wait for what comes of it.

        :param message: raw or compressed.
        :param name: output to wait for.
        :return: its message, which has the image's header.
        """
        return self.send_until(message, lambda: next(
            (answer for answer in self.received[name] if answer.header == message.header), None),
            name)

    @property
    def status(self) -> Any:
        """Return the latest DiagnosticStatus of the first camera, or None."""
        return self.reports[-1].status[0] if self.reports else None

    def status_of(self, camera: str) -> Any:
        """
        Look up how a camera is.

        :param camera: its name.
        :return: its latest DiagnosticStatus, or None.
        """
        name = 'segmenter: segmentation' + (f' of {camera}' if camera else '')
        statuses = self.reports[-1].status if self.reports else []
        return next((status for status in statuses if status.name == name), None)

    def value(self, key: str, camera: str = '') -> str | None:
        """
        Look a value up in the latest diagnostics.

        :param key: its key.
        :param camera: name of the camera.
        :return: the value, or None.
        """
        status = self.status_of(camera)
        values = {} if status is None else {item.key: item.value for item in status.values}
        return values.get(key)

    def warnings(self, text: str) -> list[str]:
        """
        Find what the segmenter warned of.

        :param text: part of the warnings looked for.
        :return: the warnings.
        """
        return [log.msg for log in list(self.logs) if log.level >= WARN and text in log.msg]

    def wait_for_status(self, text: str, meanwhile: Callable[[], Any] = lambda: None) -> Any:
        """
        Wait for a diagnosis.

        :param text: part of its message.
        :param meanwhile: done again and again while waiting, as sending an image.
        :return: the DiagnosticStatus.
        """
        # From the latest report on, and none left out: the next one may tell of another thing.
        latest = max(0, len(self.reports) - 1)

        def told() -> Any:
            meanwhile()
            return next((report.status[0] for report in self.reports[latest:]
                         if text in report.status[0].message), None)
        return wait_for(told, lambda: f'the diagnosis {text!r}, not {self.status}')

    def change_state(self, transition: str) -> bool:
        """
        Ask for a transition, as `ros2 lifecycle set` does.

        :param transition: its name.
        :return: whether it succeeded.
        """
        request = ChangeState.Request()
        request.transition.id = TRANSITIONS[transition]
        return self.call_service(ChangeState, 'segmenter/change_state', request).success

    def set_parameter(self, name: str, value: Any) -> Any:
        """
        Set a parameter, as `ros2 param set` does.

        :param name: its name.
        :param value: its value.
        :return: the SetParametersResult.
        """
        request = SetParametersAtomically.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        return self.call_service(SetParametersAtomically, 'segmenter/set_parameters_atomically',
                                 request).result

    def call_service(self, kind: Any, name: str, request: Any) -> Any:
        """
        Call a service.

        :param kind: its type.
        :param name: its name.
        :param request: the request.
        :return: the response.
        """
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(PATIENCE_S), f'there is no service {name}'
        future = client.call_async(request)
        wait_for(future.done, name)
        return future.result()


def wait_for(condition: Callable[[], Any], what: str | Callable[[], str],
             patience: float = PATIENCE_S) -> Any:
    """
    Wait for a condition.

    :param condition: what must become true.
    :param what: its name, for the failure.
    :param patience: how long, in seconds.
    :return: the condition's value.
    """
    end = monotonic() + patience
    while not (value := condition()):
        text = what if isinstance(what, str) else what()
        assert monotonic() < end, f'waited {patience:.0f} s for {text}'
        sleep_a_little()
    return value


@contextmanager
def flood(send: Callable[[], Any], rate: float = 200.0) -> Iterator[None]:
    """
    Send images meanwhile, faster than anybody can segment them.

    :param send: sends one.
    :param rate: images a second.
    """
    over = Event()

    def run() -> None:
        while not over.wait(1 / rate):
            send()
    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def sleep_a_little() -> None:
    """Let the other threads go on."""
    sleep(0.01)
