# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points at things in space, as somebody does in RViz."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import Point, PointStamped
import numpy as np
from ros.depth_camera import LENS
from ros.robot import Robot, wait_for
from std_msgs.msg import Header

FRAME = 'camera_optical_frame'
GREEN = (50.25, 90.5)
"""Row and column inside a rectangle of the scene."""


class Finger:
    """Point at things as RViz does."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self._publisher = robot.node.create_publisher(PointStamped, '/clicked_point', 5)
        wait_for(self._publisher.get_subscription_count, 'the segmenter to hear of points')

    def point(self, x: float, y: float, z: float, frame: str = FRAME) -> None:
        self._publisher.publish(PointStamped(header=Header(frame_id=frame),
                                             point=Point(x=x, y=y, z=z)))

    def point_at(self, row: float, column: float, frame: str = FRAME) -> None:
        place = LENS.points(np.array([column]), np.array([row]), np.array([1.5]))[0]
        self.point(*map(float, place), frame)

    def masks(self) -> list[Any]:
        return self.robot.received['clicked']
