# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The standard messages of vision_msgs, for those who have it installed."""

from __future__ import annotations

from metricseg_ros.structures import Instances
from std_msgs.msg import Header

try:
    from vision_msgs.msg import (
        BoundingBox2D,
        Detection2D,
        Detection2DArray,
        LabelInfo,
        ObjectHypothesisWithPose,
        VisionClass,
    )
except ImportError:  # An optional package: the node then offers neither topic.
    Detection2DArray = LabelInfo = None

AVAILABLE = LabelInfo is not None
"""Whether vision_msgs is installed."""


def label_info(header: Header, class_names: tuple[str, ...], minimum_score: float) -> LabelInfo:
    """
    Give the names of the classes.

    :param class_names: name of class id i at index i - 1.
    :return: the message; 0 is background.
    """
    names = ('background', *class_names)
    return LabelInfo(header=header, threshold=minimum_score,
                     class_map=[VisionClass(class_id=class_id, class_name=name)
                                for class_id, name in enumerate(names)])


def detections(header: Header, instances: Instances,
               class_names: tuple[str, ...]) -> Detection2DArray:
    """
    Give the instances as boxes.

    :param class_names: name of class id i at index i - 1.
    :return: the message; an id is the instance's label in the label map.
    """
    return Detection2DArray(header=header, detections=[
        _detection(header, instances, index, class_names) for index in range(len(instances))])


def _detection(header: Header, instances: Instances, index: int,
               class_names: tuple[str, ...]) -> Detection2D:
    left, top, right, bottom = (float(value) for value in instances.boxes[index])
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = class_names[int(instances.class_ids[index]) - 1]
    hypothesis.hypothesis.score = float(instances.scores[index])
    box = BoundingBox2D(size_x=right - left, size_y=bottom - top)
    # Whole numbers are pixel centres, so the middle of columns 0 ... 3 is 1.5.
    box.center.position.x, box.center.position.y = (left + right - 1) / 2, (top + bottom - 1) / 2
    return Detection2D(header=header, results=[hypothesis], bbox=box,
                       id=str(int(instances.ids[index])))
