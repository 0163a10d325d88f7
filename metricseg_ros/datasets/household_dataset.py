# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A data set with its classes put down to the household classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metricseg_ros.datasets.household import household_class, HOUSEHOLD_CLASSES
from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
import numpy as np


@dataclass(frozen=True)
class HouseholdDataset:
    """
    A data set whose classes are the household classes.

    :param dataset: the data set, of any classes; what is none of the household ones is an object.
    """

    dataset: LabelledDataset
    classes: tuple[str, ...] = HOUSEHOLD_CLASSES

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> LabelledImage:
        sample = self.dataset[index]
        return replace(sample, class_ids=household_ids(self.dataset.classes)[sample.class_ids])


def household_ids(names: tuple[str, ...]) -> np.ndarray:
    """
    Tell the class ids of household classes.

    :param names: N names of things.
    :return: (N+1,) uint16, id of the class that each name means, after 0 for the background.
    """
    return np.array([0, *(HOUSEHOLD_CLASSES.index(household_class(name)) + 1 for name in names)],
                    np.uint16)
