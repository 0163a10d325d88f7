# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan of a scene: what is dropped where, into what, and from where it is seen."""

from __future__ import annotations

from dataclasses import dataclass

from metricseg_ros.synthesis.rendered.solids import Solid
import numpy as np

THING_LENGTH = 0.12  # metres, of a typical thing; the camera's distance follows from it


@dataclass(frozen=True)
class Placed:
    """
    Hold one thing about to be dropped.

    :param length: its longest side in metres.
    :param position: (3,) metres above the tabletop's centre.
    :param quaternion: (4,) w, x, y, z.
    """

    solid: Solid
    length: float
    position: np.ndarray
    quaternion: np.ndarray


@dataclass(frozen=True)
class Layout:
    """
    Hold the plan of a scene.

    :param span: share of the image's width that a typical thing takes.
    :param radius: metres around the centre in which things lie.
    :param gathered: whether things are pushed together while they fall.
    :param container: what stands around them: bin, crate, carton, tray, clear (a bin of clear
        plastic), or nothing.
    :param elevation: of the camera in degrees; drawn as the arrangement wants it when None.
    :param filling: share of half the image's height that the radius takes, instead of span.
    """

    arrangement: str
    span: float
    placed: tuple[Placed, ...]
    radius: float
    gathered: bool
    container: str = ''
    elevation: float | None = None
    filling: float | None = None
