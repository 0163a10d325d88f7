# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Asking the segmenter's services, as a consumer does."""

from __future__ import annotations

from typing import Any

from metricseg_msgs.srv import ReloadModel, SegmentAt, SegmentImage
from ros.robot import Robot

RED, GREEN = (50.0, 30.0), (50.0, 90.0)
"""Row and column inside two rectangles of the scene."""

KINDS = {'segment_at': SegmentAt, 'segment': SegmentImage, 'reload_model': ReloadModel}
"""The services by name."""


def ask(robot: Robot, service: str, **fields: Any) -> Any:
    """Call a service of the segmenter, with these fields of its request."""
    return robot.call_service(KINDS[service], f'segmenter/{service}',
                              KINDS[service].Request(**fields))


def click(robot: Robot, *positions: tuple[float, float], **fields: Any) -> Any:
    """Ask for the masks of what lies at these rows and columns."""
    rows, columns = ([float(position[axis]) for position in positions] for axis in (0, 1))
    return ask(robot, 'segment_at', rows=rows, columns=columns, **fields)
