# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every fault of a depth sensor is as large, and where, its geometry says."""

from __future__ import annotations

from metricseg_ros.synthesis import sensors
import numpy as np
import pytest

SIZE = (60, 120)
NEAR, FAR = 1.0, 2.0
THING = np.s_[20:40, 50:70]
FOCAL_LENGTH = 100.0


def scene() -> np.ndarray:
    depth = np.full(SIZE, FAR, np.float32)
    depth[THING] = NEAR
    return depth


def plane(tilt: float, axis: int) -> np.ndarray:
    """Look at a plane 1 m away whose normal is at an angle in degrees from the optical axis."""
    aside = (np.arange(SIZE[axis]) - SIZE[axis] / 2) / FOCAL_LENGTH
    inverse = 1 + np.tan(np.radians(tilt)) * aside
    return (1 / np.broadcast_to(inverse if axis else inverse[:, None], SIZE)).astype(np.float32)


@pytest.mark.parametrize(('baseline', 'columns'), [(30.0, (35, 50)), (-30.0, (70, 85))])
def test_shadow_is_as_wide_as_the_disparities_differ_and_lies_away_from_the_projector(
        baseline: float, columns: tuple[int, int]) -> None:
    seen = sensors.shadowed(scene(), baseline)
    expected = np.zeros(SIZE, bool)
    expected[20:40, slice(*columns)] = True  # 30 / 1 - 30 / 2 = 15 columns
    assert np.array_equal(seen == 0, expected)


def test_noise_of_depth_grows_with_its_square() -> None:
    rng, focal_baseline, deviation = np.random.default_rng(0), 40.0, 0.1
    for metres in (0.5, 1.0, 2.0):
        flat = np.full((200, 200), metres, np.float32)
        seen = sensors.disparity_noise(flat, focal_baseline, deviation, 1e-4, rng)
        assert seen.std() == pytest.approx(metres**2 * deviation / focal_baseline, rel=0.05)


def test_disparities_are_multiples_of_their_step_and_no_depth_stays_none() -> None:
    depth = np.linspace(0.5, 3, 7200, dtype=np.float32).reshape(SIZE)
    depth[0] = 0
    seen = sensors.disparity_noise(depth, 40.0, 0.0, 1 / 8, np.random.default_rng(0))
    assert (seen[0] == 0).all()
    eighths = 8 * 40.0 / seen[1:]
    assert np.allclose(eighths, np.rint(eighths), atol=1e-3)
    assert np.abs(40 / depth[1:] - eighths / 8).max() <= 1 / 16 + 1e-4


def test_thing_grows_by_half_the_window_on_every_side() -> None:
    near = sensors.fattened(scene(), 5) == NEAR
    assert near.sum() == (20 + 4) * (20 + 4) and near[18:42, 48:72].all()


def test_holes_do_not_grow_over_things() -> None:
    depth = scene()
    depth[30, 60] = 0
    assert (sensors.fattened(depth, 3) > 0).all()


@pytest.mark.parametrize('axis', [0, 1])
@pytest.mark.parametrize('tilt', [0, 40, 55])
def test_plane_has_no_edge_however_it_is_tilted(tilt: float, axis: int) -> None:
    assert (sensors.without_edges(plane(tilt, axis), 0.01, 3) > 0).all()


def test_edge_is_lost_within_the_window_and_nowhere_else() -> None:
    lost = sensors.without_edges(scene(), 0.1, 3) == 0
    around = np.zeros(SIZE, bool)
    around[18:42, 48:72] = True
    around[22:38, 52:68] = False
    around[[18, 18, 41, 41], [48, 71, 48, 71]] = False  # the corners lie aside of every jump
    assert np.array_equal(lost[:, 48:72], around[:, 48:72]) and not lost[:, :48].any()


@pytest.mark.parametrize('axis', [0, 1])
def test_surface_is_lost_beyond_its_steepest_angle(axis: int) -> None:
    middle = tuple(n // 2 for n in SIZE)
    assert sensors.without_steep(plane(60, axis), FOCAL_LENGTH, 63.0)[middle] > 0
    assert sensors.without_steep(plane(60, axis), FOCAL_LENGTH, 57.0)[middle] == 0


def test_jump_of_depth_is_not_steep() -> None:
    assert (sensors.without_steep(scene(), FOCAL_LENGTH, 70.0) > 0).all()


def test_mixed_depths_lie_between_near_and_far_and_only_on_edges() -> None:
    depth = scene()
    depth[30, 60] = 0
    seen = sensors.mixed_edges(depth, 1.0, np.random.default_rng(0))
    changed = seen != depth
    assert seen[30, 60] == 0
    assert (seen[changed] > NEAR).all() and (seen[changed] < FAR).all()
    assert changed.sum() == 22 * 22 - 18 * 18


def test_wobble_moves_edges_and_leaves_flat_depth_alone() -> None:
    seen = sensors.wobbled(scene(), 1.0, np.random.default_rng(0))
    assert set(np.unique(seen)) == {NEAR, FAR}
    moved = seen != scene()
    assert moved.any() and not moved[24:36, 54:66].any() and not moved[:, :44].any()


@pytest.mark.parametrize('grain', [0.0, 0.5, 2.0])
def test_noise_has_unit_variance_whatever_its_grain(grain: float) -> None:
    noise = sensors.smooth_noise((400, 400), grain, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize('probability', [0.05, 0.5])
def test_holes_take_the_share_that_was_asked_for(probability: float) -> None:
    flat = np.ones((300, 300), np.float32)
    seen = sensors.with_holes(flat, probability, 1.5, np.random.default_rng(0))
    assert (seen == 0).mean() == pytest.approx(probability, abs=0.02)


def test_black_is_lost_rather_than_grey_and_flat_rather_than_textured() -> None:
    image = np.full((*SIZE, 3), 128, np.uint8)
    image[:, 60:] = 0
    lost = sensors.loss_of_light(image, np.random.default_rng(1))
    assert (lost[:, 62:] > 0.1).all() and (lost[:, :58] == 0).all()
    image[::2, 60:] = 255
    untextured = sensors.loss_of_texture(image, 0.5)
    assert (untextured[:, :50] > 0.49).all() and (untextured[:, 70:] < 0.01).all()


def test_registration_errs_by_whole_pixels_and_leaves_none_behind() -> None:
    seen = sensors.shifted(scene(), np.array([1.2, -1.9]))
    assert (seen[21:41, 48:68] == NEAR).all()
    assert (seen[0] == 0).all() and (seen[:, -2:] == 0).all()


def test_range_is_kept() -> None:
    depth = np.float32([[0.0, 0.2, 0.3, 1.0, 4.0, 4.1]])
    assert sensors.within(depth, 0.3, 4.0).tolist() == [[0, 0, np.float32(0.3), 1, 4, 0]]


def test_same_seed_gives_the_same_depth_and_another_one_another() -> None:
    image = np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8)
    first, again, other = (sensors.sense(scene(), image, FOCAL_LENGTH, np.random.default_rng(seed))
                           for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('seed', range(30))
def test_every_sensor_gives_finite_float32_near_the_truth(seed: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8)
    seen = sensors.sense(scene(), image, FOCAL_LENGTH, np.random.default_rng(seed))
    assert seen.dtype == np.float32 and seen.shape == SIZE and np.isfinite(seen).all()
    measured = seen[seen > 0]
    nearer = np.minimum(np.abs(measured - NEAR), np.abs(measured - FAR))
    assert not len(measured) or np.median(nearer) < 0.08
    empty = sensors.sense(np.zeros(SIZE, np.float32), image, 100.0, np.random.default_rng(seed))
    assert not empty.any()
