# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where vision_msgs is installed, boxes and class names come out in its messages too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metricseg_ros.config.segmenter import USUAL_MINIMUM_SCORE
from metricseg_ros.ros.output.vision import detections
from metricseg_ros.ros.tools.camera_messages import raw_image
from metricseg_ros.structures import Instances
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros.colour_model import scene
from ros.robot import Robot, Segmenter, wait_for
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

vision_msgs = pytest.importorskip('vision_msgs.msg')


def test_a_box_is_given_by_its_centre_and_size() -> None:
    instances = Instances(
        image_size=(20, 30), ids=np.array([7], np.uint16), class_ids=np.array([2], np.uint16),
        scores=np.array([0.25], np.float32), boxes=np.array([[0, 10, 4, 11]], np.int32),
        crops=(np.ones((1, 4), bool),), seeds=np.array([[10, 1]], np.int32),
        similarity_thresholds=np.array([0.5], np.float32))
    found, = detections(Header(frame_id='camera'), instances, ('cup', 'spoon')).detections
    # Columns 0 to 3 and row 10; whole numbers are pixel centres.
    assert (found.bbox.center.position.x, found.bbox.center.position.y) == (1.5, 10.0)
    assert (found.bbox.size_x, found.bbox.size_y) == (4.0, 1.0)
    assert found.results[0].hypothesis.class_id == 'spoon'
    assert found.results[0].hypothesis.score == 0.25
    assert (found.id, found.header.frame_id) == ('7', 'camera')


def test_detections_and_names_come_over_ros(start: Callable[..., Any],
                                            colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.node.create_subscription(vision_msgs.Detection2DArray, 'segmenter/detections',
                                   robot.received['detections'].append, 5)
    image = raw_image(robot.header(), scene())
    expected = robot.answer(image).instances
    found = robot.answer(image, 'detections').detections
    assert [item.id for item in found] == [str(item.id) for item in expected]
    # Latched: who comes late has it too.
    names: list[Any] = []
    robot.node.create_subscription(vision_msgs.LabelInfo, 'segmenter/label_info', names.append,
                                   QoSProfile(depth=1,
                                              durability=DurabilityPolicy.TRANSIENT_LOCAL))
    wait_for(lambda: names, 'the label info')
    assert {item.class_id: item.class_name for item in names[0].class_map} == {
        0: 'background', 1: 'thing'}
    assert names[0].threshold == USUAL_MINIMUM_SCORE
    assert robot.set_parameter('grouping.minimum_score', 0.25).successful
    wait_for(lambda: names[-1].threshold == 0.25, 'the threshold to follow')
