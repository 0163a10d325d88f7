# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A place for one frame: whoever is slow gets the newest one, never a queue of old ones."""

from __future__ import annotations

from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """Hand the newest item from one thread to another, and count the items that were replaced."""

    def __init__(self) -> None:
        """Begin empty and open."""
        self._changed = Condition()
        self._item: Item | None = None
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items replaced by a newer one before anybody took them."""
        return self._dropped

    def put(self, item: Item) -> None:
        """
        Leave an item, in place of the one that lies there.

        :param item: anything but None; ignored once the mailbox is closed.
        """
        with self._changed:
            if self._closed:
                return
            self._dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self) -> Item | None:
        """
        Wait for an item and take it.

        :return: the newest item, or None once the mailbox is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._item is not None)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Discard what lies there and let every taker go."""
        with self._changed:
            self._closed, self._item = True, None
            self._changed.notify_all()
