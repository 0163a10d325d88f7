# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Videos show every thing where its truth says, with one identity from end to end."""

from __future__ import annotations

from benchmarks.ids.films import (
    Actor,
    camera_matrix,
    film,
    FilmScene,
    fitted,
    SCENES,
)
from metricseg_ros.config import IGNORE_LABEL
import numpy as np
import pytest

GROUND = np.full((90, 120, 3), 40, np.uint8)


def square(side: int, colour: int) -> np.ndarray:
    return np.dstack([np.full((side, side, 3), colour, np.uint8),
                      np.full((side, side), 255, np.uint8)])


def test_identity_is_where_the_thing_is_seen(rng: np.random.Generator) -> None:
    scene = FilmScene([Actor(square(21, 220), lambda time: (0.5, 0.25 + 0.5 * time, 0.0))])
    for number, frame in enumerate(film(scene, GROUND, 3, rng)):
        rows, columns = np.nonzero(frame.labels == 1)
        assert (rows.mean(), columns.mean()) == pytest.approx((45, 30 + 30 * number), abs=1)
        assert len(rows) == pytest.approx(21 * 21, rel=0.1)
        assert frame.image[frame.labels == 1].mean() == pytest.approx(220, rel=0.1)
        assert frame.image[frame.labels == 0].mean() == pytest.approx(40, rel=0.1)


@pytest.mark.parametrize(('side', 'expected'), [(11, 1), (7, IGNORE_LABEL)])
def test_later_things_lie_on_top_and_slivers_are_ignored(side: int, expected: int,
                                                         rng: np.random.Generator) -> None:
    # One column of the lower thing is seen; 60 / (240 * 320) of this image are 8.4 pixels.
    scene = FilmScene([Actor(square(side, 90), lambda time: (0.5, 0.5, 0.0)),
                       Actor(square(side, 200), lambda time: (0.5, 0.5 + 1 / 120, 0.0))])
    labels = next(film(scene, GROUND, 1, rng)).labels
    assert set(np.unique(labels)) == {0, 2, expected}
    assert np.count_nonzero(labels == expected) == pytest.approx(side, abs=1)


def test_the_camera_moves_everything_the_other_way(rng: np.random.Generator) -> None:
    scene = FilmScene([Actor(square(21, 220), lambda time: (0.5, 0.5, 0.0))],
                      lambda time: (0.1 * time, 0.2 * time, 0.0))
    first, last = film(scene, GROUND, 2, rng)
    shift = [np.argwhere(frame.labels == 1).mean(0) for frame in (first, last)]
    np.testing.assert_allclose(shift[1] - shift[0], [-9, -24], atol=0.5)


def test_the_camera_turns_about_the_middle_of_the_image() -> None:
    matrix = camera_matrix((0, 0, 90.0), (120, 90))
    np.testing.assert_allclose(matrix @ [60, 45, 1], [60, 45, 1], atol=1e-9)
    np.testing.assert_allclose(matrix @ [70, 45, 1], [60, 35, 1], atol=1e-9)


@pytest.mark.parametrize('name', list(SCENES))
def test_a_scene_is_the_same_for_the_same_seed(name: str) -> None:
    def frames(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        things = [fitted(square(side, 20 * side), 90, rng) for side in range(4, 12)]
        return [frame.image for frame in film(SCENES[name](things, rng), GROUND, 3, rng)]
    np.testing.assert_array_equal(frames(1), frames(1))
    assert not np.array_equal(frames(1), frames(2))


def test_what_passes_behind_is_gone_in_the_middle_and_comes_back(rng: np.random.Generator) -> None:
    things = [square(side, 10 * side) for side in (10, 10, 10, 10, 20, 22)]
    seen = [set(np.unique(frame.labels)) for frame in film(
        SCENES['occlusion'](things, rng), GROUND, 31, rng)]
    assert {1, 2, 3, 4, 5, 6} <= seen[0]
    assert {1, 2, 3, 4} <= seen[-1]
    assert not {1, 2, 3, 4} & seen[15]


def test_alike_things_look_the_same(rng: np.random.Generator) -> None:
    things = [square(side, 20 * side) for side in range(4, 12)]
    actors = SCENES['alike'](things, rng).actors
    assert len(actors) >= 3
    assert all(actor.rgba is actors[0].rgba for actor in actors)
