# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node's report on /diagnostics, and on its log when something keeps it from working."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from metricseg_ros.ros.camera import Camera
from metricseg_ros.ros.diagnostics.graph import look_at, TopicView, unserved
from metricseg_ros.ros.diagnostics.health import Facts, judge, OK, SILENCE_S, Unheard, Verdict
from metricseg_ros.ros.diagnostics.throttle import ThrottledLog
from metricseg_ros.ros.input.depth_input import TOPICS
from metricseg_ros.ros.session import Session
from rclpy.clock import Clock, ClockType
from rclpy.node import Node


class Diagnostics:
    """Look at the node once in a while, and tell."""

    def __init__(self, node: Node, session: Callable[[], Session | None],
                 phase: Callable[[], tuple[str, str]], warn: Callable[[str], None]) -> None:
        """
        Create the publisher; :meth:`start` sets it going.

        :param node: the node.
        :param session: gives what the node holds, or None while it is unconfigured.
        :param phase: gives the state of its life cycle, and why the latest configure failed.
        :param warn: told of every fault that lasts, and throttles by itself.
        """
        self._node = node
        self._session = session
        self._phase = phase
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 1)
        self._warn = warn
        self._told = ''
        # By a line of our own, as rclpy raises when one line logs at two severities.
        self._progress = ThrottledLog(lambda text: node.get_logger().info(text))
        self._fault_since: dict[str, float] = {}
        self._timer: Any = None

    def start(self, period: float) -> None:
        """
        Report from now on, by the steady clock: simulated time may stand still.

        :param period: time between two reports, in seconds.
        """
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        self._told = ''
        self._timer = self._node.create_timer(
            period, self._report_or_warn, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def report(self) -> None:
        """Publish one report, with a status for each camera."""
        session = self._session()
        cameras = [None] if session is None else list(session.cameras.values())
        reports = [(camera, facts, judge(facts)) for camera in cameras
                   for facts in [self._facts(session, camera)]]
        message = DiagnosticArray(status=[
            self._status(facts, verdict, values_of(facts, session, camera))
            for camera, facts, verdict in reports])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
        for _, facts, verdict in reports:
            self._tell(facts.camera, verdict)
        if session is not None:
            self.tell_what_runs(session)

    def tell_what_runs(self, session: Session) -> None:
        """
        Log who runs the network when that has changed, and what is under way to run faster.

        :param session: what the node holds.
        """
        made, progress = session.provenance, session.segmenter.backend.progress
        line = (f'{made.model} on {made.backend}, {made.provider}, {made.device}, '
                f'{made.precision}{made.note and f": {made.note}"}')
        if line != self._told:
            self._told = line
            self._node.get_logger().info(line)
        if progress:
            self._progress(progress)

    def _report_or_warn(self) -> None:
        try:
            self.report()
        except Exception as error:  # rclpy would end the node; the graph may be half known.
            self._warn(f'diagnostics failed: {error!r}')

    def _status(self, facts: Facts, verdict: Verdict,
                values: list[tuple[str, str]]) -> DiagnosticStatus:
        of = f' of {facts.camera}' if facts.camera else ''
        name = self._node.get_fully_qualified_name()
        return DiagnosticStatus(
            level=bytes([verdict.level]), name=f'{name.removeprefix("/")}: segmentation{of}',
            message=verdict.message, hardware_id=name,
            values=[KeyValue(key=key, value=value) for key, value in values])

    def _facts(self, session: Session | None, camera: Camera | None) -> Facts:
        phase, problem = self._phase()
        facts = {'node': self._node.get_fully_qualified_name(), 'phase': phase,
                 'problem': problem, 'camera': camera.name if camera else ''}
        if camera is None or camera.input is None or session.worker is None:
            return Facts(**facts)
        source, age = camera.input, camera.latencies.percentiles().get('age')
        return Facts(
            **facts, topic=source.topic,
            view=self._view(session, source.topic, source.message_type),
            reliable=source.reliable, transport=session.config.image_transport,
            refused=source.refused, silent_s=source.silent_seconds(),
            busy_s=session.busy_seconds(), busy_with=session.at,
            wanted=camera.outputs.any_wanted(), bad_image=camera.tally.bad_image,
            age_ms=age and age['p50'], unstamped=camera.tally.segmented > 0 and age is None,
            waits_for_clock=self._waits_for_clock(), unserved=self._unserved(camera),
            no_place=camera.placing.problem, unheard=self._unheard(session, camera),
            rate=camera.latencies.rate())

    def _unheard(self, session: Session, camera: Camera) -> tuple[Unheard, ...]:
        """Look for depth and intrinsics that have not come, though somebody asks for them."""
        if not camera.placing.problem:
            return ()
        return tuple(
            Unheard(camera.prefix + name, topic, self._view(session, topic, TOPICS[name]))
            for name, topic in camera.depth.topics.items() if not camera.depth.received[name])

    def _unserved(self, camera: Camera) -> str:
        """Look for the first subscriber of an output that gets nothing."""
        found = (unserved(self._node, publisher.topic_name, type_name(publisher.msg_type))
                 for publisher in camera.outputs.publishers)
        return next(filter(None, found), '')

    def _view(self, session: Session, topic: str, kind: type) -> TopicView:
        """Look at a topic, and for what was probably meant: not what the node has already."""
        own = {publisher.topic_name for camera in session.cameras.values()
               for publisher in camera.outputs.publishers}
        taken = {name for camera in session.cameras.values() for name in (
            camera.input.topic, self._node.resolve_topic_name(f'{camera.prefix}depth'))}
        return look_at(self._node, topic, type_name(kind), own | taken - {topic})

    def _waits_for_clock(self) -> bool:
        simulated = self._node.get_parameter('use_sim_time').value
        return bool(simulated) and not self._node.count_publishers('/clock')

    def _tell(self, camera: str, verdict: Verdict) -> None:
        """Log a fault that lasts: people look at the terminal first."""
        if verdict.level == OK:
            self._fault_since.pop(camera, None)
        elif monotonic() - self._fault_since.setdefault(camera, monotonic()) >= SILENCE_S:
            self._warn(verdict.message)


def type_name(kind: type) -> str:
    """
    Name a message's type as the graph does.

    :param kind: class of the message.
    :return: such as 'sensor_msgs/msg/Image'.
    """
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


def values_of(facts: Facts, session: Session | None,
              camera: Camera | None) -> list[tuple[str, str]]:
    """
    List what is told of one camera beside the verdict.

    :param facts: what is known of it.
    :param session: what the node holds, or None.
    :param camera: the camera, or None.
    :return: keys and values.
    """
    values = [('state', facts.phase)]
    if session is None or camera is None:
        return values
    made, tally = session.provenance, camera.tally
    values += [('camera', camera.name), ('model', made.model), ('backend', made.backend),
               ('provider', made.provider), ('device', made.device),
               ('precision', made.precision), ('note', made.note),
               ('progress', session.segmenter.backend.progress),
               ('segmented', str(tally.segmented)), ('dropped', str(camera.dropped())),
               ('bad', str(tally.bad)), ('idle', str(tally.idle)),
               ('placed', str(camera.placing.placed)),
               ('unplaced', str(camera.placing.unplaced)),
               ('skipped', str(camera.placing.skipped)),
               ('rate_hz', f'{facts.rate:.2f}'),
               ('subscribed', ', '.join(filter(camera.outputs.wanted, camera.outputs.names)))]
    if camera.input is not None:
        values += [('topic', facts.topic), ('publishers', str(facts.view.publishers)),
                   ('received', str(camera.input.received)),
                   ('lost_in_transport', str(camera.input.lost))]
    return values + [(f'{stage}_ms_{name}', f'{value:.2f}')
                     for stage, summary in camera.latencies.percentiles().items()
                     for name, value in summary.items()]
