# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects have their place in space over real ROS 2, or it is said why not."""

from __future__ import annotations

from collections.abc import Iterator
import math
from pathlib import Path
from typing import Any

from metricseg_msgs.msg import Object3D
from metricseg_ros.overlay import instance_color
import numpy as np
import pytest
from ros.colour_model import COLOURS, scene
from ros.depth_camera import (
    CENTRES,
    depth_message,
    DepthCamera,
    info_message,
    LENS,
    PLANES,
    SIZE,
    true_depth,
)
from ros.robot import Robot, Segmenter, wait_for
from sensor_msgs.msg import RegionOfInterest
from visualization_msgs.msg import Marker

pytestmark = pytest.mark.ros

NAN = float('nan')
SPACE = ('objects', 'markers', 'cloud')


@pytest.fixture(scope='module')
def camera(colour_model: Path) -> Iterator[DepthCamera]:
    """Give a camera whose images are placed."""
    segmenter = Segmenter(colour_model, image_reliability='reliable', depth__maximum_wait=1.5)
    robot = Robot('instances', *SPACE)
    camera = DepthCamera(robot)
    robot.wait_until_matched()
    camera.wait_until_heard()
    wait_for(lambda: not camera.answer().problem, 'objects with a place')
    yield camera
    robot.close()
    segmenter.close()


def colour_of(item: Any) -> str:
    """Tell a rectangle by where its points are."""
    column = item.centroid.x / item.centroid.z * LENS.fx + LENS.cx
    return min(CENTRES, key=lambda name: abs(CENTRES[name][1] - column))


def vector(value: Any) -> np.ndarray:
    return np.array([value.x, value.y, value.z])


@pytest.mark.parametrize('encoding', ['32FC1', '16UC1', 'mono16'])
def test_objects_lie_where_they_are(camera: DepthCamera, encoding: str) -> None:
    answer = camera.answer(depth=lambda header: depth_message(header, true_depth(), encoding))
    assert not answer.problem
    assert answer.depth_stamp == answer.header.stamp
    assert {colour_of(item) for item in answer.objects} == set(COLOURS)
    for item in answer.objects:
        name = colour_of(item)
        normal, distance = PLANES[name]
        assert item.status == Object3D.OK
        assert item.depth_share == 1
        # Within half a degree; millimetres alone turn a plate of 0.2 m by 0.2 degrees.
        assert vector(item.normal) @ normal > math.cos(math.radians(0.5))
        for point in (vector(item.centroid), vector(item.box_pose.position)):
            assert point @ normal == pytest.approx(-distance, abs=0.001)
            # The middle of a tilted plate is seen a little beside that of its image.
            np.testing.assert_allclose(LENS.pixels(point[None])[0], CENTRES[name][::-1], atol=3)


def test_a_plate_that_faces_the_camera_has_its_true_size(camera: DepthCamera) -> None:
    answer = camera.answer()
    plate, = (item for item in answer.objects if colour_of(item) == 'red')
    seen = find(camera, 'instances', answer.header)[0].instances
    box, = (item.box for item in seen if item.id == plate.id)
    # From the first pixel's centre to the last one's, without a rim of 2 pixels; 1 m away.
    np.testing.assert_allclose([plate.box_size.x, plate.box_size.y],
                               [(box.height - 5) / LENS.fy, (box.width - 5) / LENS.fx], atol=1e-3)
    assert plate.box_size.z < 0.001


def test_box_normal_and_orientation_agree(camera: DepthCamera) -> None:
    for item in camera.answer().objects:
        pose = item.box_pose.orientation
        turned = np.array([2 * (pose.x * pose.z + pose.w * pose.y),
                           2 * (pose.y * pose.z - pose.w * pose.x),
                           1 - 2 * (pose.x**2 + pose.y**2)])
        np.testing.assert_allclose(turned, vector(item.normal), atol=1e-6)
        assert item.box_size.x >= item.box_size.y > item.box_size.z


def test_the_cloud_holds_the_points_of_each_object_in_its_colour(camera: DepthCamera) -> None:
    objects = camera.answer()
    cloud, = find(camera, 'cloud', objects.header)
    assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'rgb', 'label']
    points = np.frombuffer(cloud.data, [(field.name, '<f4' if field.name in 'xyz' else '<u4')
                                        for field in cloud.fields])
    assert cloud.width == len(points) == sum(item.point_count for item in objects.objects)
    for item in objects.objects:
        own = points[points['label'] == item.id]
        assert len(own) == item.point_count
        for axis in 'xyz':
            assert own[axis].mean() == pytest.approx(getattr(item.centroid, axis), abs=1e-5)
        red, green, blue = COLOURS[colour_of(item)]
        assert set(own['rgb'].tolist()) == {red << 16 | green << 8 | blue}


def test_markers_are_boxes_with_labels_and_replace_all_before(camera: DepthCamera) -> None:
    objects = camera.answer()
    markers, = find(camera, 'markers', objects.header)
    first, *rest = markers.markers
    assert first.action == Marker.DELETEALL
    for item, box, label in zip(objects.objects, rest[::2], rest[1::2], strict=True):
        assert (box.type, box.pose, box.id) == (Marker.CUBE, item.box_pose, item.id)
        assert (box.color.r * 255, box.color.g * 255, box.color.b * 255) == pytest.approx(
            instance_color(item.id), abs=0.01)
        assert label.text.startswith(f'{item.id} thing ')
        assert label.pose.position.y < item.box_pose.position.y
        assert 0 < label.scale.x < label.scale.z  # A space is narrower than a letter is high.


def find(camera: DepthCamera, name: str, header: Any) -> list[Any]:
    wait_for(lambda: camera.received(name, header), name)
    return camera.received(name, header)


@pytest.mark.parametrize(('make', 'text'), [
    ({'depth': {'encoding': '8UC1', 'step': SIZE[1]}}, 'depth must be encoded as 16UC1 or 32FC1'),
    ({'depth': {'data': b'12'}}, 'truncated image'),
    ({'depth': {'height': 0}}, 'without pixels'),
    ({'depth': {'frame': 'depth_frame'}}, "in frame 'depth_frame' and the image in 'camera_opt"),
    ({'depth': {'height': 120, 'width': 640, 'step': 2560}}, 'is of 640x120 pixels and the image'),
    ({'info': {'frame': 'depth_frame'}}, "camera_info is in frame 'depth_frame'"),
    ({'info': {'height': 480, 'width': 640}}, 'camera_info is of 640x480 pixels and the image'),
    ({'info': {'p': [0.0] * 12, 'k': [0.0] * 9}}, 'of no calibrated camera'),
    ({'info': {'p': [NAN] * 12}}, 'of no calibrated camera')])
def test_depth_that_is_not_of_the_image_is_named(camera: DepthCamera, make: dict[str, Any],
                                                 text: str) -> None:

    def named() -> Any:  # Image and depth may overtake their camera_info.
        answer = camera.answer(
            depth=lambda header: depth_message(header, true_depth(), **make.get('depth', {})),
            info=lambda header: info_message(header, **make.get('info', {})))
        return text in answer.problem and answer
    answer = wait_for(named, text)
    assert len(answer.objects) == len(COLOURS)
    for item in answer.objects:
        assert item.status == Object3D.NO_DEPTH
        assert np.isnan(vector(item.centroid)).all() and math.isnan(item.box_pose.orientation.w)
    markers, = find(camera, 'markers', answer.header)
    assert [marker.action for marker in markers.markers] == [Marker.DELETEALL]
    assert find(camera, 'cloud', answer.header)[0].width == 0
    wait_for(lambda: camera.robot.warnings(text), f'a warning of {text}')
    wait_for(lambda: not camera.answer().problem, 'the node to go on')


def test_pixels_without_depth_are_left_out_and_an_object_of_them_says_so(
        camera: DepthCamera) -> None:
    depth = true_depth()
    image = scene(*SIZE)
    depth[(image == COLOURS['red']).all(-1)] = 0
    green = (image == COLOURS['green']).all(-1)
    depth[green & (np.indices(SIZE)[0] % 2 == 0)] = NAN
    answer = camera.answer(depth=lambda header: depth_message(header, depth))
    assert not answer.problem
    missing, = (item for item in answer.objects if item.status == Object3D.NO_DEPTH)
    assert (missing.depth_share, missing.point_count) == (0, 0)
    halved, = (item for item in answer.objects if item.status == Object3D.OK
               and colour_of(item) == 'green')
    assert halved.depth_share == pytest.approx(0.5, abs=0.02)
    assert vector(halved.normal) @ PLANES['green'][0] > math.cos(math.radians(0.5))


def test_a_binned_region_of_the_sensor_has_its_own_intrinsics(camera: DepthCamera) -> None:
    expected = camera.answer().objects[0]

    def binned(header: Any) -> Any:
        full = [2 * LENS.fx, 0.0, 2 * LENS.cx + 30, 0.0, 0.0, 2 * LENS.fy, 2 * LENS.cy + 10, 0.0,
                0.0, 0.0, 1.0, 0.0]
        roi = RegionOfInterest(x_offset=30, y_offset=10, height=2 * SIZE[0], width=2 * SIZE[1])
        return info_message(header, p=full, height=960, width=1280, binning_x=2, binning_y=2,
                            roi=roi)
    wait_for(lambda: camera.answer(info=binned).objects[0] == expected, 'the same place')
