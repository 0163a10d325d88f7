# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How a benchmark runs as `scripts/run python -m benchmarks.NAME`: as a verb of metricseg does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module

from metricseg_ros.cli.main import exit_code
from metricseg_ros.cli.verbs import read_arguments


def main(name: str, argv: Sequence[str] | None = None) -> int:
    """
    Run a benchmark.

    :param name: of its module; with `add_arguments` and `run`, as a verb has them.
    :param argv: its arguments; None takes those of the process.
    """
    module = import_module(f'benchmarks.{name}')
    return exit_code(partial(read_arguments, module.__name__, module), argv)
