# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Label images of every usual form give their values; lists and texts give all of a line."""

from __future__ import annotations

from pathlib import Path
import warnings

import cv2
from metricseg_ros.datasets.reading.files import read_labels, read_names
import numpy as np
from PIL import Image
import pytest

LABELS = np.array([[0, 1, 1, 0], [0, 1, 0, 0]], np.uint8)


def turned(pixels: np.ndarray, orientation: int) -> bytes:
    """Encode a JPEG whose EXIF data say how it is to be turned."""
    jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
    exif = (b'\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01'
            b'\x01\x12\x00\x03\x00\x00\x00\x01\x00' + bytes([orientation]) + bytes(6))
    return jpeg[:2] + exif + jpeg[2:]


def grey_with_alpha() -> Image.Image:
    return Image.merge('LA', [Image.fromarray(LABELS), Image.fromarray(LABELS * 255)])


FORMS = {
    '8 bits': Image.fromarray(LABELS), '1 bit': Image.fromarray(LABELS > 0),
    '16 bits': Image.fromarray(LABELS.astype(np.uint16)), 'grey with alpha': grey_with_alpha(),
    'equal channels': Image.fromarray(np.dstack([LABELS] * 3)),
    'equal channels with alpha': Image.fromarray(np.dstack([LABELS] * 3 + [LABELS * 255])),
    'transparent': Image.fromarray(np.dstack([LABELS] * 3 + [LABELS * 0]))}


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('suffix', ['.png', '.tif'])
def test_every_form_of_a_label_map_has_the_same_values(tmp_path: Path, form: str,
                                                       suffix: str) -> None:
    FORMS[form].save(tmp_path / f'a{suffix}')
    labels = read_labels(tmp_path / f'a{suffix}')
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_indices_of_a_palette_are_values_however_few_bits_they_have(tmp_path: Path,
                                                                    bits: int) -> None:
    image = Image.fromarray(LABELS, 'P')
    image.putpalette([9, 9, 9, 200, 10, 60])
    image.save(tmp_path / 'a.png', bits=bits)
    np.testing.assert_array_equal(read_labels(tmp_path / 'a.png'), LABELS)


@pytest.mark.parametrize('bits', [2, 4])
def test_grey_of_few_bits_is_not_spread(tmp_path: Path, bits: int) -> None:
    """A PNG written by hand: Pillow writes grey with 1, 8 or 16 bits only."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack('>I', len(data)) + whole + struct.pack('>I', zlib.crc32(whole))
    values = [3, 2, 1, 0] if bits == 2 else [15, 7, 1, 0]
    row = sum(value << bits * place for place, value in enumerate(reversed(values)))
    data = b'\0' + row.to_bytes(4 * bits // 8, 'big')
    path = tmp_path / 'a.png'
    path.write_bytes(b'\x89PNG\r\n\x1a\n'
                     + chunk(b'IHDR', struct.pack('>IIBBBBB', 4, 1, bits, 0, 0, 0, 0))
                     + chunk(b'IDAT', zlib.compress(data)) + chunk(b'IEND', b''))
    assert read_labels(path).tolist() == [values]


def test_16_bits_are_kept_in_colours_that_are_grey(tmp_path: Path) -> None:
    values = np.array([[0, 300, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / 'a.png'), np.dstack([values] * 3))
    assert read_labels(tmp_path / 'a.png').tolist() == values.tolist()


@pytest.mark.parametrize(('name', 'pixels', 'reason'), [
    ('a.jpg', np.zeros((4, 4), np.uint8), 'must not be a JPEG'),
    ('a.png', np.full((4, 4, 3), (1, 2, 3), np.uint8), 'not colours'),
    ('a.tif', np.zeros((4, 4), np.float32), 'one channel of 16 bits or less')])
def test_what_are_no_labels_is_refused(tmp_path: Path, name: str, pixels: np.ndarray,
                                       reason: str) -> None:
    cv2.imwrite(str(tmp_path / name), pixels)
    with pytest.raises(ValueError, match=reason):
        read_labels(tmp_path / name)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
def test_a_line_of_a_list_is_a_name_with_its_spaces(tmp_path: Path, encoding: str) -> None:
    (tmp_path / 'val.txt').write_bytes('my photo\r\n\n  caf\u00e9 2 \n'.encode(encoding))
    assert read_names(tmp_path / 'val.txt') == ['my photo', 'caf\u00e9 2']


def test_a_name_that_is_no_utf8_is_that_of_a_file(tmp_path: Path) -> None:
    (tmp_path / 'val.txt').write_bytes(b'caf\xe9\n')
    (name,) = read_names(tmp_path / 'val.txt')
    (tmp_path / name).write_text('found')
    assert [path.name for path in tmp_path.iterdir() if path.suffix != '.txt'] == [name]


def test_the_largest_value_of_a_pgm_is_not_spread(tmp_path: Path) -> None:
    (tmp_path / 'a.pgm').write_bytes(b'P5\n# labels\n4 2\n3\n' + LABELS.tobytes())
    np.testing.assert_array_equal(read_labels(tmp_path / 'a.pgm'), LABELS)
    large = LABELS * np.uint16(300)
    (tmp_path / 'b.pgm').write_bytes(b'P5 4 2 300\n' + large.astype('>u2').tobytes())
    np.testing.assert_array_equal(read_labels(tmp_path / 'b.pgm'), large)


def test_large_label_maps_are_read_without_a_word_of_pillows(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of 100 megapixels is, with Pillow's limit as far below its size."""
    image = Image.fromarray(LABELS, 'P')
    image.putpalette([9, 9, 9, 200, 10, 60])
    image.save(tmp_path / 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 2)  # It refuses from twice as many.
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        np.testing.assert_array_equal(read_labels(tmp_path / 'a.png'), LABELS)
    assert Image.MAX_IMAGE_PIXELS == 2


@pytest.mark.parametrize(('suffix', 'name'), [('.webp', 'a lossy WebP'), ('.avif', 'an AVIF')])
def test_labels_that_a_format_has_changed_are_refused(tmp_path: Path, suffix: str,
                                                      name: str) -> None:
    image, path = Image.fromarray(np.dstack([LABELS] * 3)), tmp_path / f'a{suffix}'
    image.save(path)
    with pytest.raises(ValueError, match=f'must not be {name}, which changes values: save PNG'):
        read_labels(path)
    image.save(tmp_path / 'b.webp', lossless=True)
    np.testing.assert_array_equal(read_labels(tmp_path / 'b.webp'), LABELS)
