# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Threads share one arena of glibc's allocator, unless the user says otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='needs glibc')

ARENAS_OF_THREADS = """
import ctypes
from threading import Barrier, Thread
barrier = Barrier(4)
def allocate():
    barrier.wait()
    kept = bytearray(100_000)
    barrier.wait()
threads = [Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b'w')))
libc.fflush(None)
"""


def arenas(code: str, **environment: str) -> int:
    clean = {name: value for name, value in os.environ.items() if name != 'MALLOC_ARENA_MAX'}
    report = subprocess.run([sys.executable, '-c', code + ARENAS_OF_THREADS], check=True,
                            capture_output=True, text=True, env={**clean, **environment}).stdout
    return report.count('<heap nr=')


def test_threads_of_a_node_share_one_arena() -> None:
    assert arenas('import metricseg_ros.ros') == 1


def test_without_it_they_would_not_and_the_user_has_the_last_word() -> None:
    assert arenas('') > 1
    assert arenas('import metricseg_ros.ros', MALLOC_ARENA_MAX='2') == 2
