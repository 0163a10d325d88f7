# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: markers that skip what this machine lacks, and a ROS domain of its own."""

from __future__ import annotations

import fcntl
import importlib.util
import os
from pathlib import Path
import tempfile

import numpy as np
import pytest

pytest_plugins = ['model_fixtures']

# Domains above this collide with Linux's ephemeral ports.
HIGHEST_DOMAIN = 101
DOMAIN_LOCK = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep this run's nodes, and those of its child processes, to themselves."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    config.stash[DOMAIN_LOCK] = _take_domain()


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


def _take_domain() -> int:
    """
    Set ROS_DOMAIN_ID to a domain that no other test run on this machine uses.

    :return: the descriptor of the locked file that reserves the domain while it is open
    :raises RuntimeError: if all domains are taken
    """
    for domain in range(1, HIGHEST_DOMAIN + 1):
        path = Path(tempfile.gettempdir(), f'metricseg-ros-domain-{os.getuid()}-{domain}.lock')
        lock = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        os.environ['ROS_DOMAIN_ID'] = str(domain)
        return lock
    raise RuntimeError(f'all ROS domains from 1 to {HIGHEST_DOMAIN} are in use by other tests')


def _has_ros() -> bool:
    return all(importlib.util.find_spec(name) for name in ('rclpy', 'metricseg_msgs'))


def _has_gpu() -> bool:
    import torch
    return torch.cuda.is_available()
