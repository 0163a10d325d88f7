# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations become quaternions, and what has no points is a valid message all the same."""

from __future__ import annotations

from metricseg_ros.ros.output.space_messages import point_cloud, quaternion
from metricseg_ros.structures import Instances
import numpy as np
import pytest
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

Rotation = pytest.importorskip('scipy.spatial.transform').Rotation


def half_turns() -> list[np.ndarray]:
    return [np.diag(signs) for signs in ((1.0, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))]


@pytest.mark.parametrize('rotation', [*half_turns(), *Rotation.random(20, random_state=0)
                                      .as_matrix()])
def test_a_quaternion_is_the_rotation(rotation: np.ndarray) -> None:
    found = quaternion(rotation)
    values = [found.x, found.y, found.z, found.w]
    assert np.linalg.norm(values) == pytest.approx(1)
    np.testing.assert_allclose(Rotation.from_quat(values).as_matrix(), rotation, atol=1e-9)


def test_a_cloud_without_points_is_empty_and_has_its_fields() -> None:
    none = np.zeros((0, 4), np.int32)
    instances = Instances((4, 4), none[:, 0].astype(np.uint16), none[:, 0].astype(np.uint16),
                          none[:, 0].astype(np.float32), none, (), none[:, :2],
                          none[:, 0].astype(np.float32))
    cloud = point_cloud(Header(frame_id='camera'), np.zeros((4, 4, 3), np.uint8), instances, [])
    assert (cloud.width, cloud.row_step, len(cloud.data), len(cloud.fields)) == (0, 0, 0, 5)
    assert cloud.header.frame_id == 'camera'
