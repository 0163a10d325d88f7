# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whatever is in a recording or a video, what can be read of it is; the process lives."""

from __future__ import annotations

import ast
from pathlib import Path

from fuzzing import run_apart
from inputs.fuzz_recordings import COUNT
import pytest


@pytest.mark.timeout(900)
def test_damaged_recordings_and_videos_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    printed = run_apart('inputs.fuzz_recordings', tmp_path, 300)
    outcomes = ast.literal_eval(printed.splitlines()[-1])
    assert sum(outcomes.values()) == COUNT
    assert min(outcomes.get(kind, 0) for kind in ('all', 'some', 'none')) > COUNT / 50
