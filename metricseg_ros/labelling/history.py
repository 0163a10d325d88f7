# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What undo and redo go back and forth through."""

from __future__ import annotations

from dataclasses import dataclass, field
import zlib

from metricseg_ros.labelling.labels import Labels
import numpy as np

MOST_STEPS = 500


@dataclass(frozen=True)
class Packed:
    """
    Labels in a hundredth of the memory.

    :param content: the compressed label map.
    :param size: (height, width).
    :param names: as in the labels.
    """

    content: bytes
    size: tuple[int, int]
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: Labels) -> Packed:
        """
        Pack labels.

        :param labels: the labels.
        :return: the same, compressed.
        """
        return cls(zlib.compress(labels.label_map.tobytes(), 1), labels.label_map.shape,
                   labels.names)

    def unpacked(self) -> Labels:
        """Return the labels."""
        label_map = np.frombuffer(zlib.decompress(self.content), np.uint16).reshape(self.size)
        return Labels(label_map, self.names)


@dataclass
class History:
    """
    The labels of an image as they are, as they were, and as they were before an undo.

    :ivar present: as they are.
    """

    present: Packed
    past: list[Packed] = field(default_factory=list)
    future: list[Packed] = field(default_factory=list)

    def change(self, labels: Labels) -> None:
        """
        Take a step; what was undone is forgotten.

        :param labels: what they become.
        """
        self.past = [*self.past[1 - MOST_STEPS:], self.present]
        self.future, self.present = [], Packed.of(labels)

    def undo(self) -> None:
        """Go a step back, if there is one."""
        if self.past:
            self.future.append(self.present)
            self.present = self.past.pop()

    def redo(self) -> None:
        """Take a step again that was undone, if there is one."""
        if self.future:
            self.past.append(self.present)
            self.present = self.future.pop()
