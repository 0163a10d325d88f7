# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The codecs of Python and C++ against each other, on a plain struct and on the message."""

from __future__ import annotations

from pathlib import Path
import shutil
import subprocess

from metricseg_ros.packed_mask import pack, PackedMask, unpack, unpack_crop
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CONSUMER = Path(__file__).with_name('codec')
INCLUDE = ROOT / 'metricseg_msgs' / 'include'
STRICT = ['-std=c++14', '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Werror', '-O1']
SANITIZED = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']


def masks() -> list[np.ndarray]:
    """
    Make masks with holes, odd widths, single pixels, none and all of them set.

    :return: (H,W) bool each
    """
    rng = np.random.default_rng(3)
    sizes = [(1, 1), (1, 7), (3, 8), (9, 9), (17, 31), (40, 65)]
    random = [rng.random(size) < density for size in sizes for density in (0.05, 0.5, 0.95)]
    ring = np.pad(np.ones((11, 13), bool), ((4, 2), (3, 9)))
    ring[7:10, 8:12] = False
    corner = np.zeros((6, 10), bool)
    corner[-1, -1] = True
    return [*random, ring, corner, np.zeros((5, 6), bool), np.ones((2, 16), bool)]


@pytest.fixture(scope='module', params=['struct', pytest.param('message', marks=pytest.mark.ros)])
def codec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the C++ codec from the source alone, and as a package that finds the messages."""
    folder = tmp_path_factory.mktemp('codec')
    compiler = shutil.which('c++') or shutil.which('g++') or shutil.which('clang++')
    if compiler is None:
        pytest.skip('THE C++ CODEC IS UNTESTED: no c++, g++ or clang++ on PATH')
    if request.param == 'message':
        _run('cmake', '-S', CONSUMER, '-B', folder)
        _run('cmake', '--build', folder)
        return folder / 'codec_with_message'
    _run(compiler, *STRICT, *SANITIZED, '-I', INCLUDE, CONSUMER / 'codec.cpp',
         '-o', folder / 'codec')
    return folder / 'codec'


@pytest.mark.parametrize('mask', masks(), ids=lambda mask: f'{mask.shape} {mask.mean():.2f}')
def test_cpp_packs_to_the_same_bytes(codec: Path, mask: np.ndarray) -> None:
    place, bits = _run(codec, 'pack', *mask.shape, stdin=mask.tobytes()).split(b'\n', 1)
    packed = pack(mask)
    assert [int(number) for number in place.split()] == [
        packed.row, packed.column, packed.height, packed.width]
    assert bits == packed.bits.tobytes()


@pytest.mark.parametrize('verb', ['unpack', 'contains'])
@pytest.mark.parametrize('mask', masks(), ids=lambda mask: f'{mask.shape} {mask.mean():.2f}')
def test_cpp_reads_what_python_packed(codec: Path, mask: np.ndarray, verb: str) -> None:
    pixels = _read(codec, verb, pack(mask), mask.shape)
    np.testing.assert_array_equal(np.frombuffer(pixels, bool).reshape(mask.shape), mask)


def test_cpp_reads_a_crop_without_its_image(codec: Path) -> None:
    for mask in masks():
        packed = pack(mask)
        pixels = _read(codec, 'unpack_crop', packed, (2**32 - 1, 2**32 - 1))
        assert pixels == unpack_crop(packed).tobytes()


def test_python_reads_what_cpp_packed(codec: Path) -> None:
    for mask in masks():
        place, bits = _run(codec, 'pack', *mask.shape, stdin=mask.tobytes()).split(b'\n', 1)
        packed = PackedMask(*map(int, place.split()), np.frombuffer(bits, np.uint8))
        np.testing.assert_array_equal(unpack(packed, mask.shape), mask)


def test_cpp_refuses_what_python_refuses_in_the_same_words(codec: Path) -> None:
    mask = pack(np.ones((3, 10), bool))
    short = PackedMask(0, 0, 3, 10, mask.bits[:-1])
    beyond = PackedMask(2**32 - 1, 1, 3, 10, mask.bits)
    for packed in (short, beyond):
        with pytest.raises(ValueError) as refusal:
            unpack(packed, (5, 20))
        with pytest.raises(subprocess.CalledProcessError) as failure:
            _read(codec, 'unpack', packed, (5, 20))
        assert failure.value.returncode == 3
        assert failure.value.stderr.decode() == str(refusal.value)


def test_cpp_refuses_a_crop_that_is_cut_short(codec: Path) -> None:
    packed = PackedMask(0, 0, 2**32 - 1, 2**32 - 1, np.ones(3, np.uint8))
    with pytest.raises(ValueError) as refusal:
        unpack_crop(packed)
    with pytest.raises(subprocess.CalledProcessError) as failure:
        _read(codec, 'unpack_crop', packed, (5, 20))
    assert failure.value.stderr.decode() == str(refusal.value)


def test_cpp_refuses_an_image_of_another_size(codec: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        _run(codec, 'pack', 4, 5, stdin=bytes(19))
    assert failure.value.stderr.decode() == 'pixels must be 4 x 5 bytes, got 19'


def _read(codec: Path, verb: str, packed: PackedMask, size: tuple[int, ...]) -> bytes:
    place = (packed.row, packed.column, packed.height, packed.width)
    return _run(codec, verb, *size, *place, stdin=packed.bits.tobytes())


def _run(*command: str | Path | int, stdin: bytes = b'') -> bytes:
    return subprocess.run([str(part) for part in command], input=stdin, check=True,
                          capture_output=True, timeout=100).stdout
