# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What undo and redo go back and forth through."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
from metricseg_ros.inputs.codec import decode
from metricseg_ros.labelling.labels import Labels

MOST_STEPS = 500


@dataclass(frozen=True)
class Packed:
    """
    Labels in a hundredth of the memory.

    :param png: the label map.
    :param names: as in the labels.
    """

    png: bytes
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: Labels) -> Packed:
        """
        Pack labels.

        :param labels: the labels.
        :return: the same, compressed.
        """
        return cls(labels.png, labels.names)

    def unpacked(self) -> Labels:
        """Return the labels."""
        return Labels(decode(self.png, cv2.IMREAD_UNCHANGED), self.names)


@dataclass
class History:
    """
    The labels of an image as they are, as they were, and as they were before an undo.

    :ivar present: as they are.
    """

    present: Labels
    past: list[Packed] = field(default_factory=list)
    future: list[Packed] = field(default_factory=list)

    def change(self, labels: Labels) -> None:
        """
        Take a step; what was undone is forgotten.

        :param labels: what they become.
        """
        self.past = [*self.past[1 - MOST_STEPS:], Packed.of(self.present)]
        self.future, self.present = [], labels

    def undo(self) -> None:
        """Go a step back, if there is one."""
        if self.past:
            self.future.append(Packed.of(self.present))
            self.present = self.past.pop().unpacked()

    def redo(self) -> None:
        """Take a step again that was undone, if there is one."""
        if self.future:
            self.past.append(Packed.of(self.present))
            self.present = self.future.pop().unpacked()
