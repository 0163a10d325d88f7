# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a point clicked in RViz is part of is drawn, for RViz cannot show masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metricseg_ros.inputs.image_messages import to_rgb
import numpy as np
import pytest
from ros.colour_model import COLOURS, scene
from ros.depth_camera import DepthCamera, SIZE
from ros.finger import Finger, GREEN
from ros.robot import Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


def test_the_mask_is_drawn_for_those_who_look(start: Callable[..., Any],
                                              colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable', overlay__labels=False))
    robot = start(Robot('clicked_overlay'))
    camera, finger = DepthCamera(robot), Finger(robot)
    robot.wait_until_matched()
    camera.wait_until_heard(depth=False)
    drawn = robot.received['clicked_overlay']

    def answered() -> list[Any]:
        camera.send()
        finger.point_at(*GREEN)
        return drawn
    image, shown = scene(*SIZE), to_rgb(wait_for(answered, 'the overlay')[0])
    changed = (shown != image).any(-1)
    rows, columns = np.nonzero((image == COLOURS['green']).all(-1))
    assert changed[int(GREEN[0]), int(GREEN[1])]
    assert changed[rows, columns].mean() > 0.9
    changed[rows.min() - 2:rows.max() + 3, columns.min() - 2:columns.max() + 3] = False
    assert not changed.any(), 'but for the mask it is the image'
