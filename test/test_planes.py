# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Planes found in depth images of scenes whose planes are known."""

from __future__ import annotations

from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.planes import fit_dominant_plane, fit_planes, Plane, tolerance
import numpy as np
import pytest

CAMERA = Intrinsics(300.0, 310.0, 158.0, 121.0)
SIZE = (240, 320)
TABLE = Plane(np.array([0.1, -0.8, -np.sqrt(1 - 0.01 - 0.64)]), 0.9, 1.0)
"""Seen obliquely, 0.9 m below the camera."""


def depth_of(plane: Plane) -> np.ndarray:
    """Return (H,W) float32, where each pixel's ray n . (t ray) + d = 0 meets a plane."""
    columns, rows = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    rays = np.stack([(columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy,
                     np.ones(SIZE)], axis=-1)
    return (-plane.offset / (rays @ plane.normal)).astype(np.float32)


def same(found: Plane | None, plane: Plane, degrees: float = 0.5, metres: float = 0.005) -> bool:
    return (found is not None and found.normal @ plane.normal >= np.cos(np.radians(degrees))
            and abs(found.offset - plane.offset) <= metres)


def test_a_plane_is_found_exactly_and_looks_to_the_camera() -> None:
    found = fit_dominant_plane(depth_of(TABLE), CAMERA)
    assert same(found, TABLE, degrees=0.01, metres=1e-4) and found.share == 1


def test_noise_clutter_and_holes_do_not_move_it() -> None:
    rng = np.random.default_rng(1)
    depth = depth_of(TABLE)
    depth += rng.normal(0, 0.003, SIZE).astype(np.float32) * depth**2
    for _ in range(40):  # Things up to 0.3 m nearer, on more than half of the image.
        top, left = rng.integers(0, 200), rng.integers(0, 270)
        depth[top:top + 45, left:left + 55] -= rng.uniform(0.03, 0.3)
    depth[rng.random(SIZE) < 0.3] = 0
    found = fit_dominant_plane(depth, CAMERA)
    assert same(found, TABLE) and 0.2 < found.share < 0.5


def test_height_is_the_distance_to_the_plane() -> None:
    lifted = Plane(TABLE.normal, TABLE.offset - 0.04, 1.0)
    depth = depth_of(lifted)
    depth[0, 0], depth[0, 1] = 0, np.nan
    heights = TABLE.heights(depth, CAMERA)
    assert np.isnan(heights[0, :2]).all()
    np.testing.assert_allclose(heights[1:], 0.04, atol=1e-5)
    assert heights.dtype == np.float32


def test_the_same_image_gives_the_same_plane() -> None:
    depth = depth_of(TABLE) + np.random.default_rng(2).normal(0, 0.01, SIZE).astype(np.float32)
    first, second = (fit_dominant_plane(depth.copy(), CAMERA) for _ in range(2))
    assert np.array_equal(first.normal, second.normal) and first.offset == second.offset


def test_planes_come_by_their_pixels() -> None:
    wall = Plane(np.array([0.0, 0.0, -1.0]), 1.3, 1.0)
    depth = np.minimum(depth_of(TABLE), depth_of(wall))
    depth[depth <= 0] = wall.offset
    share = np.isclose(depth, wall.offset).mean()
    found = fit_planes(depth, CAMERA, 3, 0.05)
    first, second = (wall, TABLE) if share > 0.5 else (TABLE, wall)
    assert len(found) == 2 and same(found[0], first) and same(found[1], second)
    assert found[0].share == pytest.approx(max(share, 1 - share), abs=0.03)


def test_a_plane_below_the_least_share_is_none() -> None:
    columns, rows = np.meshgrid(np.linspace(-1, 1, SIZE[1]), np.linspace(-1, 1, SIZE[0]))
    ball = (1.0 - 0.3 * np.sqrt(np.maximum(0, 2.1 - rows**2 - columns**2))).astype(np.float32)
    assert fit_dominant_plane(ball, CAMERA, least_share=0.5) is None


@pytest.mark.parametrize('depth', [np.zeros(SIZE, np.float32), np.full(SIZE, np.nan, np.float32),
                                   np.zeros((1, 1), np.float32)])
def test_without_depth_there_is_none(depth: np.ndarray) -> None:
    assert fit_dominant_plane(depth, CAMERA) is None


def test_points_in_a_line_make_no_plane() -> None:
    depth = np.zeros(SIZE, np.float32)
    depth[120] = 1.0
    assert fit_dominant_plane(depth, CAMERA) is None


def test_the_tolerance_grows_with_the_square_of_the_distance() -> None:
    near, far = tolerance(np.array([0.3, 3.0]))
    assert near == pytest.approx(0.012, rel=0.01) and far == pytest.approx(0.047, rel=0.02)
