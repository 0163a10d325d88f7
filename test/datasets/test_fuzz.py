# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a label file holds, it is read or refused; the process lives."""

from __future__ import annotations

import ast
from pathlib import Path

from datasets.fuzz_labels import EACH
from fuzzing import run_apart
import pytest


@pytest.mark.timeout(900)
def test_mutations_of_label_files_are_read_or_refused(tmp_path: Path) -> None:
    outcomes, sets = ast.literal_eval(
        run_apart('datasets.fuzz_labels', tmp_path, 300).splitlines()[-1])
    assert sum(outcomes.values()) == EACH * sets
    assert min(outcomes['read'], outcomes['refused']) > EACH * sets / 10
