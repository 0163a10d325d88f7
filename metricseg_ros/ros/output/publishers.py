# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node's publishers; nothing is computed for a topic to which nobody subscribes."""

from __future__ import annotations

from typing import Any

from metricseg_msgs.msg import InstanceArray, Object3DArray
from metricseg_ros.config import OverlayConfig
from metricseg_ros.overlay import draw_overlay
from metricseg_ros.ros.output import vision
from metricseg_ros.ros.output.conversions import label_map_image, rgb_image
from metricseg_ros.structures import Instances
import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

DEPTH = 5
"""Messages kept for a reliable subscriber that is slower than the camera."""

IN_SPACE = {'objects': Object3DArray, 'markers': MarkerArray, 'cloud': PointCloud2}
"""Outputs that are made of depth."""

CLICKED = {'clicked': InstanceArray, 'clicked_overlay': Image}
"""Outputs that are made of clicked points."""


class Outputs:
    """The topics of one camera of a configured node."""

    def __init__(self, node: LifecycleNode, prefix: str, overlay: OverlayConfig) -> None:
        """
        Create the publishers; they are silent until the node is active.

        :param prefix: what stands before the topics' names: nothing, or the camera and a slash.
        :param overlay: how the overlay is drawn; may be replaced at any time.
        """
        self.overlay = overlay
        self._node = node
        create = node.create_lifecycle_publisher
        self._publishers = {
            'instances': create(InstanceArray, f'~/{prefix}instances', DEPTH),
            'label_map': create(Image, f'~/{prefix}label_map', DEPTH),
            'overlay': create(Image, f'~/{prefix}overlay', DEPTH),
            **{name: create(kind, f'~/{prefix}{name}', DEPTH)
               for name, kind in (CLICKED | IN_SPACE).items()}}
        self._label_info = None
        if vision.AVAILABLE:
            self._publishers['detections'] = create(
                vision.Detection2DArray, f'~/{prefix}detections', DEPTH)
            self._label_info = create(vision.LabelInfo, f'~/{prefix}label_info', QoSProfile(
                depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))

    def wanted(self, name: str) -> bool:
        """
        Tell whether anybody subscribes to an output.

        :param name: the topic's name without the tilde.
        """
        publisher = self._publishers.get(name)
        return publisher is not None and publisher.get_subscription_count() > 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs that depend on images."""
        return tuple(self._publishers)

    @property
    def publishers(self) -> tuple[Any, ...]:
        """Return the publishers of the outputs that depend on images."""
        return tuple(self._publishers.values())

    def any_wanted(self) -> bool:
        """Tell whether the network has to run at all: whether any output has a subscriber."""
        return any(self.wanted(name) for name in self._publishers)

    def space_wanted(self) -> bool:
        """Tell whether depth is needed."""
        return any(self.wanted(name) for name in IN_SPACE)

    def clicked_wanted(self) -> bool:
        """Tell whether clicked points are to be answered."""
        return any(self.wanted(name) for name in CLICKED)

    def inputs_wanted(self) -> tuple[str, ...]:
        """Tell what is needed beside the image; return relative names of topics."""
        if self.space_wanted():
            return 'depth', 'camera_info'
        return ('camera_info',) if self.clicked_wanted() else ()

    def publish(self, name: str, message: Any) -> None:
        """Publish what is complete."""
        self._publishers[name].publish(message)

    def publish_views(self, header: Header, image: np.ndarray, instances: Instances,
                      names: tuple[str, ...]) -> None:
        """
        Publish all that is drawn or derived from the instances and has a subscriber.

        :param image: (H,W,3) uint8 RGB.
        :param names: name of class id i at index i - 1.
        """
        if self.wanted('label_map'):
            self._publishers['label_map'].publish(label_map_image(header, instances))
        if self.wanted('detections'):
            self._publishers['detections'].publish(vision.detections(header, instances, names))
        self.publish_overlay('overlay', header, image, instances, names)

    def publish_overlay(self, name: str, header: Header, image: np.ndarray, instances: Instances,
                        names: tuple[str, ...]) -> None:
        """
        Publish instances drawn over their image, if anybody subscribes.

        :param name: the topic's name without the tilde.
        :param image: (H,W,3) uint8 RGB.
        :param names: name of class id i at index i - 1.
        """
        if self.wanted(name):
            drawn = draw_overlay(image, instances, names, self.overlay)
            self._publishers[name].publish(rgb_image(header, drawn))

    def publish_label_info(self, names: tuple[str, ...], minimum_score: float) -> None:
        """Publish the classes' names, for those who subscribe now or later."""
        if self._label_info is not None:
            header = Header(stamp=self._node.get_clock().now().to_msg())
            self._label_info.publish(vision.label_info(header, names, minimum_score))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in (*self._publishers.values(), self._label_info):
            if publisher is not None:
                self._node.destroy_lifecycle_publisher(publisher)
