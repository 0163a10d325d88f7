# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The worker survives frames that fail, tells of them, and ends after the frame in work."""

from __future__ import annotations

from threading import Event

from metricseg_ros.ros.frames.worker import Worker


def test_a_frame_that_fails_is_told_and_the_next_one_is_worked_on() -> None:
    done, errors = Event(), []

    def work(frames: list[str]) -> None:
        if frames == ['bad']:
            raise KeyError(frames[0])
        done.set()

    def complain(error: Exception) -> None:
        errors.append(error)
        worker.mailbox.put('good')

    worker = Worker(work, complain)
    worker.mailbox.put('bad')
    assert done.wait(10)
    assert worker.stop(timeout=30)
    assert [type(error) for error in errors] == [KeyError]


def test_stopping_lets_the_frame_in_work_be_finished() -> None:
    begun, finish, finished = Event(), Event(), Event()

    def work(_frames: list[str]) -> None:
        begun.set()
        finish.wait(10)
        finished.set()

    worker = Worker(work, lambda _error: None)
    worker.mailbox.put('frame')
    assert begun.wait(10)
    assert worker.busy_seconds() > 0
    assert not worker.stop(timeout=0.01)
    finish.set()
    assert worker.stop(timeout=30)
    assert finished.is_set()
    assert worker.busy_seconds() == 0
