# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The compact exact form of a mask: its crop, one bit a pixel.

The fields are those of metricseg_msgs/msg/Mask, so every function here takes the message as well;
`metricseg_msgs/mask.hpp` is the same codec for C++.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class MaskFields(Protocol):
    """
    What a packed mask consists of, as here or as in metricseg_msgs/msg/Mask.

    `row` and `column` place the crop's top left pixel in the image, `height` and `width` are the
    crop's size in pixels, `bits` its height * ceil(width / 8) bytes.
    """

    row: int
    column: int
    height: int
    width: int
    bits: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A mask's crop with its pixels packed row by row, each row padded to a byte, MSB first."""

    row: int
    column: int
    height: int
    width: int
    bits: NDArray[np.uint8]


def pack(mask: NDArray[np.bool_]) -> PackedMask:
    """
    Pack a mask, cropped to its bounding box.

    :param mask: (H,W) bool, at the image's size
    :return: the packed mask; 0 x 0 pixels at row 0, column 0 if no pixel is set
    :raises TypeError: if the mask is not of bool
    :raises ValueError: if the mask is not two-dimensional
    """
    if mask.dtype != np.bool_:
        raise TypeError(f'mask must be of bool, got {mask.dtype}')
    if mask.ndim != 2:
        raise ValueError(f'mask must have shape (H, W), got {mask.shape}')
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return PackedMask(0, 0, 0, 0, np.zeros(0, np.uint8))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    bits = np.packbits(mask[top:bottom, left:right], axis=1).ravel()
    return PackedMask(top, left, bottom - top, right - left, bits)


def unpack_crop(packed: MaskFields) -> NDArray[np.bool_]:
    """
    Unpack the crop alone.

    :param packed: a packed mask or a metricseg_msgs/msg/Mask
    :return: (packed.height, packed.width) bool
    :raises ValueError: if the number of bytes is not what the size asks for
    """
    height, width = packed.height, packed.width
    bytes_per_row = (width + 7) // 8
    if len(packed.bits) != height * bytes_per_row:
        raise ValueError(f'mask of {height} x {width} pixels must have {height * bytes_per_row} '
                         f'bytes of bits, got {len(packed.bits)}')
    rows = np.asarray(packed.bits, dtype=np.uint8).reshape(height, bytes_per_row)
    return np.unpackbits(rows, axis=1, count=width).view(np.bool_)


def unpack(packed: MaskFields, image_size: tuple[int, int]) -> NDArray[np.bool_]:
    """
    Unpack a mask at the image's size.

    :param packed: a packed mask or a metricseg_msgs/msg/Mask
    :param image_size: (height, width) of the image in pixels
    :raises ValueError: if the mask is inconsistent or does not lie inside the image
    """
    bottom, right = packed.row + packed.height, packed.column + packed.width
    if bottom > image_size[0] or right > image_size[1] or min(packed.row, packed.column) < 0:
        raise ValueError(
            f'mask of {packed.height} x {packed.width} pixels at row {packed.row}, column '
            f'{packed.column} must lie inside the image, got an image of '
            f'{image_size[0]} x {image_size[1]}')
    mask = np.zeros(image_size, np.bool_)
    mask[packed.row:bottom, packed.column:right] = unpack_crop(packed)
    return mask
