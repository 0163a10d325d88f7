# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Goods have real sizes and stand as they were put: upright, upon, against, beside each other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from metricseg_ros.synthesis.rendered import goods, groups, prints, shapes, tables
from metricseg_ros.synthesis.rendered.layout import Placed
from metricseg_ros.synthesis.rendered.solids import Solid
import numpy as np
import pytest

EVERY_MAKER = sorted({*goods.GOODS, *goods.GROCERIES, *goods.PARTS}, key=lambda m: m.__name__)


def turned(points: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    w, x, y, z = quaternion
    matrix = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                       [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                       [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])
    return points @ matrix.T


def bounds(item: Placed) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the most x, y, z of a thing where it is dropped."""
    points = turned(item.solid.points, item.quaternion) + item.position
    return points.min(0), points.max(0)


def drawing(make: Callable, rng: np.random.Generator) -> groups.Draw:
    return lambda own=None: (own or make)(rng, [])


@pytest.mark.parametrize('make', EVERY_MAKER)
def test_goods_are_centred_finite_and_of_real_size(make: goods.Maker) -> None:
    low, high = (0.004, 0.08) if make in goods.PARTS else (0.03, 0.36)
    for seed in range(6):
        solid = make(np.random.default_rng(seed), [])
        assert low < solid.extent.max() < high
        for surface in solid.surfaces:
            assert np.isfinite(surface.vertices).all() and len(surface.faces)
            assert np.allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-4)
        points = np.concatenate([surface.vertices for surface in solid.surfaces])
        assert np.allclose(points.min(0), -points.max(0), atol=1e-4)


def test_print_on_the_sides_of_a_box_is_upright_and_not_mirrored() -> None:
    surface = shapes.box(np.array([1.0, 2.0, 3.0]))
    for face in surface.faces:
        corners, texcoords = surface.vertices[face], surface.texcoords[face]
        # Solve for the directions in space in which the texture runs right and down.
        edges, steps = corners[1:] - corners[0], texcoords[1:] - texcoords[0]
        right, down = np.linalg.solve(steps, edges)
        outwards = surface.normals[face[0]]
        assert np.cross(right, -down) @ outwards > 0
        if abs(outwards[2]) < 0.5:
            assert down[2] < 0 and abs(right[2]) < 1e-6


def test_every_side_of_a_box_is_printed_differently() -> None:
    cell = prints.CELL
    for seed in range(20):
        texture = prints.wrap_box(np.random.default_rng(seed), np.array([0.2, 0.06, 0.3]), [])
        assert texture.shape == (2 * cell, 3 * cell, 3) and texture.dtype == np.uint8
        sides = [half[:, i * cell:(i + 1) * cell] for half in (texture[:cell], texture[cell:])
                 for i in range(3)]
        assert all(not np.array_equal(a, b) for n, a in enumerate(sides) for b in sides[:n])


@pytest.mark.parametrize('up', [0, 1, 2])
def test_laid_thing_has_the_extent_it_is_said_to_have_and_its_axis_upwards(up: int) -> None:
    solid = goods.carton(np.random.default_rng(0), [])
    turn, extent = groups.laid(solid, up)
    assert np.allclose(np.ptp(turned(solid.points, turn), axis=0), extent, atol=1e-5)
    assert abs(turned(np.eye(3)[[up]], turn)[0, 2]) == pytest.approx(1)


def test_products_of_turns_turn_by_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    first, second, points = tables.any_turn(rng), tables.any_turn(rng), rng.normal(size=(5, 3))
    assert np.allclose(turned(turned(points, first), second),
                       turned(points, groups.times(second, first)))


@pytest.mark.parametrize('seed', range(8))
def test_stack_rises_thing_upon_thing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stack = groups.stack(rng, drawing(goods.carton, rng))
    for lower, upper in zip(stack, stack[1:]):
        assert bounds(upper)[0][2] >= bounds(lower)[1][2] - 1e-6
        assert bounds(upper)[0][2] - bounds(lower)[1][2] < 3 * groups.GAP
    assert bounds(stack[0])[0][2] == pytest.approx(groups.GAP, abs=1e-6)


@pytest.mark.parametrize('seed', range(8))
def test_things_in_a_row_nearly_touch_and_do_not_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    row = groups.row(rng, drawing(goods.can, rng))
    for left, right in zip(row, row[1:]):
        gap = bounds(right)[0][0] - bounds(left)[1][0]
        assert -0.004 < gap < 0.035  # a crooked one may reach over by little


@pytest.mark.parametrize('seed', range(8))
def test_leaning_thing_is_tilted_beside_its_support_and_above_the_table(seed: int) -> None:
    rng = np.random.default_rng(seed)
    support, other = groups.leaning(rng, drawing(goods.carton, rng))
    upright = turned(np.array([[0.0, 0.0, 1.0]]), other.quaternion)[0]
    assert 9 < np.degrees(np.arccos(upright[2])) < 36
    assert bounds(other)[0][2] > 0
    foot = other.position - upright * other.solid.extent[2] / 2
    assert foot[1] < bounds(support)[0][1]


def test_groups_are_packed_without_their_circles_overlapping() -> None:
    rng = np.random.default_rng(0)
    cube = Solid('box', (), (np.array([[-1.0, -1, -1], [1, 1, 1]]) * 0.05,))
    placed = tables.packed(rng, [[groups.standing(cube, np.zeros(2))] for _ in range(12)], 1.0)
    middles = np.array([item.position[:2] for item in placed])
    apart = np.linalg.norm(middles[:, None] - middles, axis=2) + np.eye(12)
    assert apart.min() > 2 * np.hypot(0.05, 0.05)


def test_moved_group_keeps_its_shape() -> None:
    rng = np.random.default_rng(0)
    group = groups.stack(rng, drawing(goods.carton, rng))
    after = groups.moved(group, np.array([0.3, -0.2]), 0.7)
    shapes_of = [np.array([item.position for item in some]) for some in (group, after)]
    first, second = (np.linalg.norm(p[:, None] - p, axis=2) for p in shapes_of)
    assert np.allclose(first, second)
    assert np.allclose(shapes_of[0][:, 2], shapes_of[1][:, 2])


@pytest.mark.parametrize('make', [tables.tabletop, tables.groceries, tables.bin_of_goods,
                                  tables.heap, tables.shelf])
def test_what_is_laid_out_in_real_size_says_how_it_is_seen(make: Callable) -> None:
    for seed in range(5):
        layout = make(np.random.default_rng(seed), [], [])
        assert layout.placed and layout.radius > 0
        assert 0 <= layout.elevation < 90 and 0 < layout.filling < 2
        assert all(item.length == pytest.approx(item.solid.extent.max())
                   for item in layout.placed)


def test_no_model_too_large_for_a_table_is_drawn() -> None:
    large = SimpleNamespace(extent=np.full(3, tables.LARGEST * 1.1))
    draw = tables.drawer(np.random.default_rng(1), goods.GOODS, [large], [])
    assert all(draw() is not large for _ in range(100))
