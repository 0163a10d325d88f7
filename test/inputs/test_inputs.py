# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Inputs: what a viewer would show, in order, and errors that name the path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.inputs import InputError, open_input
from metricseg_ros.inputs.images import natural_key, read_image
import numpy as np
import pytest

pytest.importorskip('rosbags')
from rosbags.rosbag2 import StoragePlugin, Writer  # noqa: E402
from rosbags.typesys import get_typestore, Stores  # noqa: E402

STORE = get_typestore(Stores.ROS2_JAZZY)
RED = (255, 0, 0)


def gradient(height: int = 24, width: int = 40) -> np.ndarray:
    """Make an (H,W,3) RGB image of which no two pixels in a row are equal."""
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    image[..., 2] = 77
    return image


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


def image_message(image: np.ndarray, encoding: str, stamp_ns: int = 0,
                  step: int | None = None) -> Any:
    """Make a raw image message; a step larger than a row pads it with 255."""
    types = STORE.types
    rows = np.ascontiguousarray(image).view(np.uint8).reshape(image.shape[0], -1)
    padding = (step or rows.shape[1]) - rows.shape[1]
    data = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return types['sensor_msgs/msg/Image'](
        header(stamp_ns), image.shape[0], image.shape[1], encoding, 0, data.shape[1],
        data.reshape(-1))


def compressed_message(data: bytes, stamp_ns: int = 0) -> Any:
    return STORE.types['sensor_msgs/msg/CompressedImage'](
        header(stamp_ns), 'jpeg', np.frombuffer(data, np.uint8))


def header(stamp_ns: int) -> Any:
    time = STORE.types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9)
    return STORE.types['std_msgs/msg/Header'](time, 'camera')


def write_bag(folder: Path, topics: dict[str, list], mcap: bool = False) -> Path:
    """Write a bag; messages of a topic are recorded a second apart."""
    plugin = StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3
    with Writer(folder, version=9, storage_plugin=plugin) as writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=STORE)
            for index, message in enumerate(messages):
                writer.write(connection, (index + 1) * 10**9, STORE.serialize_cdr(message, kind))
    return folder


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


@pytest.mark.parametrize('mcap', [False, True])
def test_a_bag_gives_the_only_image_topic(tmp_path: Path, mcap: bool) -> None:
    messages = [image_message(gradient(), 'rgb8', stamp) for stamp in (5, 10**9 + 7)]
    bag = write_bag(tmp_path / 'drive', {'/camera/image': messages}, mcap)
    source = open_input(bag)
    frames = list(source)
    assert len(source) == 2
    assert [frame.stamp_ns for frame in frames] == [5, 10**9 + 7]
    assert [frame.name for frame in frames] == ['drive_5', 'drive_1000000007']
    for frame in frames:
        np.testing.assert_array_equal(frame.image, gradient())


def test_a_bag_can_be_read_twice(tmp_path: Path) -> None:
    source = open_input(write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8')]}))
    assert len(list(source)) == len(list(source)) == 1


@pytest.mark.parametrize('suffix', ['mcap', 'db3'])
def test_the_file_of_a_bag_alone_is_enough(tmp_path: Path, suffix: str) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8', 3)]},
                    suffix == 'mcap')
    (bag / 'metadata.yaml').unlink()
    (file,) = bag.glob(f'*.{suffix}')
    for path in (bag, file):
        assert [frame.stamp_ns for frame in open_input(path)] == [3]


def test_a_frame_without_stamp_takes_the_time_of_recording(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8', 0)]})
    assert frames_of(bag)[0].stamp_ns == 10**9


def test_several_topics_ask_for_a_choice(tmp_path: Path) -> None:
    one, two = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 9, np.uint8)
    bag = write_bag(tmp_path / 'bag', {'/left': [image_message(one, 'rgb8')],
                                       '/right': [image_message(two, 'rgb8')] * 2})
    with pytest.raises(InputError, match=r'choose one by topic: /left \(1\), /right \(2\)'):
        open_input(bag)
    with pytest.raises(InputError, match=r"no image topic '/up'; the bag has /left"):
        open_input(bag, topic='/up')
    assert [frame.image[0, 0, 0] for frame in open_input(bag, topic='/right')] == [9, 9]


def test_compressed_images_are_decoded(tmp_path: Path) -> None:
    image = np.full((16, 16, 3), RED, np.uint8)
    jpeg = cv2.imencode('.jpg', image[..., ::-1])[1].tobytes()
    bag = write_bag(tmp_path / 'bag', {'/a/compressed': [compressed_message(jpeg)]})
    assert np.abs(frames_of(bag)[0].image.astype(int) - RED).max() <= 2


@pytest.mark.parametrize('step', [None, 40 * 3 + 8])
def test_padded_rows_are_read_alike(tmp_path: Path, step: int | None) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8', step=step)]})
    np.testing.assert_array_equal(frames_of(bag)[0].image, gradient())


def test_every_encoding_of_red_is_red(tmp_path: Path) -> None:
    red16 = np.full((4, 4, 3), (65535, 0, 0), np.uint16)
    messages = [image_message(np.full((4, 4, 3), (0, 0, 255), np.uint8), 'bgr8'),
                image_message(np.full((4, 4, 4), (255, 0, 0, 9), np.uint8), 'rgba8'),
                image_message(red16, 'rgb16')]
    bag = write_bag(tmp_path / 'bag', {'/a': messages})
    frames = frames_of(bag)
    assert len(frames) == 3 and all((frame.image == RED).all() for frame in frames)


def test_depth_is_no_picture(tmp_path: Path) -> None:
    depth = np.ones((4, 4), np.float32)
    bag = write_bag(tmp_path / 'bag', {'/depth': [image_message(depth, '32FC1')]})
    with pytest.raises(InputError, match=r"bag: /depth recorded at 1000000000: .*'32FC1'"):
        frames_of(bag)


def test_a_damaged_message_is_left_out(tmp_path: Path) -> None:
    good, short = image_message(gradient(), 'rgb8'), image_message(gradient(), 'rgb8')
    short.data = short.data[:50]
    bag = write_bag(tmp_path / 'bag', {'/a': [short, good]})
    errors = []
    assert len(frames_of(bag, on_error=errors.append)) == 1
    assert 'truncated' in str(errors[0])


@pytest.mark.parametrize('suffix', ['mcap', 'db3', 'bag'])
def test_a_file_that_is_no_bag_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'fake.{suffix}'
    path.write_bytes(b'nothing like a bag' * 100)
    with pytest.raises(InputError, match=rf'fake\.{suffix}: not a bag that can be read'):
        open_input(path)


def test_a_bag_without_images_says_so(tmp_path: Path) -> None:
    text = STORE.types['std_msgs/msg/String']('hello')
    bag = write_bag(tmp_path / 'bag', {'/chatter': [text]})
    with pytest.raises(InputError, match='no image topic in this bag'):
        open_input(bag)


@pytest.mark.parametrize('mcap', [False, True])
def test_a_recording_cut_short_gives_what_it_has(tmp_path: Path, mcap: bool) -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    messages = [image_message(image, 'rgb8', stamp) for stamp in range(1, 41)]
    bag = write_bag(tmp_path / 'bag', {'/a': messages}, mcap)
    (file,) = (path for path in bag.iterdir() if path.name != 'metadata.yaml')
    with file.open('r+b') as stream:
        stream.truncate(file.stat().st_size // 2)
    errors = []
    try:
        frames = frames_of(bag, on_error=errors.append)
    except InputError as error:
        frames, errors = [], [error]
    assert len(frames) < 40
    assert len(errors) == 1 and str(bag) in str(errors[0])
