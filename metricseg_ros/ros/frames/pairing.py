# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Holding images back until their depth is there: the network sees both, or the image alone."""

from __future__ import annotations

from metricseg_ros.config import DepthInputConfig
from metricseg_ros.ros.frames.camera_frame import CameraFrame
from metricseg_ros.ros.input.depth_input import DepthInput
from metricseg_ros.ros.input.mailbox import Mailbox
from metricseg_ros.ros.input.waiting import Waiting
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

LOOK_S = 0.01
"""Time between two looks whether an image has waited long enough, in seconds."""


class FramePairing:
    """
    Give frames on with their depth, or without once they have waited; for the executor alone.

    :ivar config: how; may be replaced at any time.
    :ivar mailbox: where frames are given to; None while the node is not active.
    """

    def __init__(self, node: Node, depth: DepthInput, config: DepthInputConfig) -> None:
        """Begin with nobody waiting."""
        self.config = config
        self.mailbox: Mailbox[CameraFrame] | None = None
        self._node = node
        self._depth = depth
        self._waiting: Waiting[CameraFrame] = Waiting(
            depth.images, lambda frame: frame.abandon('a newer image has its depth'))
        self._timer = node.create_timer(LOOK_S, self.look, clock=Clock(
            clock_type=ClockType.STEADY_TIME))
        self._timer.cancel()

    def add(self, frame: CameraFrame) -> None:
        """Take a frame in."""
        patience = self.config.segmentation_wait if self._depth.flows() else 0.0
        self._waiting.add(frame, frame.header.stamp, frame.arrived + patience)
        self.look()

    def look(self) -> None:
        """Give on what need not wait any more."""
        while taken := self._waiting.take(self.config.maximum_difference):
            frame, frame.found = taken
            self.mailbox.put(frame, frame.context.camera)
        if not self._waiting:
            self._timer.cancel()
        elif self._timer.is_canceled():
            self._timer.reset()

    def clear(self) -> None:
        """Drop the frames that wait."""
        for frame in self._waiting.clear():
            frame.abandon('the node was deactivated')
        self._timer.cancel()

    def close(self) -> None:
        """End the timer."""
        self.clear()
        self._node.destroy_timer(self._timer)
