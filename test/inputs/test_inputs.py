# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Inputs: what a viewer would show, in order, and errors that name the path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from inputs.recordings import gradient
from metricseg_ros.inputs import InputError, open_input
from metricseg_ros.inputs.codec import read_image
from metricseg_ros.inputs.images import natural_key
import numpy as np
import pytest

RED = (255, 0, 0)


def write_image(path: Path, image: np.ndarray) -> Path:
    """Write RGB, grey or RGBA as OpenCV does."""
    if image.ndim == 3:
        image = image[..., [2, 1, 0, 3][:image.shape[2]]]
    assert cv2.imwrite(str(path), image)
    return path


def with_exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF segment with nothing but the orientation behind a JPEG's first marker."""
    entry = b'\x12\x01\x03\x00\x01\x00\x00\x00' + bytes([orientation, 0, 0, 0])
    tiff = b'II*\x00\x08\x00\x00\x00\x01\x00' + entry + b'\x00\x00\x00\x00'
    body = b'Exif\x00\x00' + tiff
    return jpeg[:2] + b'\xff\xe1' + (len(body) + 2).to_bytes(2, 'big') + body + jpeg[2:]


def frames_of(path: Path, **options: Any) -> list:
    return list(open_input(path, **options))


def test_an_image_file_is_one_frame(tmp_path: Path) -> None:
    path = write_image(tmp_path / 'cup.png', gradient())
    source = open_input(path)
    (frame,) = source
    assert len(source) == 1
    assert (frame.name, frame.source, frame.stamp_ns) == ('cup', str(path), None)
    np.testing.assert_array_equal(frame.image, gradient())


def test_frames_are_contiguous_rgb(tmp_path: Path) -> None:
    image = read_image(write_image(tmp_path / 'red.bmp', np.full((5, 7, 3), RED, np.uint8)))
    assert image.flags.c_contiguous and image.dtype == np.uint8
    assert (image == RED).all()


def test_numbers_in_names_sort_by_value(tmp_path: Path) -> None:
    for name in ('b10.png', 'b9.png', 'B1.PNG', '10.png', '9.png', 'a.png', '.hidden.png'):
        write_image(tmp_path / name, gradient())
    (tmp_path / 'notes.txt').write_text('no image')
    names = [frame.name for frame in open_input(tmp_path)]
    assert names == ['9', '10', 'a', 'B1', 'b9', 'b10']


def test_natural_keys_compare_numbers_with_letters() -> None:
    assert sorted(['x1y', '2', 'x', '\u00b2', 'x01'], key=natural_key)[0] == '2'


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    image = read_image(write_image(tmp_path / 'deep.png', values))
    np.testing.assert_array_equal(image, np.repeat([[0, 1, 128, 255]], 3).reshape(1, 4, 3))


def test_what_is_transparent_shows_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, :3] = RED
    rgba[0, :, 3] = 0, 51, 255
    image = read_image(write_image(tmp_path / 'alpha.png', rgba))
    np.testing.assert_array_equal(image[0], [[255, 255, 255], [255, 204, 204], RED])


def test_transparency_of_sixteen_bits(tmp_path: Path) -> None:
    rgba = np.full((2, 2, 4), 65535, np.uint16)
    rgba[..., 1:3] = 0
    rgba[..., 3] = 51 * 257
    image = read_image(write_image(tmp_path / 'alpha16.png', rgba))
    assert (image == (255, 204, 204)).all()


@pytest.mark.parametrize(('orientation', 'turned'), [
    (1, lambda image: image), (3, lambda image: image[::-1, ::-1]),
    (6, lambda image: np.rot90(image, -1)), (8, np.rot90)])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, turned: Callable) -> None:
    jpeg = cv2.imencode('.jpg', gradient(32, 48))[1].tobytes()
    plain, exif = tmp_path / 'plain.jpg', tmp_path / 'exif.jpg'
    plain.write_bytes(jpeg)
    exif.write_bytes(with_exif_orientation(jpeg, orientation))
    np.testing.assert_array_equal(read_image(exif), turned(read_image(plain)))


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    path = write_image(tmp_path / f'cut{suffix}', gradient(64, 64))
    data = path.read_bytes()
    path.write_bytes(data[:len(data) * 9 // 10])
    with pytest.raises(InputError, match=r'cut\..*: the file is cut short'):
        frames_of(path)


def test_a_jpeg_with_a_whole_thumbnail_but_cut_short_is_refused(tmp_path: Path) -> None:
    jpeg = cv2.imencode('.jpg', gradient(64, 64))[1].tobytes()
    thumbnail = b'\xff\xe2' + (len(jpeg) + 2).to_bytes(2, 'big') + jpeg
    path = tmp_path / 'thumbnail.jpg'
    path.write_bytes(jpeg[:2] + thumbnail + jpeg[2:])
    assert read_image(path).shape == (64, 64, 3)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match='cut short'):
        read_image(path)


@pytest.mark.parametrize('content', [b'', b'hello', b'\x89PNG\r\n\x1a\n----IEND'])
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'fake.png'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'fake\.png: not an image of 8 or 16 bits'):
        frames_of(path)


def test_a_folder_goes_on_after_an_unreadable_image(tmp_path: Path) -> None:
    for name in ('a.png', 'c.png'):
        write_image(tmp_path / name, gradient())
    (tmp_path / 'b.png').write_bytes(b'nothing')
    errors = []
    frames = frames_of(tmp_path, on_error=errors.append)
    assert [frame.name for frame in frames] == ['a', 'c']
    assert len(errors) == 1 and 'b.png' in str(errors[0])


def test_a_path_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match='/no/where.png: no such file or folder'):
        open_input('/no/where.png')


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='neither a bag nor a folder with images'):
        open_input(tmp_path)


def test_a_topic_belongs_to_bags(tmp_path: Path) -> None:
    path = write_image(tmp_path / 'a.png', gradient())
    with pytest.raises(InputError, match=r"a topic is for recorded bags, got topic '/image'"):
        open_input(path, topic='/image')


def test_a_text_file_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / 'notes.txt'
    path.write_text('nothing to see')
    with pytest.raises(InputError, match=r'notes\.txt: not an image, a video or a bag'):
        open_input(path)


def test_video_frames_carry_number_and_time(tmp_path: Path) -> None:
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (40, 24))
    if not writer.isOpened():
        pytest.skip('this OpenCV writes no MJPG')
    for value in (0, 100, 200):
        writer.write(np.full((24, 40, 3), (value, 0, 0), np.uint8))
    writer.release()
    source = open_input(path)
    frames = list(source)
    assert len(source) == len(frames) == 3
    assert [frame.name for frame in frames] == ['clip_000000', 'clip_000001', 'clip_000002']
    assert [frame.stamp_ns for frame in frames] == [0, 10**8, 2 * 10**8]
    # Blue, which OpenCV puts first and RGB last.
    assert [round(frame.image[..., 2].mean(), -1) for frame in frames] == [0, 100, 200]
