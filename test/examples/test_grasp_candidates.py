# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Grasps lie on their objects, close across the narrow side, and survive malformed messages."""

from __future__ import annotations

from collections.abc import Callable
import math
from typing import Any

from geometry_msgs.msg import Point, Pose, PoseArray, Quaternion, Vector3
from metricseg_msgs.msg import Instance, InstanceArray, Mask, Object3D, Object3DArray
from metricseg_ros.packed_mask import pack
from metricseg_ros.ros.output.byte_arrays import byte_array
import numpy as np
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros.examples import load
from ros.robot import Spinner, wait_for
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

pytestmark = pytest.mark.ros

grasping = load('grasp_candidates')


def bar(height: int, width: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[10:10 + height, 20:20 + width] = True
    return mask


def message_of(mask: np.ndarray) -> Mask:
    packed = pack(mask)
    return Mask(row=packed.row, column=packed.column, height=packed.height, width=packed.width,
                bits=byte_array(packed.bits))


def an_object(**fields: Any) -> Object3D:
    values = {'status': Object3D.OK, 'centroid': Point(x=0.1, y=0.2, z=0.5),
              'box_pose': Pose(orientation=Quaternion(w=1.0)),
              'box_size': Vector3(x=0.1, y=0.04, z=0.03), **fields}
    return Object3D(**values)


@pytest.mark.parametrize(('height', 'width', 'angle', 'across'), [
    (5, 21, math.pi / 2, 5), (21, 5, 0.0, 5)])
def test_fingers_close_across_the_narrow_side(height: int, width: int, angle: float,
                                              across: float) -> None:
    grasp = grasping.grasp_of_mask(bar(height, width))
    assert (grasp.row, grasp.column) == (10 + height // 2, 20 + width // 2)
    assert abs(grasp.angle) == pytest.approx(angle)
    assert grasp.width == pytest.approx(across)


def test_a_ring_is_taken_at_its_rim() -> None:
    ring = bar(20, 30)
    ring[13:27, 23:47] = False
    grasp = grasping.grasp_of_mask(ring)
    assert ring[int(grasp.row), int(grasp.column)]
    assert grasping.grasp_of_mask(np.zeros((4, 4), bool)) is None


def test_the_gripper_comes_in_against_the_surface() -> None:
    pose = grasping.grasp_of_object(an_object(), opening=0.08)
    turn = [pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w]
    # The box's axes are those of the frame: its z (the normal) is against the gripper's z, and
    # the fingers (x) close along the box's shorter side y.
    np.testing.assert_allclose(turned((0, 0, 1), turn), (0, 0, -1), atol=1e-9)
    np.testing.assert_allclose(turned((1, 0, 0), turn), (0, 1, 0), atol=1e-9)
    assert pose.position == Point(x=0.1, y=0.2, z=0.5)


@pytest.mark.parametrize('fields', [
    {'status': Object3D.NO_DEPTH}, {'centroid': Point(x=math.nan)},
    {'box_size': Vector3(x=0.3, y=0.2, z=0.1)}, {'box_size': Vector3(y=math.nan)},
    {'box_pose': Pose(orientation=Quaternion(w=math.inf))}])
def test_what_cannot_be_taken_has_no_grasp(fields: dict[str, Any]) -> None:
    assert grasping.grasp_of_object(an_object(**fields), opening=0.08) is None


def test_the_fingers_are_drawn_as_far_apart_as_the_object_is_wide() -> None:
    found = an_object(id=7)
    marker = grasping.gripper_marker(Header(frame_id='camera'), found,
                                     grasping.grasp_of_object(found, opening=0.08))
    assert (marker.id, marker.header.frame_id) == (7, 'camera')
    across = [point.x for point in marker.points]
    assert max(across) - min(across) == pytest.approx(0.04)
    assert max(point.z for point in marker.points) == 0  # The tips are at the grasp.
    assert len(marker.points) % 2 == 0 and marker.scale.x > 0


def test_grasps_come_over_ros_and_a_malformed_mask_costs_only_itself(
        start: Callable[..., Any]) -> None:
    node = start(Spinner(lambda context: grasping.GraspCandidates(context=context))).node
    robot = start(Spinner(lambda context: Node('robot', context=context))).node
    got: dict[str, list[PoseArray]] = {'grasps': [], 'image_grasps': []}
    markers: list[MarkerArray] = []
    robot.create_subscription(MarkerArray, 'grasp_candidates/markers', markers.append, 5)
    for name, messages in got.items():
        robot.create_subscription(PoseArray, f'grasp_candidates/{name}', messages.append, 5)
    instances = robot.create_publisher(InstanceArray, 'instances', 1)
    objects = robot.create_publisher(Object3DArray, 'objects', 1)
    broken = Mask(height=1000000, width=9, bits=[255])
    header = Header(frame_id='camera')
    sent = InstanceArray(header=header, image_height=40, image_width=60, instances=[
        Instance(id=1, mask=broken), Instance(id=2, mask=message_of(bar(5, 21))),
        Instance(id=3, mask=Mask())])
    places = Object3DArray(header=header, problem='no depth', objects=[
        an_object(), an_object(status=Object3D.NO_DEPTH)])
    wait_for(lambda: instances.publish(sent) or objects.publish(places) or (
        all(got.values()) and markers), 'grasps')
    pose, = got['image_grasps'][0].poses
    assert (pose.position.x, pose.position.y) == (30, 12)
    assert pose.position.z == pytest.approx(5)
    assert len(got['grasps'][0].poses) == 1
    assert got['grasps'][0].header.frame_id == 'camera'
    assert [item.action for item in markers[0].markers] == [Marker.DELETEALL, Marker.ADD]
    node.set_parameters([Parameter('maximum_opening', value=0.03)])
    wait_for(lambda: objects.publish(places) or not got['grasps'][-1].poses, 'a smaller gripper')


def turned(vector: tuple[float, ...], turn: list[float]) -> np.ndarray:
    """Turn a vector by a quaternion, x, y, z, w."""
    axis, w = np.array(turn[:3]), turn[3]
    return np.array(vector) + 2 * np.cross(axis, np.cross(axis, vector) + w * np.array(vector))
