# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images that wait for their depth, for as long as may be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

from metricseg_ros.inputs.depth_buffer import DepthBuffer, Found

Item = TypeVar('Item')

MOST_WAITING = 10
"""Images that wait; each holds its pixels."""


@dataclass(frozen=True)
class _Entry(Generic[Item]):
    item: Item
    stamp: Any
    until: float
    found: Found | None


class Waiting(Generic[Item]):
    """A queue of images; its owner sees to it that one thread uses it at a time."""

    def __init__(self, images: DepthBuffer, let_go: Callable[[Item], None]) -> None:
        """
        Begin empty.

        :param images: where depth is looked for.
        :param let_go: told of each image that makes room for a newer one.
        """
        self._images = images
        self._let_go = let_go
        self._entries: deque[_Entry[Item]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, item: Item, stamp: Any, until: float, found: Found | None = None) -> None:
        """
        Let an image wait; the oldest of too many makes room.

        :param until: how long it waits at most, by the steady clock, in seconds.
        :param found: its depth, if that is known already.
        """
        if len(self._entries) == MOST_WAITING:
            self._let_go(self._entries.popleft().item)
        self._entries.append(_Entry(item, stamp, until, found))

    def take(self, maximum_difference: float) -> tuple[Item, Found] | None:
        """
        Take the newest image whose depth is there or will not come; older ones are let go.

        :param maximum_difference: between the stamps of both, in seconds.
        :return: the image, and what was found; None while all have to wait.
        """
        for entry in reversed(self._entries):
            found = entry.found or self._images.find(entry.stamp, maximum_difference)
            if entry.found or found.is_final or monotonic() >= entry.until:
                while (left := self._entries.popleft()) is not entry:
                    self._let_go(left.item)
                return entry.item, found
        return None

    def remaining(self) -> float | None:
        """
        Tell when the next image has waited long enough.

        :return: seconds from now; None while nobody waits.
        """
        return min((entry.until - monotonic() for entry in self._entries), default=None)

    def clear(self) -> list[Item]:
        """Let nobody wait any more."""
        items = [entry.item for entry in self._entries]
        self._entries.clear()
        return items
