# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of every encoding become the RGB that was meant; faults are named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
from metricseg_ros.inputs.encodings import DISTANCES, ENCODINGS, find_encoding
from metricseg_ros.inputs.image_messages import ImageError, to_depth, to_rgb
import numpy as np
import pytest

SIZE = 6, 8
NOT_IN_ROSBAGS = ('8UC1', '8UC3', '8UC4', 'nv12', 'nv21')
GREY_YUV = 126
"""Luma of which BT.601 makes (126 - 16) * 255 / 219 = 128.1 for each channel, without chroma."""


def message(encoding: str, values: np.ndarray, /, **changes: Any) -> SimpleNamespace:
    """Make an image message of values (rows, width * channels)."""
    fields = {'encoding': encoding, 'height': SIZE[0], 'width': SIZE[1], 'is_bigendian': 0,
              'step': values.shape[1] * values.itemsize, 'data': values.tobytes()}
    return SimpleNamespace(**{**fields, **changes})


def random_values(rng: np.random.Generator, encoding: str) -> np.ndarray:
    """Draw data for an encoding."""
    layout = ENCODINGS[encoding]
    shape = SIZE[0] * layout.rows // 2, SIZE[1] * layout.channels
    return rng.integers(0, np.iinfo(layout.dtype).max, shape).astype(layout.dtype)


@pytest.mark.parametrize('encoding', [name for name in ENCODINGS if name not in NOT_IN_ROSBAGS])
def test_every_encoding_that_rosbags_knows_is_read_alike(rng: np.random.Generator,
                                                         encoding: str) -> None:
    rosbags_image = pytest.importorskip('rosbags.image')
    values = random_values(rng, encoding)
    image = to_rgb(message(encoding, values))
    expected = rosbags_image.message_to_cvimage(message(encoding, values), 'rgb8')
    assert image.shape == (*SIZE, 3)
    assert image.dtype == np.uint8
    # 16 bits are rounded here, and cut off there.
    tolerance = 1 if encoding.endswith('16') else 0
    assert np.abs(image.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize(('encoding', 'plain'), [('8UC1', 'mono8'), ('8UC3', 'bgr8'),
                                                 ('8UC4', 'bgra8')])
def test_opencv_types_have_the_channel_order_of_opencv(rng: np.random.Generator, encoding: str,
                                                       plain: str) -> None:
    values = random_values(rng, encoding)
    np.testing.assert_array_equal(to_rgb(message(encoding, values)),
                                  to_rgb(message(plain, values)))


@pytest.mark.parametrize('encoding', ['nv12', 'nv21', 'yuyv', 'uyvy'])
def test_luma_without_chroma_is_grey(encoding: str) -> None:
    layout = ENCODINGS[encoding]
    values = np.full((SIZE[0] * layout.rows // 2, SIZE[1] * layout.channels), 128, np.uint8)
    luma = {'nv12': np.s_[:SIZE[0]], 'nv21': np.s_[:SIZE[0]], 'yuyv': np.s_[:, 0::2],
            'uyvy': np.s_[:, 1::2]}[encoding]
    values[luma] = GREY_YUV
    image = to_rgb(message(encoding, values)).astype(int)
    assert np.abs(image - 128).max() <= 1


def test_nv12_and_nv21_differ_in_the_order_of_chroma(rng: np.random.Generator) -> None:
    values = random_values(rng, 'nv12')
    swapped = values.copy()
    swapped[SIZE[0]:, 0::2], swapped[SIZE[0]:, 1::2] = values[SIZE[0]:, 1::2], \
        values[SIZE[0]:, 0::2]
    np.testing.assert_array_equal(to_rgb(message('nv12', values)),
                                  to_rgb(message('nv21', swapped)))


@pytest.mark.parametrize(('pattern', 'order'), [('rggb', 'RGGB'), ('bggr', 'BGGR'),
                                                ('gbrg', 'GBRG'), ('grbg', 'GRBG')])
def test_a_bayer_pattern_is_named_by_its_first_four_pixels(pattern: str, order: str) -> None:
    tile = np.array([{'R': 200, 'G': 100, 'B': 50}[letter] for letter in order], np.uint8)
    values = np.tile(tile.reshape(2, 2), (SIZE[0] // 2, SIZE[1] // 2))
    image = to_rgb(message(f'bayer_{pattern}8', values))
    # A uniform colour comes out uniform, away from the border.
    np.testing.assert_array_equal(image[2:-2, 2:-2].reshape(-1, 3), [[200, 100, 50]] * 8)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    values = np.array([[0, 128, 129, 257, 65535, 32896, 257 * 7, 1]] * SIZE[0], np.uint16)
    # 65535 / 255 = 257 steps of 16 bits make one of 8; 128 / 257 rounds down, 129 / 257 up.
    expected = [0, 0, 1, 1, 255, 128, 7, 0]
    assert to_rgb(message('mono16', values))[0, :, 0].tolist() == expected


@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bayer_rggb16'])
def test_byte_order_is_honoured(rng: np.random.Generator, encoding: str) -> None:
    values = random_values(rng, encoding)
    swapped = message(encoding, values.byteswap(), is_bigendian=1)
    np.testing.assert_array_equal(to_rgb(swapped), to_rgb(message(encoding, values)))


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('padding', [1, 6])
def test_padding_at_the_end_of_rows_is_left_out(rng: np.random.Generator, encoding: str,
                                                padding: int) -> None:
    values = random_values(rng, encoding)
    rows = values.view(np.uint8).reshape(len(values), -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    np.testing.assert_array_equal(to_rgb(message(encoding, padded)),
                                  to_rgb(message(encoding, values)))


@pytest.mark.parametrize('encoding', ['bgr8', 'mono16', '8UC3', 'nv12', 'bayer_rggb8'])
def test_capitals_of_an_encoding_do_not_matter(rng: np.random.Generator, encoding: str) -> None:
    values = random_values(rng, encoding)
    for written in (encoding.upper(), encoding.lower(), f' {encoding} '):
        np.testing.assert_array_equal(to_rgb(message(written, values)),
                                      to_rgb(message(encoding, values)))
    metres = np.full(SIZE, 1.5, np.float32)
    np.testing.assert_array_equal(to_depth(message('32fc1', metres)), metres)


def test_the_last_row_need_not_be_padded() -> None:
    values = np.arange(SIZE[0] * (SIZE[1] * 3 + 5), dtype=np.uint8).reshape(SIZE[0], -1)
    whole = message('rgb8', values)
    expected = values[:, :-5].reshape(*SIZE, 3)
    np.testing.assert_array_equal(to_rgb(whole), expected)
    whole.data = whole.data[:-5]
    np.testing.assert_array_equal(to_rgb(whole), expected)
    whole.data = whole.data[:-1]
    with pytest.raises(ImageError, match='truncated image'):
        to_rgb(whole)


def test_rgb8_is_not_copied() -> None:
    data = np.zeros(SIZE[0] * SIZE[1] * 3, np.uint8)
    image = to_rgb(message('rgb8', data.reshape(SIZE[0], -1), data=data))
    assert np.shares_memory(image, data)


@pytest.mark.parametrize(('changes', 'text'), [
    ({'height': 0}, 'image without pixels'),
    ({'width': 0}, 'image without pixels'),
    ({'data': b''}, 'truncated image: step x rows is 144 bytes'),
    ({'step': 23}, 'step is smaller than a row of 24 bytes'),
    ({'step': 25}, 'truncated image'),
    ({'height': 5}, 'wrong step: step x rows is 120 bytes'),
    ({'encoding': 'rbg8'}, "unknown encoding 'rbg8'; did you mean 'rgb8'?"),
    ({'encoding': ''}, "unknown encoding ''"),
    ({'encoding': '32FC1'}, 'holds distances, not colours'),
    ({'encoding': 'yuyv', 'width': 7}, 'needs an even size'),
    ({'encoding': 'nv12', 'height': 5}, 'needs an even size')])
def test_a_bad_message_is_named(changes: dict[str, Any], text: str) -> None:
    bad = message('rgb8', np.zeros((SIZE[0], SIZE[1] * 3), np.uint8), **changes)
    with pytest.raises(ImageError) as caught:
        to_rgb(bad)
    assert text in str(caught.value)
    for field in ('encoding', 'height', 'width', 'step'):
        assert f'{field} {getattr(bad, field)!r}' in str(caught.value)
    assert f'{len(bad.data)} bytes' in str(caught.value)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_compressed_images_are_decoded(rng: np.random.Generator, suffix: str) -> None:
    image = cv2.resize(rng.integers(0, 255, (3, 4, 3)).astype(np.uint8), (64, 48))
    _, data = cv2.imencode(suffix, image)
    decoded = to_rgb(SimpleNamespace(format=suffix, data=data.tobytes()))
    difference = np.abs(decoded[..., ::-1].astype(int) - image)
    assert difference.mean() <= (0 if suffix == '.png' else 5)


def test_a_compressed_image_is_not_turned_by_its_exif_data() -> None:
    cv2_image = np.zeros((16, 32, 3), np.uint8)
    jpeg = cv2.imencode('.jpg', cv2_image)[1].tobytes()
    # An EXIF segment whose only entry is orientation 6: turn by 90 degrees.
    exif = (b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0')
    turned = jpeg[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + jpeg[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (32, 16, 3)
    assert to_rgb(SimpleNamespace(format='jpeg', data=turned)).shape == (16, 32, 3)


@pytest.mark.parametrize(('kind', 'data', 'text'), [
    ('jpeg', b'', 'without data'), ('jpeg', b'no picture', 'of 10 bytes cannot be decoded'),
    ('16UC1; compressedDepth', b'x', 'holds distances'),
    ('h264', b'no picture', 'a piece of a video')])
def test_a_bad_compressed_message_is_named(kind: str, data: bytes, text: str) -> None:
    with pytest.raises(ImageError, match=text) as caught:
        to_rgb(SimpleNamespace(format=kind, data=data))
    assert repr(kind) in str(caught.value)


def test_an_unknown_encoding_lists_what_is_known() -> None:
    with pytest.raises(ValueError, match='known are rgb8, bgr8'):
        find_encoding('zzz')


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
@pytest.mark.parametrize('big_endian', [0, 1])
def test_depth_is_read_with_padding_and_in_both_byte_orders(encoding: str,
                                                            big_endian: int) -> None:
    kind = {'16UC1': 'u2', '32FC1': 'f4'}[encoding]
    values = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE).astype(kind)
    stored = values.astype('<>'[big_endian] + kind).view(np.uint8).reshape(SIZE[0], -1)
    padded = np.pad(stored, ((0, 0), (0, 3)), constant_values=255)
    depth = to_depth(message(encoding, padded, is_bigendian=big_endian))
    np.testing.assert_array_equal(depth, values)
    assert depth.dtype == values.dtype


@pytest.mark.parametrize(('encoding', 'changes', 'text'), [
    ('16SC1', {}, r'depth must be encoded as 16UC1 or 32FC1 \(REP 118\).*16SC1'),
    ('64FC1', {}, 'depth must be encoded as'),
    ('16UC1', {'height': 0}, 'depth image without pixels'),
    ('16UC1', {'step': 3}, 'step is smaller'),
    ('32FC1', {'data': b'123'}, 'truncated image')])
def test_depth_that_cannot_be_read_is_named(encoding: str, changes: dict[str, Any],
                                            text: str) -> None:
    values = np.zeros((SIZE[0], SIZE[1] * 2), np.uint16)
    with pytest.raises(ImageError, match=text):
        to_depth(message(encoding, values, **changes))


def compressed(kind: str, pixels: np.ndarray, suffix: str = '.png',
               start: bytes = b'') -> SimpleNamespace:
    return SimpleNamespace(format=kind, data=start + cv2.imencode(suffix, pixels)[1].tobytes())


@pytest.mark.parametrize(('kind', 'dtype', 'suffix'), [
    ('16UC1; png compressed ', np.uint16, '.png'), ('32FC1; tiff compressed ', np.float32, '.tif'),
    ('16SC1; png compressed ', np.uint16, '.png'), ('64FC1; tiff compressed ', float, '.tif')])
def test_compressed_distances_are_no_colours(kind: str, dtype: type, suffix: str) -> None:
    with pytest.raises(ImageError, match='holds distances') as caught:
        to_rgb(compressed(kind, np.ones(SIZE, dtype), suffix))
    assert repr(kind) in str(caught.value)


@pytest.mark.parametrize(('kind', 'suffix'), [
    ('16UC1; png compressed ', '.png'), ('mono16; png compressed ', '.png'),
    ('32FC1; tiff compressed ', '.tif')])
def test_depth_compressed_without_loss_is_read(kind: str, suffix: str) -> None:
    values = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE)
    values = values.astype(np.float32 if suffix == '.tif' else np.uint16)
    depth = to_depth(compressed(kind, values, suffix))
    np.testing.assert_array_equal(depth, values)
    assert depth.dtype == values.dtype


def test_compressed_depth_in_metres_is_an_inverse_depth() -> None:
    # By scale 8 and offset 1 the values 3, 5 and 9 mean 8 / 2, 8 / 4 and 8 / 8 metres.
    values = np.array([[3, 5, 9, 0]], np.uint16)
    start = np.array([0], np.int32).tobytes() + np.array([8, 1], np.float32).tobytes()
    depth = to_depth(compressed('32FC1; compressedDepth png', values, start=start))
    np.testing.assert_array_equal(depth, np.array([[4, 2, 1, np.nan]], np.float32))
    raw = to_depth(compressed('16UC1; compressedDepth png', values, start=start))
    np.testing.assert_array_equal(raw, values)


@pytest.mark.parametrize(('kind', 'pixels', 'suffix'), [
    ('16UC1; jpeg compressed ', np.ones(SIZE, np.uint8), '.jpg'),
    ('rgb8; png compressed bgr8', np.ones((*SIZE, 3), np.uint8), '.png'),
    ('16UC1; compressedDepth rvl', np.ones(SIZE, np.uint16), '.png'),
    ('png', np.ones(SIZE, np.uint16), '.png')])
def test_what_is_no_depth_is_refused(kind: str, pixels: np.ndarray, suffix: str) -> None:
    with pytest.raises(ImageError) as caught:
        to_depth(compressed(kind, pixels, suffix))
    assert repr(kind) in str(caught.value)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('encoding', ['bayer_rggb', 'bayer_bggr', 'bayer_gbrg', 'bayer_grbg'])
def test_a_compressed_bayer_pattern_becomes_colours(encoding: str, dtype: type) -> None:
    # Red 200, green 100, blue 50, as the pattern's name orders them.
    values = {'r': 200, 'g': 100, 'b': 50}
    tile = np.array([values[letter] for letter in encoding[-4:]]).reshape(2, 2)
    bits = np.dtype(dtype).itemsize * 8
    pattern = (np.tile(tile, (3, 4)) * (257 if bits == 16 else 1)).astype(dtype)
    image = to_rgb(compressed(f'{encoding}{bits}; png compressed ', pattern))
    np.testing.assert_array_equal(image[2:-2, 2:-2].reshape(-1, 3), [[200, 100, 50]] * 8)


def test_a_bayer_pattern_that_the_camera_made_colours_of_is_taken_as_it_is() -> None:
    red = np.full((*SIZE, 3), (0, 0, 255), np.uint8)
    image = to_rgb(compressed('bayer_rggb8; png compressed bgr8', red))
    assert (image == (255, 0, 0)).all()


FUZZED = 10_000
KINDS = ('jpeg', 'png', 'rgb8; jpeg compressed bgr8', 'bayer_grbg8; png compressed ', 'h264', '',
         '16UC1; png compressed ', '16UC1; compressedDepth', '32FC1; compressedDepth png', ';;',
         'bayer_xxxx8; png compressed ', 'bayer_rggb16; jpeg compressed')
NAMES = (*ENCODINGS, *DISTANCES, '8UC2', '8SC1', 'rgb8\0', 'RGB8', '', 'bayer_rggb32', '32FC3')


def fuzzed_message(rng: np.random.Generator, pictures: list[bytes]) -> SimpleNamespace:
    """Make a message whose fields fit together only now and then."""
    sizes = rng.choice([0, 1, 2, 3, 4, 7, 8, 2**16, 2**32 - 1], 2, p=[.03, *[.16] * 6, .005, .005])
    if rng.random() < 0.5:
        data = bytearray(pictures[rng.integers(len(pictures))])
        for _ in range(rng.integers(0, 6)):
            data[rng.integers(len(data))] = rng.integers(256)
        cut = len(data) if rng.random() < 0.5 else rng.integers(len(data) + 1)
        return SimpleNamespace(format=str(rng.choice(KINDS)), data=bytes(data[:cut]))
    name = str(rng.choice(NAMES))
    height, width = (int(side) for side in sizes)
    layout = ENCODINGS.get(name, ENCODINGS['rgb8'])
    step = (min(width, 9) * layout.channels * np.dtype(layout.dtype).itemsize
            + int(rng.integers(-1, 3)) * int(rng.random() < 0.3))
    length = max(0, step * min(height, 9) * layout.rows // 2 + int(rng.random() < 0.1))
    return SimpleNamespace(encoding=name, height=height, width=width, step=max(0, step),
                           is_bigendian=int(rng.integers(3)), data=rng.bytes(length))


def test_whatever_a_message_holds_it_is_read_or_named() -> None:
    rng = np.random.default_rng(0)
    kinds = [('.jpg', np.uint8, (8, 8, 3)), ('.png', np.uint8, (8, 8, 3)),
             ('.png', np.uint16, (8, 8)), ('.png', np.uint8, (8, 8, 4)),
             ('.jpg', np.uint8, (8, 8)), ('.webp', np.uint8, (8, 8, 3)),
             ('.tif', np.float32, (8, 8)), ('.bmp', np.uint8, (8, 8, 3))]
    pictures = [cv2.imencode(suffix, rng.integers(0, 255, shape).astype(dtype))[1].tobytes()
                for suffix, dtype, shape in kinds]
    pictures.append(bytes(12) + pictures[2])  # As compressedDepth has it.
    read = {to_rgb: 0, to_depth: 0}
    for _ in range(FUZZED):
        message = fuzzed_message(rng, pictures)
        for reader in read:
            try:
                image = reader(message)
            except ImageError as error:
                assert str(error).isprintable() and len(str(error)) < 500
                continue
            read[reader] += 1
            if reader is to_rgb:
                assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
            else:
                assert image.dtype in (np.uint16, np.float32) and image.ndim == 2
            if hasattr(message, 'encoding'):
                assert image.shape[:2] == (message.height, message.width)
    assert read[to_rgb] > FUZZED / 10 and read[to_depth] > FUZZED / 100
