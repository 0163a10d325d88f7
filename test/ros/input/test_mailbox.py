# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mailbox holds the newest item of each sender, counts what it replaced, and is fair."""

from __future__ import annotations

from threading import Thread

from metricseg_ros.ros.input.mailbox import Mailbox


def test_only_the_newest_item_is_taken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(5):
        mailbox.put(number)
    assert mailbox.take() == [4]
    assert mailbox.dropped() == 4


def test_an_item_that_was_taken_is_not_dropped() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(5):
        mailbox.put(number)
        assert mailbox.take() == [number]
    assert mailbox.dropped() == 0


def test_who_waits_is_woken_by_an_item() -> None:
    mailbox: Mailbox[str] = Mailbox()
    taken: list[list[str]] = []
    waiting = Thread(target=lambda: taken.append(mailbox.take()))
    waiting.start()
    mailbox.put('frame')
    waiting.join(10)
    assert taken == [['frame']]


def test_closing_lets_who_waits_go() -> None:
    mailbox: Mailbox[str] = Mailbox()
    taken: list[list[str]] = []
    waiting = Thread(target=lambda: taken.append(mailbox.take()))
    waiting.start()
    mailbox.close()
    waiting.join(10)
    assert taken == [[]]


def test_a_closed_mailbox_takes_nothing_in() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put('old')
    assert mailbox.close() == ['old']
    assert not mailbox.put('late')
    assert mailbox.take() == []


def test_senders_take_turns_however_fast_one_is() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put('slow', 'slow')
    taken = []
    for number in range(4):
        mailbox.put(f'fast {number}', 'fast')
        if number == 2:
            mailbox.put('slow again', 'slow')
        taken += mailbox.take()
    assert taken == ['slow', 'fast 1', 'slow again', 'fast 3']


def test_one_that_sends_nothing_takes_no_turn() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(0, 'dead')
    mailbox.take()
    for number in range(3):
        mailbox.put(number, 'alive')
        assert mailbox.take() == [number]
    assert mailbox.dropped('alive') == mailbox.dropped('dead') == 0


def test_each_sender_drops_its_own() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(3):
        mailbox.put(number, 'left')
    mailbox.put(10, 'right')
    assert (mailbox.dropped('left'), mailbox.dropped('right')) == (2, 0)


def test_several_are_taken_at_once_but_one_of_each_sender() -> None:
    mailbox: Mailbox[str] = Mailbox()
    for sender in 'abc':
        mailbox.put(f'old {sender}', sender)
        mailbox.put(sender, sender)
    assert mailbox.take(2) == ['a', 'b']
    mailbox.put('a', 'a')
    assert mailbox.take(5) == ['c', 'a']


def test_those_who_ask_are_never_replaced_and_have_one_turn_together() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put('frame', 'camera')
    mailbox.take()
    mailbox.put('frame', 'camera')
    mailbox.put('request 1', None)
    mailbox.put('request 2', None)
    assert mailbox.take(3) == ['request 1', 'frame', 'request 2']
