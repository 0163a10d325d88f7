# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small computations stay on one thread; threads that wait leave the cores to others."""

from __future__ import annotations

import os
import subprocess
import sys

from metricseg_ros.threads import single_threaded
import pytest
import torch


@pytest.fixture
def threads():
    """Give torch two threads, and what it had back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


def test_one_thread_within_and_as_many_as_before_after(threads: int) -> None:
    with single_threaded():
        assert torch.get_num_threads() == 1
        with single_threaded():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads


def test_an_error_ends_it_too(threads: int) -> None:
    with pytest.raises(KeyError), single_threaded():
        raise KeyError
    assert torch.get_num_threads() == threads
    with single_threaded():
        assert torch.get_num_threads() == 1


@pytest.mark.parametrize(('own', 'policy'), [({}, 'PASSIVE'),
                                             ({'OMP_WAIT_POLICY': 'active'}, 'ACTIVE')])
def test_threads_of_a_command_sleep_while_they_wait_unless_told_otherwise(
        own: dict[str, str], policy: str) -> None:
    command = 'import metricseg_ros.cli.main as cli; cli.main(["--help"]); import torch'
    inherited = {name: value for name, value in os.environ.items() if name != 'OMP_WAIT_POLICY'}
    done = subprocess.run([sys.executable, '-c', command], capture_output=True, text=True,
                          timeout=100, env={**inherited, 'OMP_DISPLAY_ENV': 'true', **own})
    assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr  # As libgomp says when it is loaded.
