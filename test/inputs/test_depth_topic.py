# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings with depth: each image gets the depth of its stamp, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inputs.recordings import gradient, header, image_message, STORE, write_bag
from metricseg_ros.inputs import DepthTopics, Frame, InputError, open_input
from metricseg_ros.inputs.frame import DataWarning
from metricseg_ros.pinhole import Intrinsics
import numpy as np
import pytest

SECOND = 10**9
MILLISECOND = 10**6
SIZE = (24, 40)


def info(stamp_ns: int = 0, size: tuple[int, int] = SIZE) -> Any:
    matrix = np.array([50.0, 0, 20, 0, 51, 12, 0, 0, 1])
    projection = np.zeros(12)
    projection[[0, 2, 5, 6, 10]] = 60, 19 * size[1] // SIZE[1], 61, 11, 1
    region = STORE.types['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False)
    return STORE.types['sensor_msgs/msg/CameraInfo'](
        header(stamp_ns), *size, 'plumb_bob', np.zeros(5), matrix, np.eye(3).ravel(), projection,
        0, 0, region)


def colour(stamp_ns: int) -> Any:
    return image_message(gradient(), 'rgb8', stamp_ns)


def millimetres(stamp_ns: int, value: int, size: tuple[int, int] = SIZE) -> Any:
    return image_message(np.full(size, value, np.uint16), '16UC1', stamp_ns)


def metres(stamp_ns: int, value: float) -> Any:
    return image_message(np.full(SIZE, value, np.float32), '32FC1', stamp_ns)


def record(path: Path, depths: list[Any], images: int = 3, mcap: bool = False,
           **topics: list[Any]) -> Path:
    return write_bag(path / 'bag', {
        '/camera/image': [colour((index + 1) * SECOND) for index in range(images)],
        '/camera/camera_info': [info()], '/depth': depths,
        **{f'/{name}/camera_info': messages for name, messages in topics.items()}}, mcap)


def frames_of(path: Path, **options: Any) -> list[Frame]:
    return list(open_input(path, depth_topics=DepthTopics('/depth'), **options))


def values(frames: list[Frame]) -> list[float | None]:
    return [frame.depth and round(float(frame.depth.metres[3, 5]), 3) for frame in frames]


@pytest.mark.parametrize('mcap', [False, True])
@pytest.mark.parametrize('shift', [-15, 0, 15])
def test_every_image_gets_the_depth_of_its_stamp(tmp_path: Path, mcap: bool, shift: int) -> None:
    depths = [millimetres((index + 1) * SECOND + shift * MILLISECOND, 500 + index)
              for index in range(3)]
    frames = frames_of(record(tmp_path, depths, mcap=mcap))
    assert [frame.stamp_ns for frame in frames] == [1 * SECOND, 2 * SECOND, 3 * SECOND]
    assert values(frames) == [0.5, 0.501, 0.502]
    assert frames[0].depth.camera == Intrinsics(60, 61, 19, 11)


def test_metres_are_read_too_and_what_is_not_known_is_0(tmp_path: Path) -> None:
    frames = frames_of(record(tmp_path, [metres(SECOND, 0.75), metres(2 * SECOND, np.nan)], 2))
    assert values(frames) == [0.75, 0]


def test_an_image_without_depth_comes_without_it(tmp_path: Path) -> None:
    depths = [millimetres(SECOND, 500), millimetres(3 * SECOND + 30 * MILLISECOND, 502)]
    assert values(frames_of(record(tmp_path, depths))) == [0.5, None, None]


def test_many_images_without_depth_come_in_their_order(tmp_path: Path) -> None:
    frames = frames_of(record(tmp_path, [millimetres(500 * SECOND, 1)], images=70))
    assert [frame.stamp_ns // SECOND for frame in frames] == list(range(1, 71))
    assert not any(values(frames))


def test_depth_is_left_out_where_it_is_not_wanted(tmp_path: Path) -> None:
    bag = record(tmp_path, [millimetres(SECOND, 500)])
    with pytest.raises(InputError, match='several image topics'):
        frames_of(bag, depth=False)
    assert values(frames_of(bag, depth=False, topic='/camera/image')) == [None] * 3


def test_depth_of_another_size_leaves_the_images_out_and_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    depths = [millimetres((index + 1) * SECOND, 500, (12, 20)) for index in range(3)]
    bag = record(tmp_path, depths)
    assert frames_of(bag, on_error=lambda error: told.append(str(error))) == []
    first, rest = told
    assert 'the depth image is of 20x12 pixels and the image of 40x24' in first
    assert '2 more: ' in rest


def test_a_missing_topic_lists_what_is_there(tmp_path: Path) -> None:
    bag = record(tmp_path, [millimetres(SECOND, 500)])
    with pytest.raises(InputError, match=r"no depth topic '/other' .* has /depth \(1\)"):
        open_input(bag, '/camera/image', depth_topics=DepthTopics('/other'))
    with pytest.raises(InputError, match=r'no camera_info on /x, .* has /camera/camera_info'):
        open_input(bag, depth_topics=DepthTopics('/depth', '/x'))


def test_the_camera_is_that_beside_the_images(tmp_path: Path) -> None:
    other = info()
    other.p[0] = 999
    bag = record(tmp_path, [millimetres(SECOND, 500)], aaa=[other])
    assert frames_of(bag)[0].depth.camera.fx == 60
    chosen = open_input(bag, depth_topics=DepthTopics('/depth', '/aaa/camera_info'))
    assert next(iter(chosen)).depth.camera.fx == 999


def test_topics_of_depth_are_for_bags(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a topic is for recorded bags, got topic '/depth'"):
        open_input(tmp_path, depth_topics=DepthTopics('/depth'))


@pytest.mark.parametrize('mcap', [False, True])
def test_a_camera_that_changes_its_size_has_the_intrinsics_of_each(tmp_path: Path,
                                                                   mcap: bool) -> None:
    sizes = [SIZE, (48, 80), (48, 80), SIZE]
    stamps = [(number + 1) * SECOND for number in range(len(sizes))]
    bag = write_bag(tmp_path / 'bag', {
        '/camera/camera_info': [info(stamp, size) for stamp, size in zip(stamps, sizes)],
        '/camera/image': [image_message(gradient(*size), 'rgb8', stamp)
                          for stamp, size in zip(stamps, sizes)],
        '/depth': [millimetres(stamp, 1000, size) for stamp, size in zip(stamps, sizes)]}, mcap)
    frames = frames_of(bag)
    assert [frame.depth.metres.shape for frame in frames] == sizes
    assert [frame.depth.camera.cx for frame in frames] == [19, 38, 38, 19]


@pytest.mark.parametrize(('stamp', 'value', 'reason'), [
    (0, 1000, 'the depth images carry no stamp'),
    (SECOND, 0, 'the depth image is empty: all of it is 0 or NaN'),
    (9 * SECOND, 1000, 'the nearest depth image is 8.000 s newer')])
def test_images_that_are_all_without_depth_are_told_of(tmp_path: Path, stamp: int, value: int,
                                                       reason: str) -> None:
    with pytest.warns(DataWarning, match=f'bag: 1 of 1 images have no depth: {reason}'):
        assert len(frames_of(record(tmp_path, [millimetres(stamp, value)], images=1))) == 1
