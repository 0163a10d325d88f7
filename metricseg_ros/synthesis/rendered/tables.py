# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lay out scenes of real size as robots see them: tables, groceries, bins, heaps of parts."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.synthesis.rendered import goods
from metricseg_ros.synthesis.rendered.groups import (
    Draw,
    GROUPS,
    moved,
    reach,
    row,
    standing,
)
from metricseg_ros.synthesis.rendered.layout import Layout, Placed
from metricseg_ros.synthesis.rendered.solids import Solid
import numpy as np

LARGEST = 0.35  # metres: models of the catalogue that are larger stand on no table
CATALOGUE_SHARE = 0.2
CONTAINERS = {'': 0.3, 'carton': 0.25, 'crate': 0.15, 'tray': 0.15, 'clear': 0.15}
Photos = list[np.ndarray]


def tabletop(rng: np.random.Generator, household: list[Solid], photos: Photos) -> Layout:
    """Put groups of goods on a table: stacked, leaning, touching, one before the other."""
    draw = drawer(rng, goods.GOODS, household, photos)
    makers, shares = list(GROUPS), np.array(list(GROUPS.values()))
    count = int(rng.choice([1, 2, 3, 4, 5, 6, 8], p=[0.2, 0.22, 0.2, 0.14, 0.1, 0.08, 0.06]))
    chosen = rng.choice(len(makers), count, p=shares / shares.sum())
    groups = [makers[index](rng, draw) for index in chosen]
    tightness = rng.choice([0.5, 0.65, 0.8, 1.1])
    return seen_from(rng, Layout('tabletop', 0.0, tuple(packed(rng, groups, tightness)), 0.0,
                                 bool(rng.random() < 0.12)), (20, 62), (0.35, 1.0))


def groceries(rng: np.random.Generator, household: list[Solid], photos: Photos) -> Layout:
    """Fill a carton, crate or tray, or a part of the table, with many goods that touch."""
    draw = drawer(rng, goods.GROCERIES, [], photos)
    container = list(CONTAINERS)[rng.choice(len(CONTAINERS), p=list(CONTAINERS.values()))]
    rows, placed, back = int(rng.integers(2, 5)), [], 0.0
    for _ in range(rows):
        line = row(rng, draw) + moved(row(rng, draw), np.array([0.35, 0.0]), 0.0)
        deep = max(item.solid.extent[:2].max() for item in line)
        placed += moved(line, np.array([-0.17, back]), rng.normal(0, 0.05))
        back += deep * rng.uniform(0.75, 1.0)
    placed = moved(placed, np.array([0.0, -back / 2]), 0.0)
    for number in range(int(rng.integers(0, 5)) if rng.random() < 0.6 else 0):  # thrown on top
        place = np.array([*rng.uniform(-0.15, 0.15, 2), 0.4 + 0.15 * number])
        solid = draw()
        placed.append(Placed(solid, float(solid.extent.max()), place, any_turn(rng)))
    layout = Layout('groceries', 0.0, tuple(placed), 0.0, bool(rng.random() < 0.6), container)
    elevation = (15, 60) if container in ('', 'tray') else (38, 88)
    return seen_from(rng, layout, elevation, (0.5, 1.15))


def shelf(rng: np.random.Generator, household: list[Solid], photos: Photos) -> Layout:
    """Stand goods of real size on a shelf, in one to three rows, and look into it."""
    kinds = goods.GROCERIES if rng.random() < 0.6 else goods.GOODS
    draw, placed, back = drawer(rng, kinds, household, photos), [], 0.0
    for _ in range(int(rng.integers(1, 4))):
        line = row(rng, draw)
        placed += moved(line, np.array([rng.normal(0, 0.05), back]), 0.0)
        back += max(item.solid.extent[:2].max() for item in line) * rng.uniform(0.8, 1.1)
    placed = moved(placed, np.array([0.0, -back / 2]), 0.0)
    layout = Layout('shelf', 0.0, tuple(placed), 0.0, False)
    return seen_from(rng, layout, (0, 25), (0.5, 1.2))


def bin_of_goods(rng: np.random.Generator, household: list[Solid], photos: Photos) -> Layout:
    """Throw many things of one kind or of many into a bin that is seen from above."""
    kinds = goods.GOODS if rng.random() < 0.5 else goods.GROCERIES
    draw, count = drawer(rng, kinds, household, photos), int(rng.integers(8, 26))
    if rng.random() < 0.35:
        alike = [draw() for _ in range(int(rng.integers(1, 3)))]
        solids = [alike[int(rng.integers(len(alike)))] for _ in range(count)]
    else:
        solids = [draw() for _ in range(count)]
    placed = thrown(rng, solids)
    container = ('crate', 'carton', 'clear')[rng.choice(3, p=[0.6, 0.2, 0.2])]
    layout = Layout('bin of goods', 0.0, tuple(placed), 0.0, False, container)
    return seen_from(rng, layout, (50, 89), (0.6, 1.3))


def heap(rng: np.random.Generator, household: list[Solid], photos: Photos) -> Layout:
    """Throw small parts onto a heap, into a tray or a bin: of one kind, or of a few."""
    kinds = [goods.draw_goods(rng, goods.PARTS, photos) for _ in range(int(rng.integers(1, 6)))]
    solids = [kinds[int(rng.integers(len(kinds)))] for _ in range(int(rng.integers(8, 42)))]
    container = ('', 'tray', 'crate')[rng.choice(3, p=[0.5, 0.25, 0.25])]
    layout = Layout('heap', 0.0, tuple(thrown(rng, solids)), 0.0,
                    bool(rng.random() < 0.6), container)
    return seen_from(rng, layout, (35, 89), (0.4, 1.2))


def drawer(rng: np.random.Generator, kinds: dict, household: list[Solid],
           photos: Photos) -> Draw:
    """
    Decide what a scene's things are drawn from: all goods, or only a few kinds of them.

    :param kinds: makers of goods, and how often each is taken.
    :return: a function that builds a thing, or one of the maker that it is given.
    """
    small = [solid for solid in household if solid.extent.max() < LARGEST]
    if rng.random() < 0.4:  # cartons alone, cartons and cans, bowls and cups, ...
        names = list(kinds)
        weights = np.array(list(kinds.values()))
        few = rng.choice(len(names), int(rng.integers(1, 4)), False, weights / weights.sum())
        kinds, small = {names[i]: kinds[names[i]] for i in few}, []

    def draw(make: goods.Maker | None = None) -> Solid:
        if make is not None:
            return make(rng, photos)
        if small and rng.random() < CATALOGUE_SHARE:
            return small[int(rng.integers(len(small)))]
        return goods.draw_goods(rng, kinds, photos)

    return draw


def packed(rng: np.random.Generator, groups: list[list[Placed]],
           tightness: float) -> list[Placed]:
    """
    Place groups near each other without their circles overlapping.

    :param tightness: how much of its circle a group claims; below 1 corners may interlock.
    """
    done: list[tuple[np.ndarray, float]] = []
    placed: list[Placed] = []
    for group in groups:
        radius, spread = reach(group) * tightness, 0.04
        while True:
            place = rng.normal(0, spread, 2)
            if all(np.linalg.norm(place - other) > radius + claimed for other, claimed in done):
                break
            spread *= 1.04
        done.append((place, radius))
        placed += moved(group, place, rng.uniform(0, 2 * np.pi))
    return placed


def thrown(rng: np.random.Generator, solids: list[Solid]) -> list[Placed]:
    """Hang things above a square in layers, turned at random, so that they fall onto a heap."""
    cell = 1.02 * float(np.mean([np.linalg.norm(solid.extent) for solid in solids]))
    most = max(float(np.linalg.norm(solid.extent)) for solid in solids)
    cell = (cell + most) / 2
    side = max(2, int(np.ceil(np.sqrt(len(solids) * rng.uniform(0.08, 0.3)))))
    placed = []
    for number, solid in enumerate(solids):
        layer, slot = divmod(number, side * side)
        place = (np.array(divmod(slot, side)) - (side - 1) / 2) * cell
        position = np.array([*(place + rng.uniform(-0.05, 0.05, 2) * cell),
                             (layer + 0.55) * most])
        turn = any_turn(rng) if rng.random() < 0.7 else standing(solid, np.zeros(2), rng.uniform(
            0, 6), int(rng.integers(3))).quaternion
        placed.append(Placed(solid, float(solid.extent.max()), position, turn))
    return placed


def any_turn(rng: np.random.Generator) -> np.ndarray:
    """Draw a quaternion, all directions alike."""
    turn = rng.normal(size=4)
    return turn / np.linalg.norm(turn)


def seen_from(rng: np.random.Generator, layout: Layout, elevation: tuple[float, float],
              filling: tuple[float, float]) -> Layout:
    """Complete a layout by its extent and the view of it."""
    radius = max(np.linalg.norm(p.position[:2]) + 0.3 * p.length for p in layout.placed)
    return replace(layout, radius=float(radius), elevation=float(rng.uniform(*elevation)),
                   filling=float(rng.uniform(*filling)))
