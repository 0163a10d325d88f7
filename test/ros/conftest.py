# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the tests over ROS share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope='session')
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a model that knows colours."""
    from ros.colour_model import write_colour_model
    return write_colour_model(tmp_path_factory.mktemp('models') / 'colours')


@pytest.fixture(scope='session')
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a model that takes its time, as a real one on a small machine."""
    from ros.colour_model import write_colour_model
    return write_colour_model(tmp_path_factory.mktemp('models') / 'slow', burden=8)


@pytest.fixture
def start() -> Iterator[Callable[..., Any]]:
    """Give a function that starts a node now and ends it after the test."""
    with ExitStack() as stack:
        def started(node: Any) -> Any:
            stack.callback(node.close)
            return node
        yield started
