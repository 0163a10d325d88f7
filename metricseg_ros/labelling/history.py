# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What undo and redo go back and forth through."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
from metricseg_ros.inputs.codec import decode
from metricseg_ros.labelling.labels import Labels

MOST_STEPS = 500


@dataclass(frozen=True)
class Packed:
    """
    Labels in a hundredth of the memory.

    :param png: the label map.
    """

    png: bytes
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: Labels) -> Packed:
        """Pack labels."""
        return cls(labels.png, labels.names)

    def unpacked(self) -> Labels:
        """Return the labels."""
        return Labels(decode(self.png, cv2.IMREAD_UNCHANGED), self.names)


@dataclass(frozen=True)
class History:
    """
    The labels of an image as they are, and the way there and back.

    :param past: what undo leads to, from the end.
    :param future: what redo leads to, from the end.
    """

    present: Labels
    past: tuple[Packed, ...] = ()
    future: tuple[Packed, ...] = ()

    def changed(self, labels: Labels) -> History:
        """Take a step; what was undone is forgotten."""
        return History(labels, (*self.past[1 - MOST_STEPS:], Packed.of(self.present)))

    def undone(self) -> History:
        """Go a step back, if there is one."""
        return self if not self.past else History(
            self.past[-1].unpacked(), self.past[:-1], (*self.future, Packed.of(self.present)))

    def redone(self) -> History:
        """Take a step again that was undone, if there is one."""
        return self if not self.future else History(
            self.future[-1].unpacked(), (*self.past, Packed.of(self.present)), self.future[:-1])
