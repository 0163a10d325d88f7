# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Threads that do not stand in each other's way.

The products of grouping take microseconds. Shared among threads they wait for each other, and on a
robot, where other nodes hold the cores, each wait can cost a time slice of the scheduler: measured
here, 6 ms of grouping became 250. Threads that spin while they wait take the very core that the
one they wait for needs: beside other work on two cores a step of training took 30 s in place of 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import functools
import os
from threading import local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


_within = local()


def let_waiting_threads_sleep() -> None:
    """Let OpenMP, and so torch, not spin, unless the user wants it; before torch loads."""
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let BLAS and OpenMP, and so NumPy and torch, use one thread; also a decorator."""
    if getattr(_within, 'single', False):  # By whoever called this, and setting it again costs.
        yield
        return
    _within.single = True
    try:
        with _controller().limit(limits=1):
            yield
    finally:
        _within.single = False


@functools.cache
def _controller() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds, setting them microseconds.
    from threadpoolctl import ThreadpoolController
    return ThreadpoolController()
