# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Damaging files at random, in a process of its own, which shall end well whatever it reads."""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import resource
import signal
import subprocess
import sys
import time

import numpy as np

HANGING_S = 20
"""Seconds after which the reading of one file counts as hanging."""

MOST_MEMORY = 6 * 2**30


def run_apart(module: str, folder: Path, limit_s: float) -> str:
    """
    Run a module of the tests in a process of its own.

    :return: what it printed.
    """
    start = time.monotonic()
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path),
                   'PYTHONFAULTHANDLER': '1', 'OPENCV_LOG_LEVEL': 'SILENT',
                   'OPENCV_FFMPEG_LOGLEVEL': '-8'}
    done = subprocess.run([sys.executable, '-W', 'ignore', '-m', module, str(folder)],
                          capture_output=True, env=environment, timeout=10 * limit_s,
                          text=True, errors='replace')
    told = done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0 and 'Traceback' not in told, told
    assert time.monotonic() - start < limit_s, told
    return done.stdout


def limit_process() -> None:
    """Let a file that asks for all memory fail."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def in_time(read: Callable[[], None]) -> None:
    """Do something; end the process by its alarm if that takes too long."""
    signal.alarm(HANGING_S)
    read()
    signal.alarm(0)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut, flip, clear, repeat or insert some bytes."""
    changed = bytearray(data)
    if not changed:
        return rng.bytes(20)
    place, length = int(rng.integers(len(changed))), int(rng.integers(1, 40))
    kind = rng.integers(5)
    if kind == 0:
        return bytes(changed[:place])
    if kind == 1:
        for each in rng.integers(len(changed), size=rng.integers(1, 9)):
            changed[each] = rng.integers(256)
    elif kind == 2:
        changed[place:place + length] = bytes(len(changed[place:place + length]))
    elif kind == 3:
        changed[place:place] = changed[place:place + length]
    else:
        changed[place:place] = rng.bytes(length)
    return bytes(changed)
