# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mailbox holds the newest item only, and counts those it replaced."""

from __future__ import annotations

from threading import Thread

from metricseg_ros.ros.mailbox import Mailbox


def test_only_the_newest_item_is_taken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(5):
        mailbox.put(number)
    assert mailbox.take() == 4
    assert mailbox.dropped == 4


def test_an_item_that_was_taken_is_not_dropped() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(5):
        mailbox.put(number)
        assert mailbox.take() == number
    assert mailbox.dropped == 0


def test_who_waits_is_woken_by_an_item() -> None:
    mailbox: Mailbox[str] = Mailbox()
    taken: list[str | None] = []
    waiting = Thread(target=lambda: taken.append(mailbox.take()))
    waiting.start()
    mailbox.put('frame')
    waiting.join(10)
    assert taken == ['frame']


def test_closing_lets_who_waits_go() -> None:
    mailbox: Mailbox[str] = Mailbox()
    taken: list[str | None] = []
    waiting = Thread(target=lambda: taken.append(mailbox.take()))
    waiting.start()
    mailbox.close()
    waiting.join(10)
    assert taken == [None]


def test_a_closed_mailbox_takes_nothing_in() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put('old')
    mailbox.close()
    mailbox.put('late')
    assert mailbox.take() is None
