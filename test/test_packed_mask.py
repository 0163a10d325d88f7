# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The packed mask: exact, cropped, and particular about what it unpacks."""

from __future__ import annotations

import array
from dataclasses import replace

from metricseg_ros.packed_mask import pack, PackedMask, unpack, unpack_crop
import numpy as np
import pytest

SIZES = [(1, 1), (1, 8), (8, 1), (5, 7), (5, 9), (16, 16), (33, 131)]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('density', [0.02, 0.5, 0.98])
def test_random_mask_survives_packing(
        rng: np.random.Generator, size: tuple[int, int], density: float) -> None:
    mask = rng.random(size) < density
    np.testing.assert_array_equal(unpack(pack(mask), size), mask)


def test_hole_survives_packing() -> None:
    ring = np.ones((9, 11), bool)
    ring[3:6, 4:7] = False
    np.testing.assert_array_equal(unpack(pack(ring), ring.shape), ring)


def test_crop_is_the_bounding_box() -> None:
    mask = np.zeros((20, 30), bool)
    mask[4, 25] = mask[17, 6] = True
    packed = pack(mask)
    assert (packed.row, packed.column, packed.height, packed.width) == (4, 6, 14, 20)


def test_empty_mask_is_zero_by_zero() -> None:
    packed = pack(np.zeros((4, 5), bool))
    assert (packed.row, packed.column, packed.height, packed.width) == (0, 0, 0, 0)
    assert packed.bits.size == 0
    assert not unpack(packed, (4, 5)).any()


def test_image_without_pixels_packs_to_an_empty_mask() -> None:
    assert unpack(pack(np.zeros((0, 7), bool)), (0, 7)).shape == (0, 7)


def test_first_pixel_is_the_most_significant_bit_and_rows_begin_on_bytes() -> None:
    mask = np.zeros((2, 9), bool)
    mask[0, [0, 2, 8]] = True
    mask[1, 7] = True
    assert pack(mask).bits.tolist() == [0b10100000, 0b10000000, 0b00000001, 0b00000000]


def test_padding_is_zero() -> None:
    assert pack(np.ones((3, 3), bool)).bits.tolist() == [0b11100000] * 3


def test_crop_unpacks_to_the_pixels_of_the_bounding_box(rng: np.random.Generator) -> None:
    crop = rng.random((6, 23)) < 0.9
    crop[0, 0] = crop[-1, -1] = True
    mask = np.zeros((12, 40), bool)
    mask[3:9, 5:28] = crop
    np.testing.assert_array_equal(unpack_crop(pack(mask)), crop)


@pytest.mark.parametrize('number', [5, 7, 0])
def test_wrong_number_of_bytes_is_named(number: int) -> None:
    packed = PackedMask(0, 0, 3, 10, np.zeros(number, np.uint8))
    with pytest.raises(ValueError, match=f'3 x 10 pixels must have 6 bytes of bits, got {number}'):
        unpack(packed, (3, 10))


@pytest.mark.parametrize(
    'place', [{'row': 2}, {'column': 6}, {'row': 2**32 - 1}, {'row': -1}, {'column': -1}])
def test_mask_outside_of_the_image_is_refused(place: dict[str, int]) -> None:
    packed = pack(np.ones((4, 5), bool))
    unpack(replace(packed, row=1, column=5), (5, 10))
    with pytest.raises(ValueError, match='must lie inside the image, got an image of 5 x 10'):
        unpack(replace(packed, **place), (5, 10))


def test_mask_of_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match='must be of bool, got uint8'):
        pack(np.ones((2, 2), np.uint8))


def test_mask_of_three_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match=r'shape \(H, W\), got \(1, 2, 2\)'):
        pack(np.ones((1, 2, 2), bool))


@pytest.mark.ros
def test_message_unpacks_as_the_packed_mask(rng: np.random.Generator) -> None:
    from metricseg_msgs.msg import Mask
    mask = rng.random((23, 37)) < 0.5
    packed = pack(mask)
    message = Mask(row=packed.row, column=packed.column, height=packed.height,
                   width=packed.width, bits=array.array('B', packed.bits.tobytes()))
    np.testing.assert_array_equal(unpack(message, (23, 37)), mask)
