# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all, whatever befalls their writer or the disk."""

from __future__ import annotations

from contextlib import suppress
import hashlib
import os
from pathlib import Path

SEAL_BYTES = 32
LONGEST_PART = 200
"""Bytes of a file's name that the name of its beginning takes over; both may have 255."""


def is_utf8(path: Path) -> bool:
    """Tell whether a name is UTF-8; at any other OpenCV's own functions end the process."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def write_atomically(path: Path, content: bytes) -> None:
    """
    Write a file so that it is there whole or not at all; until then the one before stays.

    :param path: where; its folder exists.
    :raises OSError: if it cannot be written.
    """
    name = os.fsdecode(os.fsencode(path.name)[:LONGEST_PART])
    partial = path.with_name(f'.{name}.{os.getpid()}.partial')
    try:
        with open(partial, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:  # An interrupt too.
        partial.unlink(missing_ok=True)
        raise


def write_with_checksum(path: Path, content: bytes) -> None:
    """Write a file for :func:`read_with_checksum`; where it cannot be written nothing happens."""
    with suppress(OSError):
        write_atomically(path, hashlib.sha256(content).digest() + content)


def read_with_checksum(path: Path) -> bytes:
    """
    Read a file of :func:`write_with_checksum`.

    :return: its content; empty if it is not there or not as it was written.
    """
    try:
        whole = path.read_bytes()
    except OSError:
        return b''
    seal, content = whole[:SEAL_BYTES], whole[SEAL_BYTES:]
    return content if hashlib.sha256(content).digest() == seal else b''
