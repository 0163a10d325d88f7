# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects in space against analytic scenes: planes, cuboids and spheres cast ray by ray."""

from __future__ import annotations

from metricseg_ros.config import DepthConfig
from metricseg_ros.objects3d import locate, ObjectInSpace
from metricseg_ros.pinhole import depth_in_metres, implausible_depth, Intrinsics
from metricseg_ros.structures import Instances
import numpy as np
import pytest

CAMERA = Intrinsics(300.0, 310.0, 158.5, 121.25)
SIZE = (240, 320)
FLOOR = 2.0


def rays() -> np.ndarray:
    """Return (H,W,3), the direction of every pixel with z = 1."""
    rows, columns = np.mgrid[:SIZE[0], :SIZE[1]]
    return np.stack([(columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy,
                     np.ones(SIZE)], axis=-1)


def turned(yaw: float, pitch: float) -> np.ndarray:
    """Return (3,3), a rotation about y, then about x, in degrees."""
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return about_x @ about_y


def cuboid(centre: np.ndarray, axes: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return (H,W) float32 depth of a cuboid, infinite beside it (slab method)."""
    directions, origin = rays() @ axes, -centre @ axes
    with np.errstate(divide='ignore'):
        ends = np.stack([(sign * size / 2 - origin) / directions for sign in (-1, 1)])
    near, far = ends.min(0).max(-1), ends.max(0).min(-1)
    return np.where(near < far, near, np.inf).astype(np.float32)


def sphere(centre: np.ndarray, radius: float) -> np.ndarray:
    """Return (H,W) float32 depth of a sphere, infinite beside it."""
    directions = rays()
    a, b = (directions**2).sum(-1), directions @ centre
    root = b**2 - a * (centre @ centre - radius**2)
    return np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf).astype(np.float32)


def instance(mask: np.ndarray) -> Instances:
    rows, columns = np.nonzero(mask)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.int32)
    crop = mask[box[0, 1]:box[0, 3], box[0, 0]:box[0, 2]]
    return Instances(SIZE, np.array([4], np.uint16), np.array([1], np.uint16),
                     np.array([0.9], np.float32), box, (np.ascontiguousarray(crop),),
                     np.zeros((1, 2), np.int32), np.array([0.5], np.float32))


def located(thing: np.ndarray, depth: np.ndarray | None = None,
            **config: float) -> ObjectInSpace:
    """Place the thing on a floor that all rays end at."""
    seen = np.minimum(thing, np.float32(FLOOR)) if depth is None else depth
    found, = locate(instance(np.isfinite(thing)), seen, CAMERA, DepthConfig(**config))
    return found


def test_points_project_back_to_their_pixels() -> None:
    columns, rows = np.array([0, 319, 17]), np.array([0, 239, 201])
    points = CAMERA.points(columns, rows, np.array([0.3, 2.0, 7.5]))
    np.testing.assert_allclose(points[:, 2], [0.3, 2.0, 7.5])
    np.testing.assert_allclose(CAMERA.pixels(points), np.stack([columns, rows], 1), atol=1e-4)


def test_the_optical_frame_has_x_right_y_down_z_forward() -> None:
    right_below = CAMERA.points(np.array([300]), np.array([200]), np.array([1.0]))[0]
    assert (right_below > 0).all()


@pytest.mark.parametrize(('stored', 'metres'), [
    (np.array([[0, 1, 1500, 65535]], np.uint16), [[np.nan, 0.001, 1.5, 65.535]]),
    (np.array([[0, -1, np.nan, np.inf, -np.inf, 0.25]], np.float32),
     [[np.nan, np.nan, np.nan, np.nan, np.nan, 0.25]])])
def test_depth_is_read_as_rep_118_says(stored: np.ndarray, metres: list[list[float]]) -> None:
    np.testing.assert_allclose(depth_in_metres(stored), metres, rtol=1e-6)


@pytest.mark.parametrize('depth', [np.zeros((2, 3)), np.zeros((2, 3, 1), np.float32)])
def test_depth_of_another_type_is_refused(depth: np.ndarray) -> None:
    with pytest.raises(ValueError, match='depth must be'):
        depth_in_metres(depth)


@pytest.mark.parametrize(('yaw', 'pitch'), [(0, 0), (25, 0), (0, -35), (20, 30)])
def test_a_plate_has_its_place_size_and_normal(yaw: float, pitch: float) -> None:
    centre, axes = np.array([0.05, -0.04, 1.0]), turned(yaw, pitch)
    found = located(cuboid(centre, axes, np.array([0.3, 0.2, 1e-4])))
    normal = axes[:, 2] * -np.sign(axes[:, 2] @ centre)
    assert found.box.axes[:, 2] @ normal > np.cos(np.radians(0.5))
    # The rim of 2 pixels is cut off, each about 3.3 mm here; then 1 % of the points.
    np.testing.assert_allclose(found.box.size[:2], [0.3, 0.2], atol=0.024)
    assert found.box.size[2] < 0.002
    np.testing.assert_allclose(found.box.centre, centre, atol=0.004)
    assert found.depth_share == 1


def test_a_cuboid_of_which_three_sides_are_seen_has_its_true_box() -> None:
    centre, axes, size = np.array([0.0, 0.0, 0.8]), turned(35, 30), np.array([0.2, 0.14, 0.1])
    found = located(cuboid(centre, axes, size), erosion=0, outlier_deviations=10.0)
    assert np.sort(found.box.size) == pytest.approx(np.sort(size), abs=0.006)
    np.testing.assert_allclose(found.box.centre, centre, atol=0.005)
    # Each axis is one of the cuboid's.
    assert np.abs(found.box.axes.T @ axes).max(0) == pytest.approx(np.ones(3), abs=1e-3)


@pytest.mark.parametrize('side', [0.02, 0.03, 0.05])
def test_the_normal_of_a_small_thing_is_that_of_its_largest_side(side: float) -> None:
    axes = turned(0, 35)
    found = located(cuboid(np.array([0.0, 0.0, 0.8]), axes, np.array([side, side, 0.8 * side])),
                    erosion=0, outlier_deviations=10.0)
    # cos 35 of the large side is seen, sin 35 of a smaller one; a few pixels are on both.
    assert 40 < len(found.points) < 500
    assert abs(found.box.axes[:, 2] @ axes[:, 2]) > np.cos(np.radians(3))


def test_axes_are_a_rotation_and_x_is_the_longer_side() -> None:
    found = located(cuboid(np.array([0.1, 0.1, 1.0]), turned(10, 20), np.array([0.1, 0.3, 0.05])))
    np.testing.assert_allclose(found.box.axes.T @ found.box.axes, np.eye(3), atol=1e-9)
    assert np.linalg.det(found.box.axes) == pytest.approx(1)
    assert found.box.size[0] > found.box.size[1]
    assert found.box.axes[:, 2] @ found.centroid < 0


def test_the_points_of_a_sphere_lie_on_it() -> None:
    centre, radius = np.array([-0.1, 0.05, 0.9]), 0.12
    found = located(sphere(centre, radius), outlier_deviations=10.0)
    np.testing.assert_allclose(np.linalg.norm(found.points - centre, axis=1), radius, atol=1e-5)
    assert len(found.pixels) == len(found.points)
    # The flattest part looks at the camera, as seen from the centre.
    towards = -centre / np.linalg.norm(centre)
    assert found.box.axes[:, 2] @ towards > np.cos(np.radians(25))


def test_what_bleeds_over_the_rim_does_not_move_the_object() -> None:
    centre = np.array([0.0, 0.0, 1.0])
    thing = cuboid(centre, np.eye(3), np.array([0.2, 0.2, 0.01]))
    wide = np.minimum(np.minimum(thing, np.roll(thing, 4, 1)), np.roll(thing, -4, 1))
    found, = locate(instance(np.isfinite(wide)), np.minimum(thing, FLOOR), CAMERA, DepthConfig())
    np.testing.assert_allclose(found.points[:, 2], 0.995, atol=1e-5)


def test_noise_and_flying_pixels_move_the_centroid_by_less_than_a_millimetre(
        rng: np.random.Generator) -> None:
    thing = cuboid(np.array([0.0, 0.0, 1.0]), np.eye(3), np.array([0.3, 0.2, 0.01]))
    depth = np.minimum(thing, FLOOR) + rng.normal(0, 0.003, SIZE).astype(np.float32)
    flying = rng.random(SIZE) < 0.1
    depth[flying] = rng.uniform(0.2, 5, flying.sum())
    found = located(thing, depth.astype(np.float32))
    assert found.centroid[2] == pytest.approx(0.995, abs=0.001)
    assert found.box.axes[:, 2] @ [0, 0, -1] > np.cos(np.radians(2))


@pytest.mark.parametrize(('share', 'is_placed'), [(0.2, True), (0.05, False)])
def test_an_object_needs_a_share_of_its_depth(share: float, is_placed: bool,
                                              rng: np.random.Generator) -> None:
    thing = cuboid(np.array([0.0, 0.0, 1.0]), np.eye(3), np.array([0.3, 0.2, 0.01]))
    depth = np.where(rng.random(SIZE) < share, np.minimum(thing, FLOOR), np.nan)
    found = located(thing, depth.astype(np.float32))
    assert (found.box is not None) == bool(len(found.points)) == is_placed
    assert found.depth_share == pytest.approx(share, abs=0.02)


def test_without_any_depth_the_place_is_not_a_number() -> None:
    thing = sphere(np.array([0.0, 0.0, 1.0]), 0.1)
    found = located(thing, np.full(SIZE, np.nan, np.float32))
    assert np.isnan(found.centroid).all()
    assert (found.box, found.depth_share, found.points.shape) == (None, 0.0, (0, 3))


def test_a_thin_object_keeps_its_rim() -> None:
    thing = cuboid(np.array([0.0, 0.0, 1.0]), np.eye(3), np.array([0.4, 0.01, 0.01]))
    found = located(thing)
    assert found.box.size[0] == pytest.approx(0.4, abs=0.01)


def test_depth_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r'depth must be \(240, 320\) .*got \(120, 160\)'):
        locate(instance(np.ones(SIZE, bool)), np.ones((120, 160), np.float32), CAMERA,
               DepthConfig())


@pytest.mark.parametrize('values', [(0.0, 1.0, 1.0, 1.0), (1.0, 1.0, np.nan, 1.0)])
def test_intrinsics_that_are_no_camera_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match='fx and fy'):
        Intrinsics(*values)


@pytest.mark.parametrize(('depth', 'is_doubted'), [
    (np.full((20, 30), 1200, np.uint16), False),
    # 1.2 m in millimetres is 0x04b0; with its bytes swapped 0xb004, 45 m.
    (np.full((20, 30), 1200, np.uint16).byteswap(), True),
    (np.full((20, 30), 1200, np.float32), True), (np.full((20, 30), 1.2, np.float32), False),
    (np.full((20, 30), 2, np.uint16), True), (np.zeros((20, 30), np.uint16), False),
    (np.full((20, 30), np.nan, np.float32), False)])
def test_depth_of_another_unit_or_byte_order_is_doubted(depth: np.ndarray,
                                                        is_doubted: bool) -> None:
    told = implausible_depth(depth_in_metres(depth))
    assert bool(told) == is_doubted
    assert not told or 'is_bigendian' in told


def test_a_few_far_pixels_are_no_doubt() -> None:
    depth = np.full((80, 80), 1.0, np.float32)
    depth[:, :30] = 500
    assert not implausible_depth(depth)
