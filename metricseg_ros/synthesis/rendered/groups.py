# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Put things together as people do: stacks, leaning boxes, rows, one before the other, nested."""

from __future__ import annotations

from collections.abc import Callable

from metricseg_ros.synthesis.rendered import goods
from metricseg_ros.synthesis.rendered.layout import Placed
from metricseg_ros.synthesis.rendered.solids import Solid
import numpy as np

Draw = Callable[..., Solid]  # of one of the makers of goods, or of whatever the scene holds
GAP = 0.002  # metres left between things, so that physics need not push them apart


def about(axis: int, angle: float) -> np.ndarray:
    """Return the quaternion of a turn about x, y or z (0, 1, 2) by radians."""
    turn = np.zeros(4)
    turn[0], turn[1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return turn


def times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the quaternion that turns by b and then by a."""
    return np.concatenate([[a[0] * b[0] - a[1:] @ b[1:]],
                           a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])])


def laid(solid: Solid, up: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Lay a thing on one of its sides.

    :param up: which of its axes (0, 1, 2) points upwards.
    :return: the quaternion (4,), and the extent (3,) in metres as it lies.
    """
    x, y, z = solid.extent
    if up == 2:
        return about(2, 0.0), np.array([x, y, z])
    return ((about(1, np.pi / 2), np.array([z, y, x])) if up == 0
            else (about(0, np.pi / 2), np.array([x, z, y])))


def standing(solid: Solid, place: np.ndarray, yaw: float = 0.0, up: int = 2,
             height: float = 0.0) -> Placed:
    """
    Put a thing down.

    :param place: (2,) metres.
    :param up: which of its axes points upwards.
    :param height: of what it stands on, in metres.
    """
    turn, extent = laid(solid, up)
    position = np.array([*place, height + extent[2] / 2 + GAP])
    return Placed(solid, float(solid.extent.max()), position, times(about(2, yaw), turn))


def single(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Put down one thing, mostly upright."""
    up = 2 if rng.random() < 0.7 else int(rng.integers(3))
    return [standing(draw(), np.zeros(2), rng.uniform(0, 2 * np.pi), up)]


def stack(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Lay things upon each other: mostly flat, mostly the largest lowest, askew or aligned."""
    solids = [draw() for _ in range(int(rng.integers(2, 5)))]
    ups = [int(np.argmin(solid.extent)) if rng.random() < 0.75 else 2 for solid in solids]
    lying = [laid(solid, up)[1] for solid, up in zip(solids, ups)]
    order = np.argsort([-extent[0] * extent[1] for extent in lying])
    if rng.random() < 0.2:
        order = rng.permutation(len(solids))
    askew, height, place, placed = rng.choice([0.05, 0.4, 3.0]), 0.0, np.zeros(2), []
    for index in order:
        yaw = rng.normal(0, askew)
        placed.append(standing(solids[index], place, yaw, ups[index], height))
        place = place + rng.normal(0, 0.12, 2) * lying[index][:2]
        height += lying[index][2] + GAP
    return placed


def tower(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Stand things of one kind upon each other: cans, cartons, books."""
    make = (goods.can, goods.carton, goods.book)[rng.choice(3, p=[0.6, 0.2, 0.2])]
    pair, height, placed = (draw(make), draw(make)), 0.0, []
    for _ in range(int(rng.integers(2, 5))):
        solid = pair[int(rng.random() < 0.25)]
        place = rng.normal(0, 0.05, 2) * solid.extent[:2]
        placed.append(standing(solid, place, rng.normal(0, 0.4), 2, height))
        height += solid.extent[2] + GAP
    return placed


def leaning(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Lean a thing against another."""
    support, other = draw(), draw()
    tilt = np.radians(rng.uniform(10, 35))
    _, width, tall = other.extent
    foot = support.extent[1] / 2 + tall * np.sin(tilt) + width / 2 + GAP
    middle = np.array([rng.normal(0, 0.25) * support.extent[0],
                       -foot + tall / 2 * np.sin(tilt),
                       tall / 2 * np.cos(tilt) + width / 2 * np.sin(tilt) + GAP])
    turn = times(about(0, -tilt), about(2, np.pi * int(rng.integers(2))))
    return [standing(support, np.zeros(2)),
            Placed(other, float(other.extent.max()), middle, turn)]


def row(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Stand things side by side, touching or nearly, their fronts in line or not."""
    alike = draw() if rng.random() < 0.3 else None
    solids = [alike or draw() for _ in range(int(rng.integers(2, 6)))]
    turned = rng.random() < 0.4  # like books on a shelf
    widths = np.array([solid.extent[1 if turned else 0] for solid in solids])
    gaps = rng.uniform(GAP / 2, 0.006 if rng.random() < 0.7 else 0.03, len(solids))
    centres = np.cumsum(widths + gaps) - widths / 2
    centres -= centres.mean()
    rough = rng.choice([0.0, 0.06])
    placed = []
    for solid, centre in zip(solids, centres):
        deep = solid.extent[0 if turned else 1]
        front = deep / 2 + rng.normal(0, rough) * deep
        yaw = turned * np.pi / 2 + rng.normal(0, 0.02) * (rough > 0)
        placed.append(standing(solid, np.array([centre, front]), yaw))
    return placed


def before(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Stand things one before the other, so that the first hides much of the next."""
    placed, back = [], 0.0
    for _ in range(int(rng.integers(2, 4))):
        solid = draw()
        place = np.array([rng.normal(0, 0.3) * solid.extent[0], back + solid.extent[1] / 2])
        placed.append(standing(solid, place, rng.normal(0, 0.08)))
        back += solid.extent[1] + (GAP if rng.random() < 0.5 else rng.uniform(0, 0.06))
    return placed


def crossed(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Lay a long thing over another of another direction: the lower one is cut in two."""
    lower, upper = draw(), draw()
    ups = [int(np.argmin(solid.extent)) for solid in (lower, upper)]
    yaw = [0.0 if laid(solid, up)[1][0] > laid(solid, up)[1][1] else np.pi / 2
           for solid, up in zip((lower, upper), ups)]
    height = laid(lower, ups[0])[1][2]
    turn = yaw[1] + np.pi / 2 + rng.normal(0, 0.4)
    return [standing(lower, np.zeros(2), yaw[0], ups[0]),
            standing(upper, rng.normal(0, 0.01, 2), turn, ups[1], height + GAP)]


def nested(rng: np.random.Generator, draw: Draw) -> list[Placed]:
    """Put a bowl into a bowl, or small things into it."""
    outer = draw(goods.bowl)
    placed = [standing(outer, np.zeros(2))]
    radius, height = outer.extent[0] / 2, outer.extent[2]
    if rng.random() < 0.5:
        inner = goods.sized(draw(goods.bowl), 2 * radius * rng.uniform(0.55, 0.85))
        return [*placed, standing(inner, rng.normal(0, 0.04, 2) * radius, 0.0, 2,
                                  height * 0.25)]
    for number in range(int(rng.integers(1, 5))):
        solid = draw(goods.fruit)
        place = rng.uniform(-0.35, 0.35, 2) * radius
        placed.append(standing(solid, place, rng.uniform(0, 6), 2, height * (0.3 + 0.4 * number)))
    return placed


GROUPS: dict[Callable[[np.random.Generator, Draw], list[Placed]], float] = {
    single: 0.24, stack: 0.26, leaning: 0.1, row: 0.12, before: 0.12, tower: 0.06, crossed: 0.04,
    nested: 0.06}


def moved(group: list[Placed], place: np.ndarray, yaw: float) -> list[Placed]:
    """Turn a group about the vertical by radians, then move it to a place, (2,) metres."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return [Placed(item.solid, item.length,
                   np.array([*(turn @ item.position[:2] + place), item.position[2]]),
                   times(about(2, yaw), item.quaternion)) for item in group]


def reach(group: list[Placed]) -> float:
    """Return the radius in metres within which all of a group lies."""
    return max((float(np.linalg.norm(item.position[:2])
                      + np.linalg.norm(np.sort(item.solid.extent)[1:]) / 2) for item in group),
               default=0.0)
