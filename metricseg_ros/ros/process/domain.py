# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A ROS domain that nobody else on this machine uses."""

from __future__ import annotations

import fcntl
from pathlib import Path
import random
import tempfile
from typing import TextIO

HIGHEST_DOMAIN = 101
"""Domains above this collide with Linux's ephemeral ports."""


class Domain:
    """A reserved domain; it is free again once this is closed or its process has ended."""

    def __init__(self) -> None:
        """
        Reserve a domain, by a lock on a file that the tests of this package use too.

        :raises RuntimeError: if all are taken.
        """
        for number in random.sample(range(1, HIGHEST_DOMAIN + 1), HIGHEST_DOMAIN):
            lock = _locked(Path(tempfile.gettempdir(), f'metricseg-ros-domain-{number}.lock'))
            if lock is not None:
                self.number, self._lock = number, lock
                return
        raise RuntimeError(f'all ROS domains from 1 to {HIGHEST_DOMAIN} are in use')

    def close(self) -> None:
        """Free the domain."""
        self._lock.close()


def _locked(path: Path) -> TextIO | None:
    """Lock a file, unless another process has; None too if it belongs to another user."""
    try:
        lock = open(path, 'a')  # noqa: SIM115
    except PermissionError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
