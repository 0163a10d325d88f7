# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Latencies of the latest frames, and the rate at which they came."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic

import numpy as np

PUBLISHED_STAGES = ('wait', 'convert', 'preprocess', 'network', 'grouping', 'tracking', 'restore',
                    'callback', 'age')
"""Latencies of an InstanceArray, each in the field of that name with _ms behind it."""

PERCENTILES = (50, 95, 99)


class Latencies:
    """The latest values of each stage, in milliseconds; safe to use from several threads."""

    def __init__(self, window: int) -> None:
        """Begin without frames."""
        self._window = window
        self._lock = Lock()
        self._stages: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=window))
        self._times: deque[float] = deque(maxlen=window)

    def add(self, stage_ms: Mapping[str, float]) -> None:
        """
        Note one frame.

        :param stage_ms: stage name -> milliseconds; NaN where a stage could not be measured.
        """
        with self._lock:
            self._times.append(monotonic())
            for stage, milliseconds in stage_ms.items():
                if milliseconds == milliseconds:
                    self._stages[stage].append(milliseconds)

    def percentiles(self) -> dict[str, dict[str, float]]:
        """Summarise every stage: stage -> {'p50': ..., 'p95': ..., 'p99': ...} in milliseconds."""
        with self._lock:
            return summarise(self._stages)

    def rate(self, horizon: float = 5.0) -> float:
        """
        Tell how many frames a second there were lately.

        :return: frames a second; 0 with fewer than two frames.
        """
        with self._lock:
            now, times = monotonic(), list(self._times)
        if len(times) < 2:
            return 0.0
        recent = [time for time in times if now - time <= horizon]
        if len(recent) < 2:  # They take longer each, or have ended.
            interval = times[-1] - times[-2]
            return 1 / interval if now - times[-1] <= max(2 * interval, horizon) else 0.0
        return (len(recent) - 1) / max(recent[-1] - recent[0], 1e-9)


def summarise(stages: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """
    Compute the percentiles of each stage's values.

    :return: stage -> {'p50': ..., 'p95': ..., 'p99': ...}; stages without values are left out.
    """
    return {stage: {f'p{percent}': float(np.percentile(list(values), percent))
                    for percent in PERCENTILES}
            for stage, values in stages.items() if values}
