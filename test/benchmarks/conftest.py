# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Running a benchmark as its user does."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
from typing import Any

from benchmarks.command import main
from metricseg_ros.cli.exit_codes import DONE
import pytest


@pytest.fixture
def report_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Give a function that runs a benchmark by its name and words, and returns its JSON."""
    def run(name: str, *words: str) -> dict[str, Any]:
        path = tmp_path / 'report.json'
        assert main(name, [*words, '--json', str(path)]) == DONE
        return json.loads(path.read_text())
    return run
