# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings: the images are read whatever lies beside them, and damage costs only itself."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
import shutil
import sqlite3

import cv2
from inputs.recordings import (
    compressed_message,
    CompressionMode,
    CompressionType,
    gradient,
    IMAGE,
    image_message,
    STORE,
    write_bag,
    write_mcap,
    write_rosbag1,
    Writer,
)
from metricseg_ros.inputs import Frame, InputError, open_input
import numpy as np
import pytest

RED = (255, 0, 0)


def frames_of(path: Path, **options) -> list[Frame]:
    return list(open_input(path, **options))


def numbered(count: int) -> list[np.ndarray]:
    """Make images of which number i is grey of level i."""
    return [np.full((16, 24, 3), number, np.uint8) for number in range(count)]


def levels(frames: list[Frame]) -> list[int]:
    return [int(frame.image[0, 0, 0]) for frame in frames]


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


def test_json_and_protobuf_beside_the_images_are_left_alone(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / 'a.mcap', [image_message(gradient(), 'rgb8')], {
        '/status': ('json', 'jsonschema', b'{"type": "object"}'),
        '/points': ('protobuf', 'protobuf', b'\x0a\xff\xfe descriptor'),
        '/plain': ('json', '', b''), '/flat': ('flatbuffer', 'flatbuffer', b'\x00')})
    (frame,) = frames_of(path)
    np.testing.assert_array_equal(frame.image, gradient())


DEFINITIONS = (b'uint32 height # caf\xe9', b'this is no definition }{', b'')


@pytest.mark.parametrize('definition', DEFINITIONS)
def test_a_definition_that_cannot_be_parsed_does_no_harm_in_mcap(tmp_path: Path,
                                                                 definition: bytes) -> None:
    path = write_mcap(tmp_path / 'a.mcap', [image_message(gradient(), 'rgb8')],
                      {'/odd': ('cdr', 'ros2msg', definition)}, definition)
    assert len(frames_of(path)) == 1


@pytest.mark.parametrize('definition', DEFINITIONS)
def test_a_definition_that_cannot_be_parsed_does_no_harm_in_sqlite(tmp_path: Path,
                                                                   definition: bytes) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8')]})
    with sqlite3.connect(bag / 'bag.db3') as database:
        database.execute("UPDATE message_definitions SET encoding = 'unknown', "
                         'encoded_message_definition = CAST(? AS TEXT)', (definition,))
    assert len(frames_of(bag)) == 1


def test_a_definition_that_cannot_be_parsed_does_no_harm_in_ros_1(tmp_path: Path) -> None:
    path = write_rosbag1(tmp_path / 'a.bag', numbered(3))
    data = path.read_bytes()
    assert data.count(b'uint32 height') == 1  # That in the index: the chunk is compressed.
    path.write_bytes(data.replace(b'uint32 height', b'uint32 \xe9\xff\xfe }{'))
    assert levels(frames_of(path)) == [0, 1, 2]


@pytest.mark.parametrize('mcap', [False, True])
@pytest.mark.parametrize('mode', [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_compressed_recordings_are_read(tmp_path: Path, mcap: bool,
                                        mode: CompressionMode) -> None:
    messages = [image_message(image, 'rgb8') for image in numbered(3)]
    bag = write_bag(tmp_path / 'bag', {'/a': messages}, mcap, mode)
    assert levels(frames_of(bag)) == [0, 1, 2]
    (file,) = (path for path in bag.iterdir() if path.suffix != '.yaml')
    assert (file.suffix == '.zstd') == (mode == CompressionMode.FILE)
    shutil.copy(file, tmp_path / file.name)
    assert levels(frames_of(tmp_path / file.name)) == [0, 1, 2]


def test_a_file_that_is_not_what_its_name_says_is_refused_though_compressed(
        tmp_path: Path) -> None:
    path = tmp_path / 'a.mcap.zstd'
    path.write_bytes(b'nothing')
    with pytest.raises(InputError, match=r'a\.mcap\.zstd: not a bag that can be read'):
        open_input(path)


@pytest.mark.parametrize('compression', [CompressionType.NONE, CompressionType.ZSTD,
                                         CompressionType.LZ4])
def test_a_damaged_chunk_costs_what_is_in_it(tmp_path: Path,
                                             compression: CompressionType) -> None:
    images = [np.random.default_rng(i).integers(0, 256, (16, 24, 3), np.uint8) for i in range(5)]
    path = write_mcap(tmp_path / 'a.mcap', [image_message(image, 'rgb8') for image in images],
                      compression=compression)
    data = bytearray(path.read_bytes())
    row = data.index(bytes(images[2][8, :4].ravel()))  # Noise is stored as it is.
    data[row] ^= 255
    path.write_bytes(data)
    errors = []
    frames = frames_of(path, on_error=errors.append)
    assert [frame.stamp_ns for frame in frames] == [10**9, 2 * 10**9, 4 * 10**9, 5 * 10**9]
    assert len(errors) == 1 and 'damaged' in str(errors[0])


def test_an_mcap_that_was_never_finished_gives_what_it_has(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / 'a.mcap', [image_message(image, 'rgb8') for image in numbered(9)])
    data = path.read_bytes()
    fifth = data.index(b'\4' * 16 * 24 * 3)  # The image of level 4 begins here.
    path.write_bytes(data[:fifth + 100])
    errors = []
    source = open_input(path, on_error=errors.append)
    assert len(source) == 4 and levels(list(source)) == [0, 1, 2, 3]
    assert len(errors) == 1 and 'breaks off' in str(errors[0])


def test_a_damaged_chunk_of_ros_1_costs_what_is_in_it(tmp_path: Path) -> None:
    path = write_rosbag1(tmp_path / 'a.bag', numbered(5), chunk_bytes=1000)
    data = bytearray(path.read_bytes())
    third = [at for at in range(len(data)) if data[at:at + 4] == b'BZh9'][2]
    data[third + 20] ^= 255
    path.write_bytes(data)
    errors = []
    assert levels(frames_of(path, on_error=errors.append)) == [0, 1, 3, 4]
    assert len(errors) == 1 and 'damaged' in str(errors[0])


def test_a_damaged_page_of_sqlite_costs_what_is_in_it(tmp_path: Path) -> None:
    messages = [image_message(image, 'rgb8', 7) for image in numbered(40)]
    bag = write_bag(tmp_path / 'bag', {'/a': messages})
    path = bag / 'bag.db3'
    with sqlite3.connect(path) as database:
        size, = database.execute('PRAGMA page_size').fetchone()
        page, = database.execute("SELECT pageno FROM dbstat WHERE name = 'messages' AND pagetype "
                                 "= 'leaf' ORDER BY pageno LIMIT 1 OFFSET 3").fetchone() \
            if has_dbstat(database) else (None,)
    if page is None:
        pytest.skip('this SQLite does not tell its pages')
    data = bytearray(path.read_bytes())
    data[(page - 1) * size:page * size] = bytes(size)
    path.write_bytes(data)
    errors = []
    found = levels(frames_of(bag, on_error=errors.append))
    assert 30 < len(found) < 40 and found == sorted(set(found))
    assert len(errors) == 40 - len(found)


def has_dbstat(database: sqlite3.Connection) -> bool:
    try:
        database.execute('SELECT * FROM dbstat LIMIT 1')
    except sqlite3.OperationalError:
        return False
    return True


def split_bag(folder: Path) -> Path:
    """Write a bag of three files, as rosbag2 splits them, in an order that names alone mislead."""
    parts = [write_bag(folder / f'part{i}', {'/a': [image_message(image, 'rgb8')]})
             for i, image in enumerate(numbered(3))]
    bag = folder / 'bag'
    bag.mkdir()
    names = ['bag_9.db3', 'bag_10.db3', 'bag_11.db3']
    for part, name in zip(parts, names, strict=True):
        shutil.copy(part / f'{part.name}.db3', bag / name)
    (bag / 'metadata.yaml').write_text(
        f'rosbag2_bagfile_information: {{relative_file_paths: {names}}}')
    return bag


def test_a_split_bag_is_read_in_its_order(tmp_path: Path) -> None:
    source = open_input(split_bag(tmp_path))
    assert len(source) == 3 and levels(list(source)) == [0, 1, 2]


@pytest.mark.parametrize('spoil', [Path.unlink, lambda path: path.write_bytes(b'nothing' * 99)])
def test_a_file_of_a_split_bag_may_be_missing_or_damaged(tmp_path: Path, spoil) -> None:
    bag = split_bag(tmp_path)
    spoil(bag / 'bag_10.db3')
    errors = []
    assert levels(frames_of(bag, on_error=errors.append)) == [0, 2]
    assert len(errors) == 1 and 'bag_10.db3' in str(errors[0])


def test_a_topic_without_a_message_is_told(tmp_path: Path) -> None:
    bag = tmp_path / 'bag'
    with Writer(bag, version=9) as writer:
        writer.add_connection('/a', IMAGE, typestore=STORE)
    with pytest.raises(InputError, match='bag: there is no image on /a'):
        frames_of(bag)


def test_a_bag_is_left_as_it_is(tmp_path: Path) -> None:
    bag = split_bag(tmp_path)
    (bag / 'bag_10.db3').unlink()
    before = {path.name: path.read_bytes() for path in bag.iterdir()}
    frames_of(bag, on_error=lambda error: None)
    assert {path.name: path.read_bytes() for path in bag.iterdir()} == before


def test_metadata_that_names_no_files_is_refused_with_the_remedy(tmp_path: Path) -> None:
    bag = split_bag(tmp_path)
    (bag / 'metadata.yaml').write_text('')
    with pytest.raises(InputError, match=r'metadata\.yaml: .* name the bag file itself'):
        open_input(bag)


@pytest.mark.parametrize('kind', ['foxglove_msgs/msg/CompressedVideo', 'foxglove.CompressedVideo',
                                  'ffmpeg_image_transport_msgs/msg/FFMPEGPacket'])
def test_a_bag_of_video_packets_is_named_with_the_remedy(tmp_path: Path, kind: str) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8')] * 9})
    with sqlite3.connect(bag / 'bag.db3') as database:
        database.execute('UPDATE topics SET type = ?', (kind,))
    for topic in (None, '/a'):
        with pytest.raises(InputError, match=rf'/a \({kind}, cdr\): .*republish'):
            open_input(bag, topic=topic)


@pytest.mark.parametrize(('kind', 'data'), [
    ('h264', b'\0\0\0\1\x67 stream'), ('H.265', b'more'), ('video', b'\0\0\1\x67 stream')])
def test_video_packets_in_compressed_images_are_named_once(tmp_path: Path, kind: str,
                                                           data: bytes) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [
        compressed_message(data + bytes([number]), kind=kind) for number in range(50)]})
    errors = []
    assert frames_of(bag, on_error=errors.append) == []
    assert len(errors) == 1 and 'a piece of a video' in str(errors[0]) and 'republish' in str(
        errors[0])


def test_what_is_wrong_with_every_message_is_told_twice_at_most(tmp_path: Path) -> None:
    depth = image_message(np.ones((4, 4), np.float32), '32FC1')
    bag = write_bag(tmp_path / 'bag', {'/depth': [depth] * 50})
    errors = []
    assert frames_of(bag, on_error=errors.append) == []
    assert len(errors) == 2 and '49 more' in str(errors[1])


@pytest.mark.parametrize('suffix', ['db3', 'mcap', 'bag', 'mcap.zstd'])
def test_an_empty_file_says_so(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f'drive.{suffix}').touch()
    with pytest.raises(InputError, match='the file is empty: nothing was recorded'):
        open_input(tmp_path / f'drive.{suffix}')


def test_a_recording_without_files_says_so(tmp_path: Path) -> None:
    (tmp_path / 'metadata.yaml').write_text(
        'rosbag2_bagfile_information: {relative_file_paths: []}\n')
    with pytest.raises(InputError, match='the recording has no files: nothing was recorded'):
        open_input(tmp_path)


@pytest.mark.parametrize(('mode', 'name'), [
    (CompressionMode.NONE, 'drive.db3.zstd'), (CompressionMode.FILE, 'drive.db3')])
def test_whether_a_file_is_compressed_is_seen_in_it(tmp_path: Path, mode: CompressionMode,
                                                    name: str) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(numbered(3)[2], 'rgb8', 5)]},
                    compression=mode)
    (file,) = bag.glob('*.db3*')
    assert levels(frames_of(file.rename(tmp_path / name))) == [2]


def test_a_bag_compressed_otherwise_is_refused_with_the_remedy(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / 'bag', {'/a': [image_message(gradient(), 'rgb8', 5)]})
    (file,) = bag.glob('*.db3')
    file.rename(bag / f'{file.name}.lz4')
    meta = bag / 'metadata.yaml'
    meta.write_text(meta.read_text().replace(file.name, f'{file.name}.lz4'))
    with pytest.raises(InputError, match='packed as .lz4, which is not read: unpack it'):
        open_input(bag)


def with_topics(folder: Path, change: str, little_endian: bool = True) -> Path:
    """Write a bag with one image of level 2, and change what it says of its topic."""
    message = image_message(numbered(3)[2], 'rgb8', 5)
    bag = write_bag(folder / 'bag', {'/a': [message]})
    (file,) = bag.glob('*.db3')
    with closing(sqlite3.connect(file)) as database:
        database.execute('UPDATE messages SET data = ?', (
            bytes(STORE.serialize_cdr(message, IMAGE, little_endian=little_endian)),))
        database.execute(f'UPDATE topics SET {change}')
        database.commit()
    return bag


@pytest.mark.parametrize('change', ["serialization_format = 'CDR'",
                                    "type = 'sensor_msgs/Image'"])  # As Crystal and Dashing did.
@pytest.mark.parametrize('little_endian', [True, False])
def test_images_are_read_however_their_topic_and_numbers_are_written(
        tmp_path: Path, change: str, little_endian: bool) -> None:
    assert levels(frames_of(with_topics(tmp_path, change, little_endian))) == [2]


@pytest.mark.parametrize('topic', [None, '/a'])
def test_images_in_another_encoding_are_named_with_the_remedy(tmp_path: Path,
                                                              topic: str | None) -> None:
    bag = with_topics(tmp_path, "serialization_format = 'flatbuffers'")
    with pytest.raises(InputError, match="encoded as 'flatbuffers', and those of cdr and ros1"):
        open_input(bag, topic)
