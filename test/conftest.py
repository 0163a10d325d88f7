# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: markers that skip what this machine lacks, and a ROS domain of its own."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from metricseg_ros.ros.process.domain import Domain
import numpy as np
import pytest

pytest_plugins = ['model_fixtures']

DOMAIN = pytest.StashKey[Domain]()
LEFT_OUT: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    """Keep this run's nodes, and those of its child processes, to themselves."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    # Reserved while it is kept, against other workers of this run, and against other runs, demos
    # and benchmarks on this machine.
    config.stash[DOMAIN] = Domain()
    os.environ['ROS_DOMAIN_ID'] = str(config.stash[DOMAIN].number)
    if not _has_gpu():  # Triton looks at it when it is imported.
        os.environ.setdefault('TRITON_INTERPRET', '1')


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out files that are of ROS altogether where there is none: their imports would fail."""
    if _has_ros() or collection_path.suffix != '.py' or (
            'pytestmark = pytest.mark.ros' not in collection_path.read_text()):
        return None
    LEFT_OUT.append(collection_path)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell loudly what was left out."""
    if LEFT_OUT:
        terminalreporter.write_line('LEFT OUT: the tests of ROS, which need ROS 2 '
                                    'and the built packages: use scripts/test', yellow=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run the tests of a GPU one after the other: it is one, and its memory is measured."""
    return 1 if config.option.markexpr == 'gpu' else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs ROS 2 or a GPU where there is none."""
    if item.get_closest_marker('ros') and not _has_ros():
        pytest.skip('needs ROS 2 and the built packages: use scripts/test')
    if item.get_closest_marker('gpu') and not _has_gpu():
        pytest.skip('needs an NVIDIA GPU')


@pytest.fixture
def rng() -> np.random.Generator:
    """Give random numbers that are the same in every run."""
    return np.random.default_rng(0)


def _has_ros() -> bool:
    return all(importlib.util.find_spec(name) for name in ('rclpy', 'metricseg_msgs'))


def _has_gpu() -> bool:
    import torch
    return torch.cuda.is_available()
