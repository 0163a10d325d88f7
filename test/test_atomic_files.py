# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A file is there whole or not at all, whatever befalls its writer or the disk."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

from metricseg_ros.atomic_files import read_with_checksum, write_atomically, write_with_checksum
import pytest

FULL_DISK = """
import resource, sys
from pathlib import Path
from metricseg_ros.atomic_files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    write_atomically(Path(sys.argv[1]), bytes(20000))
except OSError as error:
    print(type(error).__name__)
"""


def test_a_file_replaces_the_one_before_and_nothing_else_is_left(tmp_path: Path) -> None:
    for content in (b'first', b'second', b''):
        write_atomically(tmp_path / 'file', content)
        assert (tmp_path / 'file').read_bytes() == content
        assert os.listdir(tmp_path) == ['file']


def test_a_full_disk_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    write_atomically(path, b'before')
    ended = subprocess.run([sys.executable, '-c', FULL_DISK, path], check=True,
                           capture_output=True, text=True)
    assert ended.stdout.strip() == 'OSError'
    assert path.read_bytes() == b'before' and os.listdir(tmp_path) == ['file']


def test_an_interrupt_leaves_the_file_before(tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / 'file'
    write_atomically(path, b'before')
    monkeypatch.setattr(os, 'fsync', interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b'after')
    assert path.read_bytes() == b'before' and os.listdir(tmp_path) == ['file']


def test_a_sealed_file_is_as_it_was_written_or_empty(tmp_path: Path) -> None:
    path = tmp_path / 'kernels'
    assert read_with_checksum(path) == b''
    write_with_checksum(path, b'compiled')
    assert read_with_checksum(path) == b'compiled'
    for damaged in (path.read_bytes()[:-1], path.read_bytes()[1:], b'', b'short'):
        path.write_bytes(damaged)
        assert read_with_checksum(path) == b''
    write_with_checksum(tmp_path / 'none' / 'kernels', b'compiled')  # Nobody is told.
