# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A point clicked before there can be a mask of it is answered in the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ros.depth_camera import DepthCamera
from ros.finger import Finger, GREEN
from ros.robot import Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


def test_why_there_is_no_mask_yet_is_said(start: Callable[..., Any],
                                          colour_model: Path) -> None:
    start(Segmenter(colour_model, start=False, image_reliability='reliable'))
    robot = start(Robot('instances'))
    finger, camera = Finger(robot), DepthCamera(robot)

    def said(text: str) -> None:
        def told() -> list[str]:
            finger.point_at(*GREEN)
            return robot.warnings(f'no mask of the clicked point: {text}')
        wait_for(told, text)
    said('segmenter is not active')
    robot.change_state('configure')
    robot.change_state('activate')
    said('nobody subscribes to ~/clicked or clicked_overlay')
    for _ in range(10):
        finger.point_at(*GREEN)
    robot.subscribe('clicked')
    robot.wait_until_matched()
    said('no frame has been segmented yet')
    assert len(robot.warnings('nobody subscribes')) == 1  # They may have been for another node.
    wait_for(lambda: camera.answer('instances', info=lambda _: None)
             and camera.info.get_subscription_count(), 'camera_info to be asked for')
    said('no camera_info has come on camera_info')
