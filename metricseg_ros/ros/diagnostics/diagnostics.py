# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node's report on /diagnostics, and on its log when something keeps it from working."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from metricseg_ros.fast_dds import free_shared_memory
from metricseg_ros.ros.diagnostics.graph import look_at, TopicView, unserved
from metricseg_ros.ros.diagnostics.health import Facts, judge, OK, SILENCE_S, SilentTopic, Verdict
from metricseg_ros.ros.diagnostics.snapshot import CameraSnapshot, Snapshot
from metricseg_ros.ros.diagnostics.throttle import ThrottledLog
from rclpy.clock import Clock, ClockType
from rclpy.node import Node


class Diagnostics:
    """Look at the node once in a while, and tell."""

    def __init__(self, node: Node, snapshot: Callable[[], Snapshot | None],
                 phase: Callable[[], tuple[str, str]], warn: Callable[[str], None]) -> None:
        """
        Create the publisher; :meth:`start` sets it going.

        :param snapshot: tells how the node is; None while it is unconfigured.
        :param phase: gives the state of its life cycle, and why the latest configure failed.
        :param warn: told of every fault that lasts, and throttles by itself.
        """
        self._node = node
        self._snapshot = snapshot
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
        now = self._snapshot()
        cameras = [None] if now is None else now.cameras
        reports = [(camera, facts, judge(facts)) for camera in cameras
                   for facts in [self._facts(now, camera)]]
        message = DiagnosticArray(status=[
            self._status(facts, verdict, values_of(facts, now, camera))
            for camera, facts, verdict in reports])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
        for _, facts, verdict in reports:
            self._tell(facts.camera, verdict)
        if now is not None:
            self.log_what_runs(now)

    def log_what_runs(self, now: Snapshot) -> None:
        """Log who runs the network when that has changed, and what is under way to run faster."""
        made = now.provenance
        line = (f'{made.model} on {made.backend}, {made.provider}, {made.device}, '
                f'{made.precision}{made.note and f": {made.note}"}')
        if line != self._told:
            self._told = line
            self._node.get_logger().info(line)
        if now.progress:
            self._progress(now.progress)

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

    def _facts(self, now: Snapshot | None, camera: CameraSnapshot | None) -> Facts:
        phase, problem = self._phase()
        facts = {'node': self._node.get_fully_qualified_name(), 'phase': phase,
                 'problem': problem, 'camera': camera.name if camera else ''}
        if camera is None or camera.input is None:
            return Facts(**facts)
        source, age = camera.input, camera.percentiles.get('age')
        return Facts(
            **facts, topic=source.topic, view=self._view(now, source.topic, source.message_type),
            reliable=source.reliable and not source.follows, loss=source.loss,
            transport=now.transport, refused=source.refused,
            silent_s=source.silent_s, busy_s=now.busy_s, busy_with=now.busy_with,
            wanted=bool(camera.subscribed), bad_image=camera.bad_image,
            age_ms=age and age['p50'],
            unstamped=camera.counts['segmented'] > 0 and age is None,
            namesake=self._namesake(), shared_memory=free_shared_memory(),
            waits_for_clock=self._waits_for_clock(), unserved=self._unserved(camera),
            no_depth=camera.no_depth, no_place=camera.no_place,
            silent_topics=self._silent_topics(now, camera), rate=camera.rate)

    def _silent_topics(self, now: Snapshot, camera: CameraSnapshot) -> tuple[SilentTopic, ...]:
        """Look for depth and intrinsics that have not come, though somebody asks for them."""
        return tuple(SilentTopic(name, topic, self._view(now, topic, kind))
                     for name, topic, kind in camera.missing
                     ) if camera.no_place or camera.no_depth else ()

    def _unserved(self, camera: CameraSnapshot) -> str:
        """Look for the first subscriber of an output that gets nothing."""
        found = (unserved(self._node, topic, kind) for topic, kind in camera.outputs.items())
        return next(filter(None, found), '')

    def _view(self, now: Snapshot, topic: str, kind: str) -> TopicView:
        """Look at a topic, and for what was probably meant: not what the node has already."""
        own = {name for camera in now.cameras for name in (*camera.outputs, camera.depth_topic)}
        own |= {camera.input.topic for camera in now.cameras if camera.input}
        return look_at(self._node, topic, kind, own - {topic})

    def _namesake(self) -> bool:
        # By what every node publishes: the names alone may outlive a node that has ended.
        own = (self._node.get_name(), self._node.get_namespace())
        found = self._node.get_publishers_info_by_topic('/parameter_events')
        return [(info.node_name, info.node_namespace) for info in found].count(own) > 1

    def _waits_for_clock(self) -> bool:
        simulated = self._node.get_parameter('use_sim_time').value
        return bool(simulated) and not self._node.count_publishers('/clock')

    def _tell(self, camera: str, verdict: Verdict) -> None:
        """Log a fault that lasts: people look at the terminal first."""
        if verdict.level == OK:
            self._fault_since.pop(camera, None)
        elif monotonic() - self._fault_since.setdefault(camera, monotonic()) >= SILENCE_S:
            self._warn(verdict.message)


def values_of(facts: Facts, now: Snapshot | None,
              camera: CameraSnapshot | None) -> list[tuple[str, str]]:
    """List what is told of one camera beside the verdict."""
    values = [('state', facts.phase)]
    if now is None or camera is None:
        return values
    made, counts = now.provenance, camera.counts
    values += [('camera', camera.name), ('model', made.model), ('backend', made.backend),
               ('provider', made.provider), ('device', made.device),
               ('precision', made.precision), ('note', made.note), ('progress', now.progress)]
    values += [(key, str(counts[key])) for key in (
        'segmented', 'dropped', 'bad', 'idle', 'with_depth', 'dropped_support', 'placed',
        'unplaced', 'skipped')]
    values += [('rate_hz', f'{facts.rate:.2f}'), ('subscribed', ', '.join(camera.subscribed))]
    if camera.input is not None:
        values += [('topic', camera.input.topic), ('publishers', str(facts.view.publishers)),
                   ('reliability', 'reliable' if camera.input.reliable else 'best effort'),
                   ('received', str(camera.input.received)),
                   ('lost_in_transport', str(camera.input.lost))]
    return values + [(f'{stage}_ms_{name}', f'{value:.2f}')
                     for stage, summary in camera.percentiles.items()
                     for name, value in summary.items()]
