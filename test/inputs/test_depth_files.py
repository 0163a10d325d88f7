# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth files: millimetres and metres are the same depth, and errors name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.inputs.depth_files import open_depth_folder, read_depth, usual_camera
from metricseg_ros.inputs.frame import DataWarning
from metricseg_ros.pinhole import Intrinsics
import numpy as np
import pytest

MILLIMETRES = np.array([[0, 500, 1234], [1, 40000, 65535]], np.uint16)
METRES = np.array([[0, 0.5, 1.234], [0.001, 40, 65.535]], np.float32)
CAMERA = {'fx': 500.0, 'fy': 501.0, 'cx': 1.0, 'cy': 0.5}


def write(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == '.npy':
        np.save(path, values)
    else:
        assert cv2.imwrite(str(path), values)
    return path


@pytest.mark.parametrize(('name', 'values'), [
    ('a.png', MILLIMETRES), ('a.tiff', MILLIMETRES), ('a.tif', METRES), ('a.npy', MILLIMETRES),
    ('a.npy', METRES), ('a.npy', METRES.astype(np.float64)), ('a.npy', METRES[..., None])])
def test_millimetres_and_metres_are_the_same_depth(tmp_path: Path, name: str,
                                                   values: np.ndarray) -> None:
    depth = read_depth(write(tmp_path / name, values))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, METRES, rtol=1e-6)


def test_what_is_not_known_is_0(tmp_path: Path) -> None:
    values = np.array([[np.nan, np.inf, -1, 0, 2]], np.float32)
    assert read_depth(write(tmp_path / 'a.tiff', values)).tolist() == [[0, 0, 0, 0, 2]]


@pytest.mark.parametrize(('name', 'values', 'message'), [
    ('a.png', np.full((4, 5), 9, np.uint8), 'uint16 or float32, got .*uint8'),
    ('a.png', np.arange(60, dtype=np.uint16).reshape(4, 5, 3), r'got \(4, 5, 3\)'),
    ('a.tiff', np.full((4, 5), 850, np.float32), 'median of the depth is 850 m'),
    ('a.npy', np.full((4, 5), 2, np.uint16), 'is 0.002 m, .*16 bits millimetres'),
    ('a.npy', np.full((4, 5), 850, np.int64), 'got .*int64')])
def test_what_is_no_depth_is_refused_by_name(tmp_path: Path, name: str, values: np.ndarray,
                                             message: str) -> None:
    path = write(tmp_path / name, values)
    with pytest.raises(ValueError, match=rf'{path}: .*{message}'):
        read_depth(path)


@pytest.mark.parametrize('name', ['a.png', 'a.npy', 'a.exr', 'a.tiff'])
def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'not depth')
    with pytest.raises(ValueError, match='not a depth image that can be read') as error:
        read_depth(tmp_path / name)
    assert name in str(error.value) and '\n' not in str(error.value)
    with pytest.raises(ValueError, match='not a depth image'):
        read_depth(tmp_path / 'missing' / name)


def folder(root: Path, camera: Any = CAMERA) -> Path:
    write(root / 'depth' / 'one.png', MILLIMETRES)
    if camera is not None:
        (root / 'camera.json').write_text(camera if isinstance(camera, str)
                                          else json.dumps(camera))
    return root


def test_depth_lies_beside_the_image_of_its_name(tmp_path: Path) -> None:
    found = open_depth_folder(folder(tmp_path), ['one', 'two'])
    assert found.read('one', (2, 3)).camera == Intrinsics(500, 501, 1, 0.5)
    assert found.read('two', (2, 3)) is None
    assert open_depth_folder(tmp_path / 'depth', ['one']) is None


def test_a_camera_may_be_that_of_one_image(tmp_path: Path) -> None:
    found = open_depth_folder(folder(tmp_path, {'one': {**CAMERA, 'width': 3, 'height': 2}}),
                              ['one'])
    assert found.read('one', (2, 3)).camera.fy == 501


def test_a_byte_order_mark_before_a_camera_counts_for_nothing(tmp_path: Path) -> None:
    found = open_depth_folder(folder(tmp_path, '\ufeff' + json.dumps(CAMERA)), ['one'])
    assert found.read('one', (2, 3)).camera.fx == 500


def test_without_a_camera_a_usual_one_is_assumed(tmp_path: Path) -> None:
    found = open_depth_folder(folder(tmp_path, None), ['one'])
    assert found.read('one', (2, 3)).camera == usual_camera((2, 3))
    assert usual_camera((480, 640)) == Intrinsics(525, 525, 319.5, 239.5)


@pytest.mark.parametrize(('camera', 'size', 'message'), [
    ({'fx': 500.0}, (2, 3), 'camera.json: must hold fx, fy, cx and cy'),
    ({**CAMERA, 'fx': 'wide'}, (2, 3), 'camera.json: must hold fx, fy, cx and cy'),
    ({**CAMERA, 'fx': -1}, (2, 3), 'fx and fy must be positive'),
    ({'other': CAMERA}, (2, 3), "camera.json: no camera for 'one'"),
    ({**CAMERA, 'width': 640, 'height': 480}, (2, 3), 'a camera of 640x480 for an image of 3x2'),
    (CAMERA, (4, 6), r'one.png: depth of 3x2 for an image of 6x4; register it .*depth=false')])
def test_a_camera_that_does_not_fit_is_told(tmp_path: Path, camera: Any, size: tuple[int, int],
                                            message: str) -> None:
    found = open_depth_folder(folder(tmp_path, camera), ['one'])
    with pytest.raises(ValueError, match=message):
        found.read('one', size)


@pytest.mark.parametrize(('camera', 'names', 'message'), [
    ('{', ['one'], 'camera.json: not JSON'), ('[]', ['one'], 'camera.json: must hold fx'),
    (CAMERA, ['two'], 'depth: no depth image .* is named like an image, such as two.png')])
def test_a_folder_that_does_not_fit_is_told_at_once(tmp_path: Path, camera: Any, names: list[str],
                                                    message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_depth_folder(folder(tmp_path, camera), names)


def test_two_depth_images_of_one_image_are_refused(tmp_path: Path) -> None:
    write(folder(tmp_path) / 'depth' / 'one.npy', METRES)
    with pytest.raises(ValueError, match='one.npy and one.png are depth of one image'):
        open_depth_folder(tmp_path, ['one'])


@pytest.mark.parametrize('value', [0.0, float('nan'), -1.0])
def test_depth_without_a_pixel_is_told(tmp_path: Path, value: float) -> None:
    path = write(tmp_path / 'a.npy', np.full((4, 5), value, np.float32))
    with pytest.warns(DataWarning, match='a.npy: no pixel has a depth'):
        assert not read_depth(path).any()
