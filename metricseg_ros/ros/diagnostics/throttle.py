# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Say a thing once, and count how often it would have been said again."""

from __future__ import annotations

from collections.abc import Callable
import re
from threading import Lock
from time import monotonic

PERIOD = 30.0
"""Time before the same thing is said again, in seconds."""

MOST_KINDS = 100
"""Kinds of text remembered; a stream of ever new ones must not fill the memory."""


class ThrottledLog:
    """
    Log each different text at most once in a period; texts may differ by more than their numbers.

    rclpy throttles by line of code, so that of two different complaints from one line only the
    first is seen.
    """

    def __init__(self, log: Callable[[str], object], period: float = PERIOD,
                 clock: Callable[[], float] = monotonic) -> None:
        """Begin with nothing said."""
        self._log = log
        self.period = period
        self._clock = clock
        self._lock = Lock()
        self._said: dict[str, tuple[float, int]] = {}

    def __call__(self, text: str) -> None:
        """Log a text, or only count it if it was logged within the period."""
        now, kind = self._clock(), re.sub(r'\d+', '#', text)
        with self._lock:
            repeated = 0
            if kind in self._said:
                time, repeated = self._said[kind]
                if now - time < self.period:
                    self._said[kind] = time, repeated + 1
                    return
            elif len(self._said) >= MOST_KINDS:
                self._said.clear()
            self._said[kind] = now, 0
        self._log(f'{text} ({repeated} more of these since)' if repeated else text)
