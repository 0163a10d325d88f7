# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small computations stay on one thread, however deep they call each other."""

from __future__ import annotations

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
