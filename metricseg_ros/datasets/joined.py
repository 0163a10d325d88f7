# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several parts of a data set as one, whose labels are complete and whose classes are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
import numpy as np


@dataclass(frozen=True)
class JoinedDataset:
    """
    The images of several data sets, one after the other.

    :param kept: what the files vanish with, if anything.
    """

    parts: tuple[LabelledDataset, ...]
    classes: tuple[str, ...]
    kept: Any = field(default=None, compare=False)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __getitem__(self, index: int) -> LabelledImage:
        """Read one image."""
        for part in self.parts:
            if index < len(part):
                sample = part[index]
                ids = np.array([0, *(self.classes.index(name) + 1 if name in self.classes else 0
                                     for name in part.classes)], np.uint16)
                return replace(sample, class_ids=ids[sample.class_ids], background_known=True)
            index -= len(part)
        raise IndexError(index)


def joined(parts: Sequence[LabelledDataset], unused: Sequence[str] = ()) -> JoinedDataset:
    """
    Join parts of a data set.

    :param unused: names of classes that are none, such as one that a program adds for itself.
    :return: the whole. What has no label is background.
    """
    names = dict.fromkeys(name for part in parts for name in part.classes if name not in unused)
    return JoinedDataset(tuple(parts), tuple(names) or ('object',))
