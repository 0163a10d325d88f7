# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Choose what a scene shows."""

from __future__ import annotations

from metricseg_ros.synthesis.rendered.layout import Layout
from metricseg_ros.synthesis.rendered.solids import Solid
from metricseg_ros.synthesis.rendered.tables import (
    bin_of_goods,
    groceries,
    heap,
    shelf,
    tabletop,
)
from metricseg_ros.synthesis.rendered.tossed import tossed
import numpy as np

KINDS = {tabletop: 0.36, groceries: 0.14, bin_of_goods: 0.07, heap: 0.07, shelf: 0.04,
         tossed: 0.32}


def plan(rng: np.random.Generator, household: list[Solid],
         photos: list[np.ndarray]) -> Layout:
    """
    Draw a layout of one of KINDS.

    :param household: models of real things, may be empty.
    :param photos: (H,W,3) uint8 pictures to print on invented things, may be empty.
    """
    makers = list(KINDS)
    return makers[rng.choice(len(makers), p=list(KINDS.values()))](rng, household, photos)
