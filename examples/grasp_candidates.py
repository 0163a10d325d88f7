#!/usr/bin/env python3
# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Where a two-finger gripper could take each object.

From `objects` (with depth) poses in the camera's optical frame come out on `~/grasps`: z is the
way in, against the visible surface, and the fingers close along x. `~/markers` draws them, each
with its object's id. From `instances` (masks alone) the same for the image comes out on
`~/image_grasps`: place and width in pixels.

    python3 examples/grasp_candidates.py --ros-args -r instances:=segmenter/instances \
        -r objects:=segmenter/objects
"""

from __future__ import annotations

from dataclasses import dataclass
import math

from geometry_msgs.msg import Point, Pose, PoseArray, Quaternion, Vector3
from metricseg_msgs.msg import InstanceArray, Object3D, Object3DArray
from metricseg_ros.packed_mask import unpack_crop
from metricseg_ros.ros.process.lifetime import running
import numpy as np
import rclpy
from rclpy.node import Node
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

FINGER = 0.05
"""Length of the fingers that are drawn, in metres."""

INTO_THE_BOX = np.array([math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0])
"""Half a turn about x + y, as x, y, z, w: the gripper's x, y and z are the box's y, x and -z."""


@dataclass(frozen=True)
class ImageGrasp:
    """
    A grasp in the image.

    :param column: of the middle between the fingers, in pixels.
    :param row: the same.
    :param angle: of the way the fingers close, from the columns towards the rows, in radians.
    :param width: of the object along that way, in pixels.
    """

    column: float
    row: float
    angle: float
    width: float


def grasp_of_mask(mask: np.ndarray) -> ImageGrasp | None:
    """
    Take an object across its narrow side.

    :param mask: (H,W) bool.
    :return: a grasp at the pixel of the mask nearest to its mean; None for an empty mask.
    """
    pixels = np.argwhere(mask)[:, ::-1].astype(float)
    if not len(pixels):
        return None
    offsets = pixels - pixels.mean(0)
    closing = np.linalg.eigh(offsets.T @ offsets)[1][:, 0]
    along = offsets @ closing
    middle = pixels[(offsets ** 2).sum(1).argmin()]  # The mean of a ring is not in the ring.
    # The sign of an axis means nothing: angles are from -pi/2 to pi/2.
    angle = math.remainder(math.atan2(closing[1], closing[0]), math.pi)
    return ImageGrasp(*middle.tolist(), angle, float(np.ptp(along)) + 1)


def grasp_of_object(found: Object3D, opening: float) -> Pose | None:
    """
    Take an object across the shorter side of the surface that is seen.

    :param found: the object.
    :param opening: how far the gripper opens, in metres.
    :return: the pose between the fingers; None where the object has no place or is too wide.
    """
    place, turn = found.centroid, found.box_pose.orientation
    values = np.array([place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w])
    if found.status != Object3D.OK or not np.isfinite(values).all() \
            or not 0 < found.box_size.y <= opening:
        return None
    x, y, z, w = quaternion_product(values[3:], INTO_THE_BOX)
    return Pose(position=place, orientation=Quaternion(x=x, y=y, z=z, w=w))


def quaternion_product(first: np.ndarray, second: np.ndarray) -> list[float]:
    """
    Turn by the second, then by the first.

    :param first: (4,) x, y, z, w.
    :param second: the same.
    :return: the same.
    """
    vector = first[3] * second[:3] + second[3] * first[:3] + np.cross(first[:3], second[:3])
    return [*vector.tolist(), float(first[3] * second[3] - first[:3] @ second[:3])]


def gripper_marker(header: Header, found: Object3D, pose: Pose) -> Marker:
    """Draw two open fingers, the palm behind them and the arm."""
    half = found.box_size.y / 2
    corners = [(-half, 0.0), (-half, -FINGER), (half, -FINGER), (half, 0.0)]
    lines = [*zip(corners, corners[1:]), ((0.0, -FINGER), (0.0, -2 * FINGER))]
    return Marker(header=header, ns='grasp', id=found.id, type=Marker.LINE_LIST, pose=pose,
                  scale=Vector3(x=0.1 * FINGER), color=ColorRGBA(r=1.0, g=1.0, a=1.0),
                  points=[Point(x=x, z=z) for line in lines for x, z in line])


class GraspCandidates(Node):
    """Publish a pose for each object that can be taken."""

    def __init__(self, **options: object) -> None:
        """
        Subscribe and publish.

        :param options: of rclpy's Node.
        """
        super().__init__('grasp_candidates', **options)
        self.declare_parameter('maximum_opening', 0.085)
        self._grasps = self.create_publisher(PoseArray, '~/grasps', 1)
        self._markers = self.create_publisher(MarkerArray, '~/markers', 1)
        self._image_grasps = self.create_publisher(PoseArray, '~/image_grasps', 1)
        self.create_subscription(Object3DArray, 'objects', self._take_objects, 1)
        self.create_subscription(InstanceArray, 'instances', self._take_instances, 1)

    def _take_objects(self, message: Object3DArray) -> None:
        if message.problem:
            self.get_logger().warning(f'no grasps: {message.problem}', throttle_duration_sec=5.0)
        opening = self.get_parameter('maximum_opening').value
        grasps = [(found, pose) for found in message.objects
                  if (pose := grasp_of_object(found, opening)) is not None]
        header = message.header
        self._grasps.publish(PoseArray(header=header, poses=[pose for _, pose in grasps]))
        self._markers.publish(MarkerArray(markers=[
            Marker(header=header, action=Marker.DELETEALL),
            *(gripper_marker(header, found, pose) for found, pose in grasps)]))

    def _take_instances(self, message: InstanceArray) -> None:
        poses = []
        for instance in message.instances:
            try:
                grasp = grasp_of_mask(unpack_crop(instance.mask))
            except ValueError as error:
                self.get_logger().warning(f'instance {instance.id} left out: {error}')
                continue
            if grasp is not None:
                poses.append(image_pose(grasp, instance.mask.column, instance.mask.row))
        self._image_grasps.publish(PoseArray(header=message.header, poses=poses))


def image_pose(grasp: ImageGrasp, left: int, top: int) -> Pose:
    """
    Put a grasp in the image into a message.

    :param grasp: in the mask's crop.
    :param left: first column of the crop.
    :param top: first row of the crop.
    :return: x is the column and y the row, in pixels; z is the width; turned about z.
    """
    return Pose(position=Point(x=grasp.column + left, y=grasp.row + top, z=grasp.width),
                orientation=Quaternion(z=math.sin(grasp.angle / 2), w=math.cos(grasp.angle / 2)))


if __name__ == '__main__':
    with running(GraspCandidates) as node:
        rclpy.spin(node)
