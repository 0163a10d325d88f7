# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From objects in space to messages, all in the frame and with the stamp of the image."""

from __future__ import annotations

from collections.abc import Sequence
import sys
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from metricseg_msgs.msg import Object3D, Object3DArray
from metricseg_ros.objects3d import ObjectInSpace
from metricseg_ros.overlay import instance_color
from metricseg_ros.ros.output.byte_arrays import byte_array
from metricseg_ros.structures import Instances
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

OPACITY = 0.4
THINNEST = 0.001
"""Smallest side of a drawn box, in metres: RViz refuses 0."""
LETTER_SHARE = 0.03
"""Height of a label's letters, as a share of the distance."""

CLOUD_FIELDS = {'x': PointField.FLOAT32, 'y': PointField.FLOAT32, 'z': PointField.FLOAT32,
                'rgb': PointField.FLOAT32, 'label': PointField.UINT32}
"""Fields of a point, each of 4 bytes, as PCL's PointXYZRGBL names them."""


def object_array(header: Header, instances: Instances, names: Sequence[str],
                 objects: Sequence[ObjectInSpace] | None, depth_stamp: Time | None = None,
                 problem: str = '') -> Object3DArray:
    """
    Tell where the instances are.

    :param names: name of class id i at index i - 1.
    :param objects: N objects in the same order; None where none has a place.
    :param depth_stamp: of the depth image; None where there was none.
    """
    message = Object3DArray(header=header, depth_stamp=depth_stamp or Time(), problem=problem)
    message.objects = [
        _object(instances, index, names, objects[index] if objects else None)
        for index in range(len(instances))]
    return message


def marker_array(header: Header, instances: Instances, names: Sequence[str],
                 objects: Sequence[ObjectInSpace]) -> MarkerArray:
    """
    Draw a box and a label for each object that has a place; all drawn before are deleted.

    :param names: name of class id i at index i - 1.
    :param objects: N objects in the same order; empty to delete only.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for index, item in enumerate(objects):
        if item.box is not None:
            markers += [_box_marker(header, instances, index, item),
                        _label_marker(header, instances, index, names, item)]
    return MarkerArray(markers=markers)


def point_cloud(header: Header, image: np.ndarray, instances: Instances,
                objects: Sequence[ObjectInSpace]) -> PointCloud2:
    """
    Give the points of all objects, one object after the other.

    :param objects: N objects in the same order, or none.
    :return: the message; label is the instance's id.
    """
    counts = [len(item.points) for item in objects]
    points = np.zeros((sum(counts), len(CLOUD_FIELDS)), np.uint32)
    if len(points):
        pixels = np.concatenate([item.pixels for item in objects])
        red, green, blue = image[pixels[:, 1], pixels[:, 0]].astype(np.uint32).T
        points[:, :3] = np.concatenate([item.points for item in objects]).view(np.uint32)
        points[:, 3] = red << 16 | green << 8 | blue
        points[:, 4] = np.repeat(instances.ids, counts)
    return PointCloud2(
        header=header, height=1, width=len(points), point_step=4 * len(CLOUD_FIELDS),
        row_step=points.nbytes, data=byte_array(points), is_dense=True,
        is_bigendian=sys.byteorder == 'big',
        fields=[PointField(name=name, offset=4 * index, datatype=kind, count=1)
                for index, (name, kind) in enumerate(CLOUD_FIELDS.items())])


def quaternion(rotation: np.ndarray) -> Quaternion:
    """
    Turn a rotation into a quaternion.

    :param rotation: (3,3).
    :return: of length 1: the eigenvector of largest eigenvalue of Bar-Itzhack's matrix (2000),
        which has no special cases.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    matrix = np.array([[xx - yy - zz, xy + yx, xz + zx, zy - yz],
                       [xy + yx, yy - xx - zz, yz + zy, xz - zx],
                       [xz + zx, yz + zy, zz - xx - yy, yx - xy],
                       [zy - yz, xz - zx, yx - xy, xx + yy + zz]]) / 3
    x, y, z, w = np.linalg.eigh(matrix)[1][:, -1].tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def _object(instances: Instances, index: int, names: Sequence[str],
            item: ObjectInSpace | None) -> Object3D:
    message = Object3D(**_who(instances, index, names), status=Object3D.NO_DEPTH)
    box = None
    if item is not None:
        box, message.depth_share = item.box, float(item.depth_share)
        message.point_count = len(item.points)
    if box is None:
        nowhere = [float('nan')] * 3
        message.centroid, message.box_size = _point(nowhere), _vector(nowhere)
        message.box_pose, message.normal = Pose(position=_point(nowhere)), _vector(nowhere)
        message.box_pose.orientation = Quaternion(**dict.fromkeys('xyzw', float('nan')))
        return message
    message.status = Object3D.OK
    message.centroid, message.box_size = _point(item.centroid), _vector(box.size)
    message.box_pose, message.normal = _pose(item), _vector(box.axes[:, 2])
    return message


def _who(instances: Instances, index: int, names: Sequence[str]) -> dict[str, Any]:
    class_id = int(instances.class_ids[index])
    return {'id': int(instances.ids[index]), 'class_id': class_id,
            'class_name': names[class_id - 1], 'score': float(instances.scores[index])}


def _box_marker(header: Header, instances: Instances, index: int, item: ObjectInSpace) -> Marker:
    red, green, blue = (value / 255 for value in instance_color(instances.ids[index]))
    return Marker(header=header, ns='box', id=int(instances.ids[index]), type=Marker.CUBE,
                  pose=_pose(item), scale=_vector(np.maximum(item.box.size, THINNEST)),
                  color=ColorRGBA(r=red, g=green, b=blue, a=OPACITY))


def _label_marker(header: Header, instances: Instances, index: int, names: Sequence[str],
                  item: ObjectInSpace) -> Marker:
    who, box = _who(instances, index, names), item.box
    letters = LETTER_SHARE * float(box.centre[2])
    above = box.centre.copy()
    above[1] -= np.abs(box.axes[1]) @ box.size / 2 + letters  # y is down.
    return Marker(header=header, ns='label', id=who['id'], type=Marker.TEXT_VIEW_FACING,
                  # RViz takes x for the width of a space, which else is that of large letters.
                  pose=Pose(position=_point(above)), scale=Vector3(x=letters / 2, z=letters),
                  color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
                  text=f'{who["id"]} {who["class_name"]} {who["score"]:.2f}')


def _pose(item: ObjectInSpace) -> Pose:
    return Pose(position=_point(item.box.centre), orientation=quaternion(item.box.axes))


def _point(values: Sequence[float]) -> Point:
    return Point(**_xyz(values))


def _vector(values: Sequence[float]) -> Vector3:
    return Vector3(**_xyz(values))


def _xyz(values: Sequence[float]) -> dict[str, float]:
    return dict(zip('xyz', map(float, values), strict=True))
