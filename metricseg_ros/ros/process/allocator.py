# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How this process's memory is managed."""

from __future__ import annotations

from contextlib import suppress
import ctypes
import os

M_ARENA_MAX = -8
"""Number of the parameter in glibc's malloc.h."""


def share_one_arena() -> None:
    """
    Let all threads of this process take their memory from one arena, as MALLOC_ARENA_MAX=1 does.

    glibc gives threads arenas of their own, and what one leaves free no other can use. Images go
    from thread to thread here, so that every arena grows until it holds the worst case for itself.
    It works only before there are other threads, and only with glibc; MALLOC_ARENA_MAX, where it
    is set, goes before.
    """
    if 'MALLOC_ARENA_MAX' not in os.environ:
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
