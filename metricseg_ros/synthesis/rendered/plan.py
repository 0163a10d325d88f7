# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Choose what a scene shows."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.synthesis.rendered.layout import Layout
from metricseg_ros.synthesis.rendered.solids import Solid
from metricseg_ros.synthesis.rendered.tables import (
    bin_of_goods,
    groceries,
    heap,
    shelf,
    tabletop,
)
from metricseg_ros.synthesis.rendered.tossed import boards, tossed
import numpy as np

KINDS = {tabletop: 0.36, groceries: 0.14, bin_of_goods: 0.07, heap: 0.07, shelf: 0.04,
         tossed: 0.32}
OTHERS = (boards,)
"""What is laid out only where it is asked for by name."""
NAMES = tuple(maker.__name__ for maker in (*KINDS, *OTHERS))


def plan(rng: np.random.Generator, household: list[Solid],
         photos: list[np.ndarray], only: Sequence[str] = ()) -> Layout:
    """
    Draw a layout of one of KINDS.

    :param only: of NAMES, those to choose from instead, each as often as the others.
    :param household: models of real things, may be empty.
    :param photos: (H,W,3) uint8 pictures to print on invented things, may be empty.
    """
    shares = KINDS if not only else {maker: 1 / len(only) for maker in (*KINDS, *OTHERS)
                                     if maker.__name__ in only}
    makers = list(shares)
    return makers[rng.choice(len(makers), p=list(shares.values()))](rng, household, photos)
