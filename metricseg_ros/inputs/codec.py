# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pictures from bytes and to bytes, and which files are pictures: the one place that knows.

OpenCV is given bytes, never a path: its file functions end the process at a name that is no UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
import re
from typing import Any, BinaryIO
import warnings
import zlib

import cv2
from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.inputs.frame import DataWarning, InputError
import numpy as np

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.apng', '.bmp', '.dib', '.webp',
                  '.tif', '.tiff', '.ppm', '.pgm', '.pbm', '.pnm', '.jp2', '.avif', '.gif')
"""What the name of an image ends in, in lower case."""

COMMON_SUFFIXES = ('.jpg', '.jpeg', '.png')
JPEG_QUALITY = 92
LARGEST_JPEG_SIDE = 65500
LARGEST_PNG_SIDE = 1_000_000
"""Pixels that libpng reads along a side."""

MOST_PIXELS = 2**30
"""What OpenCV reads by default."""

TOO_MANY_PIXELS = ('has more pixels than OpenCV reads: cut it up, or raise '
                   'OPENCV_IO_MAX_IMAGE_PIXELS (2^30)')

TWELVE_BITS = 2**12
"""Values of 16 bits that are all below are seen nearly black."""

JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8\xff', b'\xff\xda', b'\xff\xd9'
PNM_HEAD = re.compile(rb'P[2356](?:\s+(?:#[^\n]*\n\s*)*\d+){2}\s+(?:#[^\n]*\n\s*)*(\d{1,5})\s')
"""Width, height and the largest value, with comments between them."""

LARGEST_HEAD = 64
"""Bytes in which a WebP says how it is compressed."""

ORIENTATION = 0x112
"""Number of the orientation in EXIF data."""

LFS_START = b'version https://git-lfs'
PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND'
NEWER_FORMATS = ('GIF', 'WEBP', 'AVIF')
"""What OpenCV reads only in newer or other builds, by Pillow's names."""

PNG_HEADER, PNG_CHECKSUM = slice(12, 29), slice(29, 33)
"""Kind and content of a PNG's first chunk, which says the size, and what comes behind it."""

HEIF_BRANDS = (b'heic', b'heix', b'hevc', b'heim', b'heis', b'mif1', b'msf1')
HEIC = ('HEIC, which is not read: convert it (heif-convert a.heic a.jpg), or let the phone save '
        'JPEG')
"""What is said of it."""


def is_image(path: Path) -> bool:
    """Tell by its name whether a file is an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def decode(data: bytes | np.ndarray, flags: int) -> np.ndarray | None:
    """
    Decode a picture.

    :param data: of any format that OpenCV reads.
    :param flags: OpenCV's, such as cv2.IMREAD_COLOR.
    :return: the pixels in OpenCV's order of channels; None if they cannot be decoded.
    """
    return _decoded(data, flags)[0]


def _decoded(data: bytes | np.ndarray, flags: int) -> tuple[np.ndarray | None, str]:
    """Decode a picture; return the pixels, or None and the limit of size that it breaks."""
    if bytes(data[:len(PNG_START)]) == PNG_START:
        if not _is_whole_png(data):
            return None, ''
        side = max(int.from_bytes(bytes(data[at:at + 4]), 'big') for at in (16, 20))
        if side > LARGEST_PNG_SIDE:  # libpng would say so itself, on stderr.
            return None, f'a PNG may have {LARGEST_PNG_SIDE} pixels a side, got {side}: cut it up'
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags), ''
    except cv2.error as error:  # No data at all, or more pixels than OpenCV allows.
        return None, TOO_MANY_PIXELS if 'CV_IO_MAX_IMAGE_PIXELS' in str(error) else ''


def encode(pixels: np.ndarray, suffix: str) -> bytes:
    """
    Encode a picture.

    :param pixels: (H,W,3) uint8 RGB, or (H,W) uint8 or uint16.
    :param suffix: says the format, such as .jpg.
    :return: the content of the file.
    :raises ValueError: if the format cannot hold it.
    """
    if suffix == '.jpg' and max(pixels.shape[:2]) > LARGEST_JPEG_SIDE:
        raise ValueError(f'a JPEG has at most {LARGEST_JPEG_SIDE} pixels a side, and this image '
                         f'is {pixels.shape[1]} wide and {pixels.shape[0]} high: cut it up')
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == '.jpg' else []
    try:
        done, data = cv2.imencode(suffix, ordered, options)
    except cv2.error as error:
        raise ValueError(f'{pixels.shape} {pixels.dtype} cannot be written as {suffix}: '
                         f'{error.err}') from None
    if not done:
        raise ValueError(f'{pixels.shape} {pixels.dtype} cannot be written as {suffix}')
    return data.tobytes()


def write_image(path: Path, pixels: np.ndarray) -> None:
    """
    Write a picture that is there whole or not at all.

    :param path: the file; its suffix says the format.
    :param pixels: (H,W,3) uint8 RGB, or (H,W) uint8 or uint16.
    :raises ValueError: if the format cannot hold it.
    :raises OSError: if it cannot be written.
    """
    write_atomically(path, encode(pixels, path.suffix))


def read_bytes(path: Path) -> bytes:
    """
    Read a picture's file.

    :raises InputError: if it cannot be read, or is cut short.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'{path}: {error.strerror}') from None
    if _is_cut_short(data):
        raise InputError(f'{path}: the file is cut short after {len(data)} bytes')
    return data


def read_image(path: Path, upright: bool = True) -> np.ndarray:
    """
    Read an image file as a viewer shows it.

    The orientation in a file's EXIF data is applied, 16 bits are scaled to 8, grey becomes RGB,
    and what is transparent shows white.

    :param upright: whether orientation is applied; not where labels lie on the stored pixels.
    :return: (H,W,3) uint8 RGB.
    :raises InputError: if it is not an image of 8 or 16 bits, or is cut short.
    """
    return decode_image(read_bytes(path), path, upright)


def decode_image(data: bytes, source: object, upright: bool = True) -> np.ndarray:
    """
    Decode an image as :func:`read_image` does.

    :param source: where it is from, for the message.
    :return: (H,W,3) uint8 RGB.
    :raises InputError: if it is not an image of 8 or 16 bits.
    """
    image, limit = _decoded(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None and not limit:
        image = _decode_by_pillow(data)
    if image is None:
        raise InputError(f'{source}: {limit or _what_it_is(data)}')
    if not data.startswith(JPEG_START):
        stored = _scaled_pnm(data, decode(data, cv2.IMREAD_UNCHANGED))
        if stored is not None and stored.dtype not in (np.uint8, np.uint16):
            raise InputError(f'{source}: {_what_it_is(data)}, got {stored.dtype}')
        if stored is not None and stored.dtype == np.uint16 and 0 < stored.max() < TWELVE_BITS:
            warnings.warn(f'{source}: its values reach {stored.max()} of 65535, so it is seen '
                          'nearly black: it may hold 10 or 12 bits; multiply them to fill 16',
                          DataWarning, stacklevel=2)
        if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
            image = _over_white(stored)
        elif largest_of_pnm(data):
            image = cv2.convertScaleAbs(stored, alpha=255 / np.iinfo(stored.dtype).max)
            image = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    image = _turned(image, _orientation(data)) if upright else image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _orientation(data: bytes) -> int:
    """Tell how EXIF data say that an image is to be turned; 1 is not at all."""
    try:
        with opened_by_pillow(BytesIO(data)) as image:  # Whatever decodes a TIFF has turned it.
            return 1 if image.format == 'TIFF' else image.getexif().get(ORIENTATION, 1)
    except Exception:  # Damage can make anything of a reader.
        return 1


def _turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (H,W,3) as EXIF's number says; one that is none leaves it."""
    if orientation in (5, 6, 7, 8):  # Stored by columns.
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def largest_of_pnm(data: bytes) -> int:
    """
    Tell which value is the largest in a picture of netpbm.

    :return: as its head says; 0 for a picture of another kind.
    """
    found = PNM_HEAD.match(data)
    return int(found[1]) if found else 0


def _scaled_pnm(data: bytes, stored: np.ndarray | None) -> np.ndarray | None:
    """Let the largest value that a picture of netpbm may have be that of its type."""
    largest = largest_of_pnm(data)
    if stored is None or not largest:
        return stored
    most = np.iinfo(stored.dtype).max
    return np.minimum(np.rint(stored * (most / largest)), most).astype(stored.dtype)


def lossy_format(data: bytes) -> str:
    """Say what a picture is if its values are not those that were stored; else nothing."""
    if data.startswith(JPEG_START):
        return 'a JPEG'
    if data[8:12] == b'WEBP' and b'VP8L' not in data[:LARGEST_HEAD]:
        return 'a lossy WebP'
    return 'an AVIF' if data[4:8] == b'ftyp' else ''


def is_stored_as_seen(path: Path, image: np.ndarray) -> bool:
    """
    Tell whether a file may be copied for an image: all programs show it so, turned by none.

    :param path: it was read from, by :func:`read_image`.
    :param image: (H,W,3) uint8 RGB.
    """
    return path.suffix.lower() in COMMON_SUFFIXES and all(
        np.array_equal(read_image(path, upright), image) for upright in (False, True))


def read_stored(path: Path) -> np.ndarray:
    """
    Read the values of a picture that is no photograph, such as depth.

    :return: (H,W) or (H,W,C), of the type that is stored; colours as RGB.
    :raises InputError: if it cannot be decoded, or is cut short.
    """
    data = read_bytes(path)
    pixels, limit = _decoded(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise InputError(f'{path}: {limit or _what_it_is(data)}')
    return pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][:pixels.shape[2]]]


def is_heic(data: bytes) -> bool:
    """Tell whether a file is a photograph as iPhones save it, whatever its name says."""
    return data[4:8] == b'ftyp' and data[8:12] in HEIF_BRANDS and b'avif' not in data[8:40]


@contextmanager
def opened_by_pillow(file: BinaryIO, formats: Sequence[str] | None = None) -> Iterator[Any]:
    """
    Open a picture by Pillow, with as many pixels as OpenCV reads and no warning below that.

    :param formats: those that are tried, by Pillow's names; None for all.
    :raises Exception: if it is none, or larger.
    """
    from PIL import Image

    # Not by a filter of warnings: each change of these makes Python tell all of them anew.
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        image = Image.open(file, formats=formats)
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    with image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(TOO_MANY_PIXELS)
        yield image


def _decode_by_pillow(data: bytes) -> np.ndarray | None:
    """Decode formats that older versions of OpenCV do not know; return (H,W,3) uint8 BGR."""
    try:
        with opened_by_pillow(BytesIO(data), NEWER_FORMATS) as image:
            return _over_white(np.array(image.convert('RGBA'))[..., [2, 1, 0, 3]])
    except Exception:  # Damage can make anything of a reader.
        return None


def picture_count(path: Path) -> int:
    """
    Count the pictures in a file: those of an animation, or the pages of a TIFF.

    :return: how many; 1 where nobody can tell.
    """
    try:
        with path.open('rb') as file, opened_by_pillow(file) as image:
            # A second one in a JPEG is a preview, or a map of brightness.
            return 1 if image.format in ('JPEG', 'MPO') else getattr(image, 'n_frames', 1)
    except Exception:  # Damage can make anything of a reader.
        return 1


def _what_it_is(data: bytes) -> str:
    if not data:
        return 'the file is empty'
    if data.startswith(LFS_START):
        return 'not the image, but a pointer of Git LFS to it: git lfs pull'
    return HEIC if is_heic(data) else 'not an image of 8 or 16 bits that OpenCV reads'


def _is_cut_short(data: bytes) -> bool:
    """Tell whether a JPEG or PNG lacks its end, of which OpenCV would make a half grey image."""
    if data.startswith(JPEG_START):
        end = data.rfind(JPEG_END)
        return end < 0 or end < data.rfind(JPEG_SCAN)
    return data.startswith(PNG_START) and PNG_END not in data


def _is_whole_png(data: bytes | np.ndarray) -> bool:
    """
    Go through a PNG's chunks.

    OpenCV allocates and clears whatever a damaged length or size claims, which takes seconds.
    """
    if zlib.crc32(data[PNG_HEADER]) != int.from_bytes(bytes(data[PNG_CHECKSUM]), 'big'):
        return False
    start = len(PNG_START)
    while start + 8 <= len(data):
        kind = bytes(data[start + 4:start + 8])
        start += 12 + int.from_bytes(bytes(data[start:start + 4]), 'big')
        if kind == PNG_END:
            return start <= len(data)
    return False


def _over_white(image: np.ndarray) -> np.ndarray:
    """Lay (H,W,4) BGRA of 8 or 16 bits over white; return (H,W,3) uint8 BGR."""
    largest = np.iinfo(image.dtype).max
    alpha = image[..., 3:].astype(np.float32) / largest
    color = image[..., :3].astype(np.float32) * (255 / largest)
    return np.rint(255 + alpha * (color - 255)).astype(np.uint8)
