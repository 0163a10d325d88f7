# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node's report on /diagnostics, and on its log when something keeps it from working."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from metricseg_ros.ros.graph import look_at, TopicView
from metricseg_ros.ros.health import Facts, judge, OK, SILENCE_S, Verdict
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
        self._fault_since: float | None = None
        self._timer: Any = None

    def start(self, period: float) -> None:
        """
        Report from now on, by the steady clock: simulated time may stand still.

        :param period: time between two reports, in seconds.
        """
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        self._timer = self._node.create_timer(
            period, self.report, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def report(self) -> None:
        """Publish one report."""
        session = self._session()
        facts = self._facts(session)
        verdict = judge(facts)
        status = DiagnosticStatus(
            level=bytes([verdict.level]), name=f'{self._node.get_name()}: segmentation',
            message=verdict.message, hardware_id=self._node.get_fully_qualified_name(),
            values=[KeyValue(key=key, value=value) for key, value in _values(facts, session)])
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
        self._tell(verdict)

    def _facts(self, session: Session | None) -> Facts:
        phase, problem = self._phase()
        facts = {'node': self._node.get_fully_qualified_name(), 'phase': phase,
                 'problem': problem}
        if session is None or session.input is None or session.worker is None:
            return Facts(**facts)
        source, age = session.input, session.latencies.percentiles().get('age')
        return Facts(
            **facts, topic=source.topic, view=self._view(session), reliable=source.reliable,
            transport=session.config.image_transport, silent_s=source.silent_seconds(),
            busy_s=session.worker.busy_seconds(), wanted=session.outputs.any_wanted(),
            bad_image=session.tally.bad_image, age_ms=age and age['p50'],
            unstamped=session.tally.segmented > 0 and age is None,
            waits_for_clock=self._waits_for_clock(), rate=session.latencies.rate())

    def _view(self, session: Session) -> TopicView:
        source = session.input
        own = {self._node.resolve_topic_name(f'~/{name}') for name in session.outputs.names}
        return look_at(self._node, source.topic,
                       f'sensor_msgs/msg/{source.message_type.__name__}', own)

    def _waits_for_clock(self) -> bool:
        simulated = self._node.get_parameter('use_sim_time').value
        return bool(simulated) and not self._node.count_publishers('/clock')

    def _tell(self, verdict: Verdict) -> None:
        """Log a fault that lasts: people look at the terminal first."""
        if verdict.level == OK:
            self._fault_since = None
            return
        self._fault_since = self._fault_since or monotonic()
        if monotonic() - self._fault_since >= SILENCE_S:
            self._warn(verdict.message)


def _values(facts: Facts, session: Session | None) -> list[tuple[str, str]]:
    values = [('state', facts.phase)]
    if session is None:
        return values
    made, tally = session.provenance, session.tally
    values += [('model', made.model), ('backend', made.backend), ('provider', made.provider),
               ('device', made.device), ('precision', made.precision), ('note', made.note),
               ('segmented', str(tally.segmented)), ('dropped', str(session.dropped())),
               ('bad', str(tally.bad)), ('idle', str(tally.idle)),
               ('rate_hz', f'{facts.rate:.2f}')]
    if session.input is not None:
        values += [('topic', facts.topic), ('publishers', str(facts.view.publishers)),
                   ('received', str(session.input.received)),
                   ('lost_in_transport', str(session.input.lost))]
    return values + [(f'{stage}_ms_{name}', f'{value:.2f}')
                     for stage, summary in session.latencies.percentiles().items()
                     for name, value in summary.items()]
