# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One thread that takes frames from a mailbox; a frame that fails does not end it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import monotonic
from typing import Generic, TypeVar

from metricseg_ros.ros.input.mailbox import Mailbox

Item = TypeVar('Item')


class Worker(Generic[Item]):
    """Call a function with the newest frames, on a thread of its own."""

    def __init__(self, work: Callable[[list[Item]], None], on_error: Callable[[Exception], None],
                 most: Callable[[], int] = lambda: 1) -> None:
        """
        Start waiting for frames.

        :param on_error: told of every exception that `work` lets out; the worker goes on.
        :param most: tells how many frames `work` takes at once.
        """
        self.mailbox: Mailbox[Item] = Mailbox()
        self._work = work
        self._on_error = on_error
        self._most = most
        self._busy_since: float | None = None
        self._thread = Thread(target=self._run, name='segmenter-worker', daemon=True)
        self._thread.start()

    def busy_seconds(self) -> float:
        """Tell how long the worker has been at its present frames: seconds, 0 between frames."""
        since = self._busy_since
        return 0.0 if since is None else monotonic() - since

    def stop(self, timeout: float) -> bool:
        """
        Let the present frames be finished, and end; the mailbox is closed.

        :param timeout: longest time to wait for that, in seconds.
        """
        self.mailbox.close()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while items := self.mailbox.take(self._most()):
            self._busy_since = monotonic()
            try:
                self._work(items)
            except Exception as error:  # Whatever it is, the next frame may be a good one.
                self._on_error(error)
            self._busy_since = None
            del items  # An image waits for its successor otherwise.
