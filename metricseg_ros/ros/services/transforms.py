# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points from one frame to another, where tf2_ros is installed."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import PointStamped, TransformStamped
import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.time import Time

PATIENCE_S = 2.0
"""Time in which a transform must come."""


class TransformError(RuntimeError):
    """A transform that is not to be had; the text says why."""


class Transforms:
    """Listen to /tf while a point waits for its transform, and not else: it costs a lot."""

    def __init__(self, node: Node) -> None:
        """Prepare."""
        self._node = node

    async def moved(self, point: PointStamped, frame: str) -> np.ndarray:
        """
        Give a point in another frame.

        :return: (3,) in that frame, by the latest transform.
        :raises TransformError: if there is no transform, or no tf2_ros.
        """
        position = np.array([point.point.x, point.point.y, point.point.z])
        if point.header.frame_id == frame:
            return position
        try:
            import tf2_ros
        except ImportError:
            raise TransformError(
                f'the point is in frame {point.header.frame_id!r}, the image in {frame!r}, and '
                f"tf2_ros is not installed: set RViz's fixed frame to {frame}") from None
        return transformed(position, await self._transform(tf2_ros, point, frame))

    async def _transform(self, tf2_ros: Any, point: PointStamped, frame: str) -> TransformStamped:
        buffer, source = tf2_ros.Buffer(), point.header.frame_id
        listener = tf2_ros.TransformListener(buffer, self._node)
        found = buffer.wait_for_transform_async(frame, source, Time())
        timer = self._node.create_timer(
            PATIENCE_S, lambda: found.done() or found.set_result(None),
            clock=Clock(clock_type=ClockType.STEADY_TIME))
        try:
            await found
            return buffer.lookup_transform(frame, source, Time())
        except tf2_ros.TransformException as error:
            raise TransformError(f'no transform from {source!r} to {frame!r} came within '
                                 f'{PATIENCE_S:g} s: {error}') from error
        finally:
            self._node.destroy_timer(timer)
            listener.unregister()


def transformed(position: np.ndarray, transform: TransformStamped) -> np.ndarray:
    """Move a point."""
    shift, turn = transform.transform.translation, transform.transform.rotation
    axis = np.array([turn.x, turn.y, turn.z])
    across = 2 * np.cross(axis, position)
    return position + turn.w * across + np.cross(axis, across) + [shift.x, shift.y, shift.z]
