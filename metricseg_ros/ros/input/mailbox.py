# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A place for one frame of each camera: whoever is slow gets the newest, never a queue of old."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """
    Hand the newest item of each sender from one thread to another, the senders by turns.

    Who was served last waits for all others, so that no sender, however fast, holds up another,
    and one that sends nothing takes no turn. Those who ask have one turn together.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._items: dict[Hashable, Item] = {}
        self._turns: dict[str | None, int] = {}
        self._dropped: dict[str, int] = {}
        self._turn = 0
        self._closed = False

    def dropped(self, sender: str = '') -> int:
        """Count items replaced by a newer one of the same sender before anybody took them."""
        return self._dropped.get(sender, 0)

    def put(self, item: Item, sender: str | None = '') -> bool:
        """
        Leave an item, in place of the one of the same sender that lies there.

        :param sender: who sends it; None for one who asks, whose item is never replaced.
        :return: whether it was taken in, which a closed mailbox does not.
        """
        with self._changed:
            if self._closed:
                return False
            if sender is None:
                self._items[object()] = item
            else:
                self._replace(sender, item)
            self._changed.notify()
            return True

    def take(self, most: int = 1) -> list[Item]:
        """
        Wait for an item and take it, or several of different senders.

        :param most: how many are taken at most.
        :return: the newest item of each sender whose turn it is; none once the mailbox is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items)
            return [self._take_next() for _ in range(min(most, len(self._items)))]

    def close(self) -> list[Item]:
        """Let every taker go; return what lay there, which nobody will take any more."""
        with self._changed:
            left = list(self._items.values())
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
            return left

    def _replace(self, sender: str, item: Item) -> None:
        if sender in self._items:
            self._dropped[sender] = self.dropped(sender) + 1
        self._items[sender] = item

    def _take_next(self) -> Item:
        # Of those whose turn was at the same time, the one that has waited longest.
        key = min(self._items, key=lambda key: self._turns.get(_sender(key), 0))
        self._turn += 1
        self._turns[_sender(key)] = self._turn
        return self._items.pop(key)


def _sender(key: Hashable) -> str | None:
    return key if isinstance(key, str) else None
