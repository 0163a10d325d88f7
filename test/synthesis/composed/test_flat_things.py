# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Drawn flat things are whole cut-outs, each as its generator decides."""

from __future__ import annotations

from metricseg_ros.synthesis.composed.composition import choose
from metricseg_ros.synthesis.composed.flat_things import draw_flat, KINDS, LARGE
import numpy as np
import pytest
from scipy.ndimage import label


@pytest.mark.parametrize('name, draw', dict((*KINDS, *LARGE)).items())
def test_each_kind_is_one_connected_thing(name: str, draw: object) -> None:
    for rng_seed in range(3):
        image, inside = draw(np.random.default_rng(rng_seed), [])
        assert image.shape == (*inside.shape, 3) and np.isfinite(image).all()
        assert label(inside)[1] == 1
        assert inside.mean() > 0.2


def test_a_cutout_is_cropped_to_the_thing_and_named() -> None:
    known = {name for name, _ in KINDS}
    for rng_seed in range(10):
        cutout = draw_flat(np.random.default_rng(rng_seed), [])
        opaque = cutout.rgba[..., 3] > 127
        assert cutout.name in known and cutout.licence == 'Apache-2.0'
        assert opaque[[0, -1]].any(1).all() and opaque[:, [0, -1]].any(0).all()


def test_same_seed_draws_the_same_thing_and_another_seed_another() -> None:
    first, again, other = (draw_flat(np.random.default_rng(seed), []).rgba for seed in (4, 4, 5))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_large_things_lie_below_the_small_ones_that_are_on_them() -> None:
    large, small = ([draw_flat(np.random.default_rng(i), [], large=i == 0)] for i in (0, 1))
    scenes = [choose(small, (120, 160), np.random.default_rng(seed), large) for seed in range(80)]
    on_trays = [scene for scene in scenes if any(thing is large[0] for thing, _, _ in scene)]
    assert 0.1 * len(scenes) < len(on_trays) < 0.6 * len(scenes)
    for scene in on_trays:
        below = [thing is large[0] for thing, _, _ in scene]
        assert below == sorted(below, reverse=True)
        sides = [side for thing, side, _ in scene if thing is small[0]]
        assert max(sides) < scene[0][1]
