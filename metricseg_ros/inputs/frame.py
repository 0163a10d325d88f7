# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every kind of input gives: frames, or an error that names its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metricseg_ros.structures import DepthImage
import numpy as np


class InputError(ValueError):
    """Something that cannot be read; says the path and what was expected."""


class DataWarning(UserWarning):
    """Something about what is read that its user should know, and that stops nothing."""


OnError = Callable[[InputError], None]
"""What is done about a frame that cannot be decoded."""


@dataclass(frozen=True)
class Frame:
    """
    One image of an input.

    :param name: file name without its suffix; frames of a video or bag add number or stamp.
    :param source: path of the file or bag the frame comes from.
    :param stamp_ns: when it was taken, in nanoseconds: the header's stamp in a bag, time since the
        start in a video; None for a file.
    :param image: (H,W,3) uint8 RGB.
    :param depth: of the image, where the input has it.
    """

    name: str
    source: str
    stamp_ns: int | None
    image: np.ndarray
    depth: DepthImage | None = None


def raise_error(error: InputError) -> None:
    """
    Raise an error rather than go on.

    :raises InputError: always.
    """
    raise error
