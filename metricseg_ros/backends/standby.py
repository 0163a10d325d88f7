# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One backend serves while a better one is prepared; they change places between two images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Thread

from metricseg_ros.backends.backend import Backend, ExecutionReport, Output
from metricseg_ros.preprocess import DepthTensors
from metricseg_ros.structures import NetworkOutput
from torch import Tensor

Prepare = Callable[[Callable[[str], None]], Backend]
"""Makes the better backend; is given what to tell its progress to."""


class StandbyBackend:
    """
    Runs a backend until a better one is ready.

    :ivar progress: what the better one waits for, in one line; empty once it runs or has failed.
    """

    def __init__(self, standby: Backend, prepare: Prepare, stop: Callable[[], None]) -> None:
        """
        Begin to prepare.

        :param standby: serves meanwhile.
        :param prepare: makes the better one, on a thread of its own.
        :param stop: makes `prepare` end early.
        """
        self.progress = 'preparing'
        self._serving, self._ready = standby, None
        self._prepare, self._stop, self._closed = prepare, stop, False
        self._thread = Thread(target=self._work, name='backend-preparation', daemon=True)
        self._thread.start()

    @property
    def report(self) -> ExecutionReport:
        """Say what runs now."""
        return self._serving.report

    @report.setter
    def report(self, report: ExecutionReport) -> None:
        self._serving.report = report

    @property
    def largest_batch(self) -> int:
        """Tell how many images what runs now takes at once."""
        return self._serving.largest_batch

    def run(self, tensor: Tensor, depth: DepthTensors | None = None) -> NetworkOutput:
        """Run the network on one image, on the better backend if it is ready."""
        return self.by_the_best(lambda backend: backend.run(tensor, depth))

    def run_batch(self, tensors: Tensor, depths: DepthTensors | None = None
                  ) -> list[NetworkOutput]:
        """Run the network on images of one size, on the better backend if it is ready."""
        return self.by_the_best(lambda backend: backend.run_batch(tensors, depths))

    def by_the_best(self, work: Callable[[Backend], Output]) -> Output:
        """
        Let the backend work that runs now; where a better one has become ready, that one.

        :param work: given the backend; tried again on the former where the better one fails.
        """
        if self._ready is None:
            return work(self._serving)
        better, self._ready = self._ready, None
        try:
            output = work(better)
        except Exception as error:  # The present one is there still.
            self._blame(error)
            better.close()
            return work(self._serving)
        before, self._serving = self._serving, better
        before.close()
        return output

    def close(self) -> None:
        """Stop preparing, and give back memory and device."""
        self._closed = True
        self._stop()
        self._thread.join()
        for backend in (self._serving, self._ready):
            if backend is not None:
                backend.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the better backend is ready or has failed; tell whether that is so."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._ready = self._prepare(self._tell)
        except Exception as error:  # Whatever it is, the present one goes on and says so.
            if not self._closed:
                self._blame(error)
        self.progress = ''

    def _blame(self, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        note = '; '.join(filter(None, (self.report.note, reason)))
        self.report = replace(self.report, note=note)

    def _tell(self, line: str) -> None:
        self.progress = line
