# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every data set gives out: an image, which instance each pixel lies in, and its class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.structures import DepthImage
import numpy as np


@dataclass(frozen=True)
class LabelledImage:
    """
    One image with the truth about it.

    :param image: (H,W,3) uint8 RGB.
    :param label_map: (H,W) uint16: 0 background, 1..N instances, 65535 ignored.
    :param class_ids: (N+1,) uint16, class id of each label; `class_ids[0]` is 0, the
        background's. A label whose class id is 0 is an object of unknown class.
    :param background_known: whether everything of interest is labelled. Where it is not, pixels
        of background may hide objects, and a mask there is not known to be wrong.
    :param depth: of the same (H,W), where there is any.
    """

    image: np.ndarray
    label_map: np.ndarray
    class_ids: np.ndarray
    background_known: bool = True
    name: str = ''
    depth: DepthImage | None = None

    def __post_init__(self) -> None:
        """Check shapes and types, and that every label has a class."""
        self._check('image', self.image, np.uint8, (*self.image.shape[:2], 3))
        self._check('label_map', self.label_map, np.uint16, self.image.shape[:2])
        self._check('class_ids', self.class_ids, np.uint16, (max(len(self.class_ids), 1),))
        if self.depth is not None:
            self._check('depth', self.depth.metres, np.float32, self.image.shape[:2])
        if self.class_ids[0] != BACKGROUND:
            raise ValueError(f'class_ids must begin with the background, {BACKGROUND}, got '
                             f'{self.class_ids[0]}{self._where}')
        labels = self.label_map[self.label_map != IGNORE_LABEL]
        if (highest := labels.max(initial=BACKGROUND)) > self.instance_count:
            raise ValueError(f'label_map must hold labels up to {self.instance_count}, the number '
                             f'of class_ids less one, or {IGNORE_LABEL}, got {highest}'
                             f'{self._where}')

    @property
    def instance_count(self) -> int:
        """Give N, how many instances there are; some may have no visible pixel."""
        return len(self.class_ids) - 1

    def _check(self, name: str, array: np.ndarray, dtype: type, shape: tuple[int, ...]) -> None:
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(f'{name} must be {np.dtype(dtype)} of shape {shape}, got '
                             f'{array.dtype} of shape {array.shape}{self._where}')

    @property
    def _where(self) -> str:
        return f' ({self.name})' if self.name else ''


def visible_instances(sample: LabelledImage) -> LabelledImage:
    """Leave out instances without a pixel; the others become 1, 2, ... in their order."""
    numbers = np.full(IGNORE_LABEL + 1, IGNORE_LABEL, np.uint16)
    seen = np.unique(sample.label_map)
    kept = np.union1d([0], seen[seen != IGNORE_LABEL])
    numbers[kept] = np.arange(len(kept))
    return replace(sample, label_map=numbers[sample.label_map], class_ids=sample.class_ids[kept])


class LabelledDataset(Protocol):
    """A sequence of labelled images, read when they are asked for."""

    classes: tuple[str, ...]
    """Names of the classes; class id i is `classes[i - 1]`."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, index: int) -> LabelledImage:
        """
        Read one image.

        :param index: from 0; one too high raises IndexError.
        :raises ValueError: where a file is missing or damaged, naming it.
        """
