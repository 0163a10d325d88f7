# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Inputs: what a viewer would show, in order, and errors that name the path."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
import os
from pathlib import Path
import re
import struct
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
from typing import Any
import warnings
import zlib

import cv2
from inputs.recordings import gradient
from inputs.videos import spoil, write_video
from metricseg_ros.inputs import InputError, open_input
from metricseg_ros.inputs.codec import (
    decode_image,
    encode,
    is_stored_as_seen,
    picture_count,
    read_image,
)
from metricseg_ros.inputs.frame import DataWarning
from metricseg_ros.inputs.images import natural_key
import numpy as np
from PIL import Image
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


@pytest.mark.parametrize('content', [b'hello', b'\x89PNG\r\n\x1a\n----IEND'])
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


def test_a_name_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.png'))
    path.write_bytes(encode(gradient(), '.png'))
    (frame,) = frames_of(tmp_path)
    np.testing.assert_array_equal(frame.image, gradient())
    assert os.fsencode(frame.source) == os.fsencode(path)


def test_a_video_whose_name_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.avi'))
    path.write_bytes(write_video(tmp_path / 'clip.avi', 3).read_bytes())
    with pytest.raises(InputError, match='must be UTF-8: rename it'):
        open_input(path)


@pytest.mark.parametrize(('suffix', 'four'), [('.mp4', 'mp4v'), ('.avi', 'XVID'), ('.mkv', 'MJPG'),
                                              ('.mov', 'jpeg')])
def test_what_follows_a_damaged_frame_of_a_video_is_read(tmp_path: Path, suffix: str,
                                                         four: str) -> None:
    path = write_video(tmp_path / f'clip{suffix}', 30, four)
    whole = frames_of(path)
    assert len(whole) == 30
    spoil(path, 16, four)
    errors = []
    frames = frames_of(path, on_error=errors.append)
    assert len(frames) == 29 and len(errors) == 1
    assert 'frame' in str(errors[0]) and str(path) in str(errors[0])
    np.testing.assert_array_equal(frames[0].image, whole[0].image)
    assert frames[-1].stamp_ns >= 28 * 10**8


def test_numbers_and_times_behind_a_damaged_frame_are_the_true_ones(tmp_path: Path) -> None:
    path = write_video(tmp_path / 'clip.mp4', 30)
    spoil(path, 16, 'mp4v')
    errors = []
    frames = frames_of(path, on_error=errors.append)
    assert [str(error) for error in errors] == [f'{path}: frame 16 cannot be decoded']
    numbers = [number for number in range(30) if number != 16]
    assert [frame.name for frame in frames] == [f'clip_{number:06d}' for number in numbers]
    assert [frame.stamp_ns for frame in frames] == [number * 10**8 for number in numbers]


@pytest.mark.parametrize(('suffix', 'four'), [('.avi', 'MJPG'), ('.avi', 'XVID'), ('.mkv', 'MJPG'),
                                              ('.webm', 'VP80')])
def test_a_video_that_breaks_off_is_told(tmp_path: Path, suffix: str, four: str) -> None:
    path = write_video(tmp_path / f'clip{suffix}', 30, four)
    path.write_bytes(path.read_bytes()[:path.stat().st_size * 6 // 10])
    errors = []
    frames = frames_of(path, on_error=errors.append)
    assert 10 < len(frames) < 30 and len(errors) == 1
    assert f'{30 - len(frames)} of 30 frames are missing' in str(errors[0])


@pytest.mark.parametrize(('suffix', 'four'), [('.avi', 'MJPG'), ('.mp4', 'mp4v'), ('.mkv', 'MJPG'),
                                              ('.webm', 'VP80'), ('.mov', 'jpeg')])
def test_nothing_is_missing_of_a_whole_video(tmp_path: Path, suffix: str, four: str) -> None:
    assert len(frames_of(write_video(tmp_path / f'clip{suffix}', 25, four))) == 25


HEIC = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(99)


def test_pictures_of_other_kinds_in_a_folder_are_told_in_one_line(tmp_path: Path) -> None:
    image = encode(gradient(), '.png')
    (tmp_path / 'sub').mkdir()
    for name, data in {'a.png': image, 'b.HEIC': HEIC, 'clip.mp4': b'', 'x.mcap': b'',
                       'raw.NEF': b'II*\0', 'noname': image, 'sub/s.png': image, 'notes.txt': b'-',
                       'Thumbs.db': b'-', '.hidden.mp4': b'', 'c.pdf': b''}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / 'link.jpg').symlink_to('/nowhere')
    errors = []
    assert [frame.name for frame in open_input(tmp_path, on_error=errors.append)] == ['a']
    (line,) = map(str, errors)
    assert '\n' not in line
    for name, reason in {'b.HEIC': 'convert it', 'clip.mp4': 'a video: give it by itself',
                         'x.mcap': 'a recording', 'raw.NEF': 'develop it', 'sub': 'a folder',
                         'noname': 'by its content', 'link.jpg': 'nowhere',
                         'c.pdf': 'convert it to PNG'}.items():
        assert re.search(rf'{name} \([^()]*{reason}', line), (name, line)
    for name in ('notes.txt', 'Thumbs.db', 'hidden', 'a.png'):
        assert name not in line


def test_many_files_of_one_kind_are_counted(tmp_path: Path) -> None:
    write_image(tmp_path / 'a.png', gradient())
    for number in range(9):
        (tmp_path / f'{number}.heic').write_bytes(HEIC)
    errors = []
    open_input(tmp_path, on_error=errors.append)
    assert '0.heic, 1.heic, 2.heic and 6 more (HEIC' in str(errors[0])


@pytest.mark.parametrize('suffix', ['.jfif', '.jpe', '.JPG', '.dib', '.apng', '.pnm', '.TIFF'])
def test_an_image_may_have_any_usual_suffix(tmp_path: Path, suffix: str) -> None:
    stored = {'.jfif': '.jpg', '.jpe': '.jpg', '.dib': '.bmp', '.apng': '.png', '.pnm': '.ppm'}
    (tmp_path / f'a{suffix}').write_bytes(encode(gradient(), stored.get(suffix, suffix.lower())))
    assert [frame.image.shape for frame in frames_of(tmp_path)] == [gradient().shape]


@pytest.mark.parametrize('name', ['a.heic', 'a.HEIF', 'a.jpg', 'a.mov'])
def test_heic_is_refused_with_the_remedy_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HEIC)
    with pytest.raises(InputError, match=r'HEIC, which is not read: convert it'):
        frames_of(tmp_path / name)


@pytest.mark.parametrize(('name', 'remedy'), [('a.dng', 'develop'), ('a.zip', 'unpack'),
                                              ('a.svg', 'convert')])
def test_what_is_not_read_is_refused_with_the_remedy(tmp_path: Path, name: str,
                                                     remedy: str) -> None:
    (tmp_path / name).write_bytes(b'something')
    with pytest.raises(InputError, match=remedy):
        open_input(tmp_path / name)


@pytest.mark.parametrize('name', ['a.gif', 'a.webp', 'a.png', 'a.tif'])
def test_more_pictures_than_one_are_told(tmp_path: Path, name: str) -> None:
    pages = [Image.fromarray(np.full((24, 40, 3), level, np.uint8)) for level in (0, 99, 200)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    errors = []
    (frame,) = frames_of(tmp_path / name, on_error=errors.append)
    assert (frame.image == 0).all()
    assert len(errors) == 1 and 'only the first of its 3 pictures is read' in str(errors[0])


def test_floats_are_no_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.tif'), np.full((24, 40), 0.5, np.float32))
    with pytest.raises(InputError, match='not an image of 8 or 16 bits'):
        frames_of(tmp_path / 'a.tif')


def test_a_recording_among_images_is_told_and_the_images_are_read(tmp_path: Path) -> None:
    write_image(tmp_path / 'a.png', gradient())
    (tmp_path / 'drive.db3').write_bytes(b'')
    errors = []
    assert len(frames_of(tmp_path, on_error=errors.append)) == 1
    assert 'drive.db3 (a recording' in str(errors[0])


def test_a_device_or_pipe_or_address_is_to_be_recorded_first(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe')
    for path in (tmp_path / 'pipe', '/dev/null', 'rtsp://camera/stream', 'http://host/a.jpg'):
        with pytest.raises(InputError, match='record it first .* or use the node'):
            open_input(path)


@pytest.mark.parametrize('place', [18, 40])
def test_a_damaged_png_is_refused_at_once(tmp_path: Path, place: int) -> None:
    """Of a damaged width, or length of a chunk, OpenCV would first allocate gigabytes."""
    data = bytearray(encode(gradient(), '.png'))
    length = data.index(b'IDAT') - 4
    data[{18: 18, 40: length}[place]] = 0x39
    (tmp_path / 'a.png').write_bytes(data)
    start = time.monotonic()
    with pytest.raises(InputError):
        frames_of(tmp_path / 'a.png')
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize(('size', 'limit'), [
    ((60_000, 60_000), r'more pixels than OpenCV reads: cut it up, .*\(2\^30\)'),
    ((1, 1_000_001), '1000000 pixels a side, got 1000001: cut it up')])
def test_a_picture_larger_than_is_read_is_refused_with_the_limit(
        size: tuple[int, int], limit: str, capfd: pytest.CaptureFixture[str]) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack('>I', len(body)) + kind + body + struct.pack(
            '>I', zlib.crc32(kind + body))
    header = struct.pack('>IIBBBBB', size[1], size[0], 8, 0, 0, 0, 0)
    picture = (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
               + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b''))
    with pytest.raises(InputError, match=limit):
        decode_image(picture, 'a.png')
    assert capfd.readouterr() == ('', '')


def test_twelve_bits_in_sixteen_are_told_of() -> None:
    grey = np.full((4, 6), 4095, np.uint16)
    with pytest.warns(DataWarning, match='a.png: its values reach 4095 of 65535'):
        assert decode_image(encode(grey, '.png'), 'a.png').max() == 4095 // 256
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        decode_image(encode(grey + np.uint16(1), '.png'), 'a.png')
        decode_image(encode(grey * np.uint16(0), '.png'), 'a.png')


STORED = [[0, 40, 80], [120, 160, 200]]
TURNED = {1: STORED, 2: [[80, 40, 0], [200, 160, 120]], 3: [[200, 160, 120], [80, 40, 0]],
          4: [[120, 160, 200], [0, 40, 80]], 5: [[0, 120], [40, 160], [80, 200]],
          6: [[120, 0], [160, 40], [200, 80]], 7: [[200, 80], [160, 40], [120, 0]],
          8: [[80, 200], [40, 160], [0, 120]], 99: STORED}
"""Orientation in EXIF data -> the picture, by where EXIF says row and column 0 are."""


@pytest.mark.parametrize('orientation', TURNED)
@pytest.mark.parametrize('form', ['PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('transparent', [False, True])
def test_every_format_is_turned_as_its_exif_data_say(orientation: int, form: str,
                                                     transparent: bool) -> None:
    pixels = np.dstack([np.array(STORED, np.uint8)] * 3 + [np.full((2, 3), 255, np.uint8)]
                       * transparent)
    exif = Image.Exif()
    exif[0x112] = orientation
    file = BytesIO()
    Image.fromarray(pixels).save(file, form, **(
        {'tiffinfo': {0x112: orientation}} if form == 'TIFF' else
        {'exif': exif, 'lossless': True} if form == 'WEBP' else {'exif': exif}))
    if form == 'TIFF' and orientation == 99:
        pytest.skip('libtiff knows no other than 1 to 8')
    assert decode_image(file.getvalue(), 'a')[..., 0].tolist() == TURNED[orientation]
    if form != 'TIFF':  # Those are turned by all programs, so that labels lie on the turned one.
        stored = decode_image(file.getvalue(), 'a', upright=False)[..., 0]
        assert stored.tolist() == STORED


def test_depth_lies_on_the_pixels_as_they_are_stored(tmp_path: Path) -> None:
    for part in ('images', 'depth'):
        (tmp_path / part).mkdir()
    jpeg = with_exif_orientation(cv2.imencode('.jpg', gradient(24, 40))[1].tobytes(), 6)
    (tmp_path / 'images' / 'a.jpg').write_bytes(jpeg)
    (frame,) = frames_of(tmp_path, depth=False)
    assert frame.image.shape == (40, 24, 3)
    write_image(tmp_path / 'depth' / 'a.png', np.full((24, 40), 1000, np.uint16))
    (frame,) = frames_of(tmp_path)
    assert frame.image.shape == (24, 40, 3) and frame.depth.metres.shape == (24, 40)


@pytest.mark.parametrize(('head', 'value', 'dtype'), [
    (b'P5\n2 1\n15\n', 15, 'u1'), (b'P5 2 1\n# grey\n4095\n', 4095, '>u2'),
    (b'P6\n# by hand\n2 1 15\n', 15, 'u1')])
def test_the_largest_value_of_netpbm_is_white(head: bytes, value: int, dtype: str) -> None:
    channels = 3 if head.startswith(b'P6') else 1
    body = np.array([[value] * channels, [0] * channels], dtype).tobytes()
    assert decode_image(head + body, 'a.pgm').tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize(('content', 'reason'), [
    (b'', 'the file is empty'),
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:1\n', 'Git LFS .*git lfs pull')])
def test_a_file_without_a_picture_says_what_it_is(tmp_path: Path, content: bytes,
                                                  reason: str) -> None:
    (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(InputError, match=reason):
        frames_of(tmp_path / 'a.jpg')


def test_a_pipe_among_images_is_not_waited_for(tmp_path: Path) -> None:
    write_image(tmp_path / 'a.png', gradient())
    os.mkfifo(tmp_path / 'pipe')
    done = subprocess.run([sys.executable, '-c', 'import sys\nfrom metricseg_ros.inputs import '
                           'open_input\nprint(len(list(open_input(sys.argv[1]))))',
                           str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ['1'], done.stderr


AS_NOBODY = """
import os, sys
from metricseg_ros.inputs import InputError, open_input
from PIL import Image
if not os.geteuid():
    os.seteuid(65534)  # Root may read everything.
print(len(list(open_input(sys.argv[1], on_error=print))))
try:
    open_input(sys.argv[1] + '/secret')
except InputError as error:
    print(error)
"""


def test_what_may_not_be_read_is_told_and_the_rest_is_read() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for image in ('a.png', 'b.png'):
            write_image(folder / image, gradient())
        (folder / 'secret').mkdir(0o000)
        (folder / 'b.png').chmod(0o000)
        done = subprocess.run([sys.executable, '-c', AS_NOBODY, name], capture_output=True,
                              text=True, timeout=60)
    unread, denied, count, secret = done.stdout.splitlines()
    assert 'secret (a folder that cannot be read: Permission denied)' in unread
    assert denied.endswith('b.png: Permission denied')
    assert count == '1'
    assert secret.endswith('secret: Permission denied')


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='File name too long'):
        open_input(tmp_path / ('a' * 300))


def test_counting_pictures_says_nothing_of_large_ones(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Image.fromarray(np.full((24, 40, 3), level, np.uint8)) for level in (0, 99)]
    pages[0].save(tmp_path / 'a.tif', save_all=True, append_images=pages[1:])
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)  # As if it had 200 megapixels.
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert picture_count(tmp_path / 'a.tif') == 2


def test_a_raw_stream_of_jpegs_is_a_video_without_times(tmp_path: Path) -> None:
    """Its frames may be of any length, and even of any size."""
    path = tmp_path / 'clip.mjpeg'
    sizes = [(24, 40)] * 6 + [(48, 80)] * 6
    path.write_bytes(b''.join(encode(gradient(*size), '.jpg') for size in sizes))
    errors: list[InputError] = []
    frames = frames_of(path, on_error=errors.append)
    assert [frame.image.shape[:2] for frame in frames] == sizes
    assert {frame.stamp_ns for frame in frames} == {None}
    assert not errors
    write_image(tmp_path / 'a.png', gradient())
    with pytest.raises(InputError, match=r'clip.mjpeg \(a video: give it by itself\)'):
        frames_of(tmp_path)


def test_a_file_that_others_would_turn_is_not_copied(tmp_path: Path) -> None:
    jpeg = cv2.imencode('.jpg', gradient(24, 24))[1].tobytes()
    for orientation, copied in ((1, True), (3, False)):
        path = tmp_path / f'{orientation}.jpg'
        path.write_bytes(with_exif_orientation(jpeg, orientation))
        assert is_stored_as_seen(path, read_image(path, upright=False)) == copied
