# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects keep their ids over ROS, in the label map too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
import numpy as np
import pytest
from ros.colour_model import scene
from ros.robot import Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


def test_ids_stay_with_their_objects_when_one_goes(start: Callable[..., Any],
                                                   colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable', tracking__enabled=True))
    robot = start(Robot('instances', 'label_map'))
    robot.wait_until_matched()
    before = robot.answer(raw_image(robot.header(), scene())).instances
    places = {item.box.x_offset: item.id for item in before}
    assert sorted(places.values()) == [1, 2, 3]
    fewer = scene()
    fewer[:, :64] = 0  # The red one goes.
    image = raw_image(robot.header(), fewer)
    after = {item.box.x_offset: item.id for item in robot.answer(image).instances}
    gone = min(places)
    assert after == {left: place for left, place in places.items() if left != gone}
    assert robot.received['instances'][-1].tracking_ms > 0.05, 'matching takes time'
    wait_for(lambda: float(robot.value('tracking_ms_p50') or 0) > 0.05, 'the diagnostics to tell')
    labels = np.frombuffer(robot.answer(image, 'label_map').data, np.uint16)
    assert set(np.unique(labels)) == {0, *after.values()}
