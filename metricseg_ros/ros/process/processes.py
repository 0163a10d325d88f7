# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Start nodes as processes of their own, in a ROS domain of their own, and end them together."""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import signal
import subprocess
import sys
from time import monotonic, sleep
from types import TracebackType
from typing import Any

from metricseg_ros.ros.process.domain import Domain

LOG_LINES = 15
"""Lines of a process's log that are shown when it failed."""


class ProcessError(RuntimeError):
    """A node that failed or did not answer; carries the end of its log."""


class Processes:
    """
    A few nodes that see each other and nobody else.

    :ivar environment: the variables that bring this about, for a process that wants to see them.
    """

    def __init__(self, logs: Path) -> None:
        """Choose the domain."""
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._domain = Domain()
        self.environment = {'ROS_DOMAIN_ID': str(self._domain.number),
                            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
        self._names: dict[subprocess.Popen, str] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        """Interrupt what still runs, as Ctrl-C does, and wait for it."""
        for process in self._names:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._names:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._domain.close()

    def start(self, module: str, *arguments: Any, show: bool = False) -> subprocess.Popen:
        """
        Start a node.

        :param show: whether its standard output goes to this process's, not to its log.
        """
        name = module.rsplit('.', 1)[-1]
        with open(self._logs / f'{name}.log', 'w') as log:
            process = subprocess.Popen(
                [sys.executable, '-m', module, *map(str, arguments)],
                env={**os.environ, **self.environment},
                stdout=None if show else log, stderr=log, start_new_session=True)
        self._names[process] = name
        return process

    def wait_for(self, done: Callable[[], bool], process: subprocess.Popen,
                 seconds: float) -> None:
        """
        Wait for something that a node brings about.

        :raises ProcessError: if the node ends or the time is over before.
        """
        end = monotonic() + seconds
        while not done():
            if process.poll() is not None and not done():
                raise ProcessError(f'{self._names[process]} ended with code '
                                   f'{process.returncode}:\n{self.log_of(process)}')
            if monotonic() > end:
                raise ProcessError(f'{self._names[process]} is not there after {seconds:.0f} s:\n'
                                   f'{self.log_of(process)}')
            sleep(0.05)

    def log_of(self, process: subprocess.Popen) -> str:
        """Read what a node printed last: the last lines of its log."""
        lines = (self._logs / f'{self._names[process]}.log').read_text().splitlines()
        return '\n'.join(lines[-LOG_LINES:])
