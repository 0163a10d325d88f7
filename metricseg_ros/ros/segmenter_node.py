# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node: a life cycle around a session."""

from __future__ import annotations

from collections.abc import Callable
import functools
import sys
import traceback
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.ros.diagnostics.diagnostics import Diagnostics
from metricseg_ros.ros.diagnostics.snapshot import Snapshot
from metricseg_ros.ros.diagnostics.throttle import ThrottledLog
from metricseg_ros.ros.parameters import NodeParameters
from metricseg_ros.ros.process.bond import bond_to_manager
from metricseg_ros.ros.process.lifetime import running
from metricseg_ros.ros.services.clicked_points import ClickedPoints
from metricseg_ros.ros.services.requests import Requests
from metricseg_ros.ros.session import Session
import rclpy
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.utilities import remove_ros_args

Transition = Callable[['SegmenterNode', LifecycleState], TransitionCallbackReturn]


def logged(transition: Transition) -> Transition:
    """
    Log what a transition raises, of which rclpy says nothing.

    :return: the same, but an exception becomes a logged error and the state 'error processing'.
    """
    @functools.wraps(transition)
    def wrapped(node: SegmenterNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            node.problem = f'{transition.__name__} failed: {type(error).__name__}: {error}'
            node.get_logger().error(f'{node.problem}\n{traceback.format_exc()}')
            return TransitionCallbackReturn.ERROR
    return wrapped


class SegmenterNode(LifecycleNode):
    """Segment the images of a camera."""

    def __init__(self, **options: Any) -> None:
        """
        Declare the parameters and begin to report; nothing is loaded yet.

        :param options: of rclpy's Node, as `namespace` and `parameter_overrides`.
        :raises SystemExit: for a parameter without a type, in one line.
        """
        try:
            super().__init__('segmenter', automatically_declare_parameters_from_overrides=True,
                             **options)
        except ValueError as error:
            if 'NOT_SET' not in str(error):
                raise
            raise SystemExit('cannot start: a parameter is an empty list, which ROS cannot tell '
                             "the type of, as cameras: []; leave it out, or give ['']") from None
        self.phase = 'unconfigured'
        self.problem = ''
        self.session: Session | None = None
        self.bond: Any = None
        self.warn = ThrottledLog(self.get_logger().warning)
        self.settings = NodeParameters(self, lambda: self.phase == 'active', self._apply)
        self.diagnostics = Diagnostics(self, self._snapshot, self._state, self.warn)
        self.requests = Requests(self, lambda: self.session, self._state, self.settings)
        self.pointing = ClickedPoints(self, lambda: self.session)
        self.diagnostics.start(self.settings.config.diagnostics_period)

    def start(self) -> None:
        """Configure and activate without a lifecycle manager, if so configured."""
        if self.settings.config.autostart:
            success = TransitionCallbackReturn.SUCCESS
            if self.trigger_configure() == success and self.trigger_activate() == success:
                topics = ', '.join(camera.input.topic for camera in self.session.cameras.values())
                self.get_logger().info(f'segmenting {topics}')

    @logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model; a failure is told and may be mended."""
        config = self.settings.config
        try:
            if self.settings.problems:
                raise ValueError('; '.join(self.settings.problems.values()))
            self.session = Session(self, config, self.warn)
        except (ValueError, RuntimeError, OSError) as error:
            self.problem = str(error)
            self.get_logger().error(f'cannot be configured: {error}')
            if error.__cause__ is not None:
                self.get_logger().debug(f'because: {error.__cause__}')
            return TransitionCallbackReturn.FAILURE
        self.problem, self.phase = '', 'inactive'
        self.diagnostics.start(config.diagnostics_period)
        self.diagnostics.log_what_runs(self.session.snapshot())
        return super().on_configure(state)

    @logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and begin to work."""
        result = super().on_activate(state)
        self.session.activate()
        self.phase = 'active'
        self.bond = bond_to_manager(self)
        return result

    @logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe; the image in work is finished and published."""
        self._break_bond()
        self.session.deactivate()
        self.phase = 'inactive'
        return super().on_deactivate(state)

    @logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model."""
        self.close('unconfigured')
        return super().on_cleanup(state)

    @logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node is of no use any more."""
        self.close('finalized')
        return super().on_shutdown(state)

    def on_error(self, _state: LifecycleState) -> TransitionCallbackReturn:
        """Free what a failed transition left, so that the node can be configured again."""
        self.close('unconfigured')
        return TransitionCallbackReturn.SUCCESS

    def close(self, phase: str) -> None:
        """Free what the node holds."""
        self._break_bond()
        session, self.session = self.session, None
        self.phase = phase
        if session is not None:
            session.close()

    def destroy_node(self) -> None:
        """Free what the node holds, and the node."""
        self.close('finalized')
        super().destroy_node()

    def _snapshot(self) -> Snapshot | None:
        return self.session and self.session.snapshot()

    def _state(self) -> tuple[str, str]:
        return self.phase, self.problem

    def _break_bond(self) -> None:
        bond, self.bond = self.bond, None
        if bond is not None:
            bond.break_bond()

    def _apply(self, config: NodeConfig) -> None:
        if self.session is not None:
            self.session.apply(config)


def make() -> SegmenterNode:
    """
    Make the node, ROS being up.

    :raises SystemExit: with one line, for an argument that ROS would leave alone.
    """
    if ignored := remove_ros_args(sys.argv)[1:]:
        raise SystemExit(f'cannot start: {ignored[0]!r} would have no effect: arguments come '
                         'after --ros-args, as --ros-args -r image:=/camera/image -p model:=NAME')
    return SegmenterNode()


def main() -> None:
    """Run the node until it is interrupted."""
    with running(make) as node:
        node.start()
        rclpy.spin(node)


if __name__ == '__main__':
    main()
