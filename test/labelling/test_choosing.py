# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The frames that are chosen lie far apart, in time and in look."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from inputs.test_depth_topic import millimetres as depth_message
from inputs.test_depth_topic import record, SECOND, SIZE
from metricseg_ros.inputs import DepthTopics, InputError, open_input
from metricseg_ros.labelling.choosing import far_apart, look_of
from metricseg_ros.labelling.intake import take_in
from metricseg_ros.labelling.store import LabelStore
import numpy as np
import pytest


def test_frames_that_all_look_alike_are_spread_in_time() -> None:
    chosen = far_apart(np.zeros((100, 4)), np.arange(100.0), 5)
    assert chosen[0] == 0 and chosen[-1] == 99
    assert np.diff(chosen).min() >= 10


def test_each_look_is_chosen_before_one_is_chosen_twice() -> None:
    looks = np.zeros((90, 1))
    looks[40:45], looks[70] = 50, 100  # Two sights that last for five frames and for one.
    chosen = far_apart(looks, np.arange(90.0), 4)
    assert {float(looks[index, 0]) for index in chosen} == {0.0, 50.0, 100.0}


def test_all_are_chosen_where_there_are_no_more() -> None:
    assert far_apart(np.zeros((3, 2)), np.zeros(3), 5) == [0, 1, 2]


def test_frames_of_one_time_and_look_are_chosen_once_each() -> None:
    assert len(set(far_apart(np.zeros((10, 2)), np.zeros(10), 4))) == 4


def test_a_brighter_image_looks_another() -> None:
    dark, light = (np.full((48, 64, 3), value, np.uint8) for value in (40, 200))
    assert np.linalg.norm(look_of(dark) - look_of(light)) > 30
    noisy = dark + np.random.default_rng(0).integers(0, 4, dark.shape, np.uint8)
    assert np.linalg.norm(look_of(dark) - look_of(noisy)) < 3


def video(path: Path, count: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), 200 if index == 7 else 40, np.uint8))
    writer.release()
    return path


def test_frames_of_a_video_are_taken_in_once_with_their_time(tmp_path: Path) -> None:
    clip = video(tmp_path / 'clip.avi', 30)
    store = LabelStore(tmp_path / 'labels')
    assert take_in(store, clip, frames=4) == 4
    assert take_in(store, clip, frames=4) == 0
    assert 'clip_000007' in store.entries  # The one that looks another.
    times = [entry.about['stamp_ns'] for entry in store.entries.values()]
    assert times == sorted(times)
    frames = {frame.name: frame.image for frame in open_input(clip)}
    for name in store.entries:
        stored = cv2.imread(str(store.image_path(name)))[..., ::-1]
        np.testing.assert_array_equal(stored, frames[name])


def test_image_files_are_taken_in_as_they_are_and_a_turned_one_as_it_is_seen(
        tmp_path: Path) -> None:
    folder = tmp_path / 'photos'
    folder.mkdir()
    image = np.random.default_rng(0).integers(0, 255, (8, 12, 3), np.uint8)
    cv2.imwrite(str(folder / 'plain.png'), image)
    jpeg = cv2.imencode('.jpg', image)[1].tobytes()
    turned = (b'\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01'
              b'\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00')
    (folder / 'turned.jpg').write_bytes(jpeg[:2] + turned + jpeg[2:])
    store = LabelStore(tmp_path / 'labels')
    assert take_in(store, folder, frames=1) == 2
    assert store.image_path('plain').read_bytes() == (folder / 'plain.png').read_bytes()
    assert cv2.imread(str(store.image_path('turned'))).shape == (12, 8, 3)
    assert take_in(store, folder, frames=1) == 0


def scene(root: Path, name: str, millimetres: int, focal_length: float) -> Path:
    for part in ('images', 'depth'):
        (root / part).mkdir(parents=True)
    cv2.imwrite(str(root / 'images' / f'{name}.png'), np.zeros((4, 6, 3), np.uint8))
    cv2.imwrite(str(root / 'depth' / f'{name}.png'), np.full((4, 6), millimetres, np.uint16))
    (root / 'camera.json').write_text(json.dumps(
        {'fx': focal_length, 'fy': focal_length, 'cx': 2, 'cy': 1}))
    return root


def test_depth_is_kept_with_the_camera_of_each_image(tmp_path: Path) -> None:
    store = LabelStore(tmp_path / 'labels')
    for name, millimetres, focal_length in (('a', 900, 5.0), ('b', 700, 8.0)):
        root = scene(tmp_path / name, 'same', millimetres, focal_length)
        assert take_in(store, root, frames=1) == 1
        assert take_in(store, root, frames=1) == 0
    for name, metres, focal_length in (('same', 0.9, 5.0), ('same-2', 0.7, 8.0)):
        depth = LabelStore(store.root).read_depth(name, (4, 6))
        assert depth.metres == pytest.approx(metres)
        assert (depth.camera.fx, depth.camera.cx) == (focal_length, 2)


def test_a_data_set_of_one_camera_takes_images_of_another(tmp_path: Path) -> None:
    store = LabelStore(scene(tmp_path / 'mine', 'mine', 500, 5.0))
    take_in(store, scene(tmp_path / 'other', 'other', 700, 8.0), frames=1)
    assert [store.read_depth(name, (4, 6)).camera.fx for name in ('mine', 'other')] == [5.0, 8.0]


def test_depth_of_a_bag_is_kept_and_can_be_left(tmp_path: Path) -> None:
    bag, topics = record(tmp_path, [depth_message(SECOND, 800)], images=2), DepthTopics('/depth')
    store = LabelStore(tmp_path / 'labels')
    assert take_in(store, bag, frames=2, topic='/camera/image', depth_topics=topics) == 2
    depths = [store.read_depth(name, SIZE) for name in store.entries]
    assert [depth and float(depth.metres[3, 5]) for depth in depths] == [
        pytest.approx(0.8), None]
    colours = LabelStore(tmp_path / 'colours')
    take_in(colours, bag, frames=2, topic='/camera/image', depth_topics=topics, depth=False)
    assert not (colours.root / 'depth').exists()


def test_an_image_that_cannot_be_read_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'good.png'), np.zeros((4, 6, 3), np.uint8))
    (tmp_path / 'bad.png').write_bytes(b'no picture')
    told: list[InputError] = []
    assert take_in(LabelStore(tmp_path / 'labels'), tmp_path, 1, on_error=told.append) == 1
    assert [str(error).split(':')[0] for error in told] == [str(tmp_path / 'bad.png')]
