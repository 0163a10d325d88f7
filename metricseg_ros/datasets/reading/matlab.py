# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Numbers and structures in MATLAB's files of version 5 to 7, which SBD consists of.

scipy.io reads them too, but ends the process where a file is damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
import struct
from typing import Any
import zlib

import numpy as np

HEAD = 128
MATRIX, COMPRESSED = 14, 15
STRUCTURE = 2
TYPES = {1: 'i1', 2: 'u1', 3: '<i2', 4: '<u2', 5: '<i4', 6: '<u4', 7: '<f4', 9: '<f8', 12: '<i8',
         13: '<u8'}
"""How numbers are stored, by the number of their type."""

NUMERIC = range(6, 16)
"""Classes of arrays that hold numbers."""


def read_matlab(data: bytes) -> dict[str, Any]:
    """
    Read the variables of a file.

    :return: name -> array of numbers, mapping of a structure's fields, or None for what is
        neither.
    :raises ValueError: if it is damaged, or of another version or byte order.
    """
    if data[126:128] != b'IM' or not data.startswith(b'MATLAB 5.0'):
        raise ValueError('not a MATLAB file of version 5 to 7')
    variables: dict[str, Any] = {}
    try:
        for kind, content in _elements(data[HEAD:]):
            if kind == COMPRESSED:
                kind, content = next(_elements(zlib.decompress(content)))
            if kind == MATRIX:
                name, value = _matrix(content)
                variables[name] = value
    except (struct.error, zlib.error, LookupError, ValueError, RecursionError,
            StopIteration) as error:
        raise ValueError(f'a damaged MATLAB file: {error}') from None
    return variables


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each element; those of up to 4 bytes have a shorter head."""
    position = 0
    while position + 8 <= len(data):
        kind, size = struct.unpack_from('<II', data, position)
        start = position + 8
        if kind >> 16:
            kind, size, start = kind & 0xffff, kind >> 16, position + 4
        if start + size > len(data):
            raise ValueError('an element is cut short')
        yield kind, data[start:start + size]
        position = start + size + (0 if kind == COMPRESSED else -(start + size) % 8)


def _matrix(data: bytes) -> tuple[str, Any]:
    (_, flags), (_, shape), (_, name), *parts = _elements(data)
    size = np.frombuffer(shape, '<i4')
    if flags[0] == STRUCTURE and size.prod() == 1:
        length = struct.unpack('<i', parts[0][1])[0]
        names = [parts[1][1][start:start + length].split(b'\0')[0].decode()
                 for start in range(0, len(parts[1][1]), max(1, length))]
        fields = [_matrix(content)[1] for kind, content in parts[2:] if kind == MATRIX]
        return name.decode(), dict(zip(names, fields))
    if flags[0] not in NUMERIC:
        return name.decode(), None
    kind, content = parts[0]
    return name.decode(), np.frombuffer(content, TYPES[kind]).reshape(size, order='F')
