# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Opening a segmenter for a command, which has time, and whose user wants to know what runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from metricseg_ros.backends import Backend, ExecutionReport
from metricseg_ros.backends.gpus import found_gpu
from metricseg_ros.config import BackendConfig, SegmenterConfig
import numpy as np

if TYPE_CHECKING:
    from metricseg_ros.segmenter import InstanceSegmenter

TELL_S = 5.0
"""Time between two lines of progress, in seconds."""


def open_segmenter(config: SegmenterConfig) -> InstanceSegmenter:
    """
    Open a segmenter that runs on one backend from its first image to its last.

    It is told on stderr if that is not the one asked for, or leaves a GPU unused.
    """
    from metricseg_ros.segmenter import InstanceSegmenter

    segmenter = InstanceSegmenter.from_config(config)
    if wait_for_best_backend(segmenter.backend):
        segmenter.segment(np.zeros((*segmenter.input_size, 3), np.uint8))
    if is_other(segmenter.backend.report, config.backend):
        print(f'metricseg: running on {segmenter.backend.report}', file=sys.stderr)
    return segmenter


def wait_for_best_backend(backend: Backend) -> bool:
    """
    Wait for a better backend that is being prepared, and tell its progress on stderr.

    :return: whether there was anything to wait for; then the next image decides which one stays.
    """
    from metricseg_ros.backends.standby import StandbyBackend

    if not isinstance(backend, StandbyBackend):
        return False
    while not backend.wait(TELL_S):
        print(f'metricseg: {backend.progress}', file=sys.stderr)
    return True


def is_other(report: ExecutionReport, asked: BackendConfig) -> bool:
    """Tell whether something else runs than a user expects."""
    return (asked.name not in ('auto', report.backend)
            or (asked.device_policy != 'cpu' and report.device == 'cpu' and bool(found_gpu())))
