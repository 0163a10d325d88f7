# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Invent solid things: packets, cans, bottles, fruit, tools, boards, plates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from metricseg_ros.synthesis import textures
from metricseg_ros.synthesis.composed import flat_things
from metricseg_ros.synthesis.rendered import shapes
from metricseg_ros.synthesis.rendered.solids import Solid, solid_of, support_points, Surface
import numpy as np

TEXTURE_SIZE = (128, 128)
Photos = list[np.ndarray]


def printed_box(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a carton: any proportions, every face printed differently."""
    size = rng.uniform(0.25, 1.0, 3)
    return solid_of('box', [_printed(rng, photos, shapes.box(size))])


def packet(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build something flat: a card, booklet, pouch or slice."""
    size = np.array([1.0, rng.uniform(0.4, 1.0), rng.uniform(0.015, 0.12)])
    if rng.random() < 0.5:
        return solid_of('card', [_printed(rng, photos, shapes.box(size))])
    squareness = (rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.6))
    surface = shapes.superquadric(size, squareness, bumps(rng, rng.uniform(0, 0.06)))
    return solid_of('pouch', [_either(rng, photos, surface)])


def rounded_box(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a soap bar, device or bun: a box with round edges."""
    squareness = tuple(rng.uniform(0.15, 0.7, 2))
    surface = shapes.superquadric(rng.uniform(0.3, 1.0, 3), squareness,
                                  bumps(rng, rng.uniform(0, 0.08)))
    return solid_of('bar', [_either(rng, photos, surface)])


def fruit(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a round, egg-shaped or lumpy thing with an organic skin."""
    size = np.array([1.0, rng.uniform(0.7, 1.0), rng.uniform(0.6, 1.0)])
    surface = shapes.superquadric(size, (1.0, 1.0), bumps(rng, rng.uniform(0, 0.2)))
    skin = np.clip(textures.organic(rng, TEXTURE_SIZE), 0, 255).astype(np.uint8)
    return solid_of('fruit', [replace(surface, texture=skin, gloss=rng.random() * 0.5)])


def ball(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a printed ball."""
    return solid_of('ball', [_either(rng, photos, shapes.superquadric(np.ones(3), (1.0, 1.0)))])


def can(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a can or tub: a printed mantle between two plain ends."""
    height, lip = rng.uniform(0.25, 2.2), rng.uniform(0.9, 1.0)
    mantle = shapes.lathe(np.array([0.5, 0.5 * rng.uniform(0.8, 1.0)]),
                          np.array([height, 0.0]))
    top = shapes.lathe(np.array([0.0, 0.5 * lip - 0.02, 0.5 * lip, 0.5]),
                       np.array([-0.02, -0.02, 0.0, 0.0]) + height)
    bottom = shapes.lathe(np.array([0.4, 0.0]), np.array([0.0, 0.0]))
    metal = coloured(rng, top)
    return solid_of('can', [_printed(rng, photos, mantle), metal,
                            replace(bottom, colour=metal.colour)])


def bottle(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a bottle, jar or vase with a label and a cap."""
    neck, shoulder = rng.uniform(0.12, 0.4), rng.uniform(0.5, 0.75)
    body = shapes.lathe(
        np.array([neck, neck, 0.5, 0.5 * rng.uniform(0.85, 1.0), 0.5, 0.45, 0.0]) * 0.7,
        np.array([1.0, shoulder + 0.15, shoulder, shoulder / 2, 0.05, 0.0, 0.0]) * 1.6)
    label = shapes.lathe(np.full(2, 0.36), np.array([0.75, 0.2]) * shoulder * 1.6)
    cap = shapes.lathe(np.array([0.0, neck, neck]) * 0.75, np.array([1.7, 1.7, 1.5]))
    parts = [coloured(rng, body), coloured(rng, cap)]
    return solid_of('bottle', parts + [_printed(rng, photos, label)] * (rng.random() < 0.7))


def cup(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build an open cup, mug or bowl, with or without a handle."""
    height, foot = rng.uniform(0.35, 1.2), rng.uniform(0.5, 1.0)
    radii = np.array([0.0, 0.42 * foot, 0.45, 0.5, 0.5 * foot, 0.4 * foot, 0.0])
    heights = np.array([0.06, 0.07, 0.98, 1.0, 0.03, 0.0, 0.0]) * height
    parts = [_either(rng, photos, shapes.lathe(radii, heights))]
    if rng.random() < 0.5:
        angle = np.linspace(-np.pi / 2, np.pi / 2, 9)
        path = np.stack([0.46 + 0.25 * np.cos(angle), 0 * angle,
                         height * (0.5 + 0.3 * np.sin(angle))], 1)
        handle = shapes.tube(path, np.full(9, 0.05))
        parts.append(replace(handle, colour=parts[0].colour if parts[0].texture is None
                             else coloured(rng, handle).colour))
    return solid_of('cup', parts)


def pen(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a long thin rod: pen, screwdriver, cutlery handle, cable."""
    length = np.linspace(-0.5, 0.5, 12)
    bend = rng.normal(0, 0.04 if rng.random() < 0.6 else 0.25)
    path = np.stack([length, bend * np.cos(np.pi * length), 0 * length], 1)
    profile = rng.uniform(0.02, 0.06) * np.where(length < rng.uniform(-0.3, 0.5), 1.0,
                                                 rng.uniform(0.3, 1.0))
    profile[[0, -1]] = 0.0
    return solid_of('rod', [_either(rng, photos, shapes.tube(path, profile))])


def tool(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a handle with a head of another material: hammer, spoon, brush, wrench."""
    length = np.array([-0.6, -0.6, -0.2, 0.25, 0.25])
    path = np.stack([length + [-1e-3, 0, 0, 0, 1e-3], 0 * length, 0 * length], 1)
    handle = shapes.tube(path, np.array([0, 1, 1, 0.8, 0]) * rng.uniform(0.03, 0.08))
    size = np.array([rng.uniform(0.12, 0.5), rng.uniform(0.12, 0.5), rng.uniform(0.02, 0.16)])
    kind = rng.integers(3)
    if kind == 0:
        head = shapes.box(size)
    elif kind == 1:
        head = shapes.superquadric(size, (1.0, 1.0))
    else:
        head = shapes.prism(_outline(rng) * size[:2], size[2])
    vertices = head.vertices + np.array([0.25 + size[0] * 0.35, 0, 0], np.float32)
    return solid_of('tool', [_either(rng, photos, handle),
                             coloured(rng, replace(head, vertices=vertices))])


def plaque(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build an extruded outline: gear, biscuit, bracket, letter-like shape."""
    surface = shapes.prism(_outline(rng), rng.uniform(0.04, 0.4))
    return solid_of('plaque', [_either(rng, photos, surface)])


def ring(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a ring: roll of tape, bangle, washer."""
    angle = np.linspace(0, 2 * np.pi, 25)
    path = np.stack([0.4 * np.cos(angle), 0.4 * np.sin(angle), 0 * angle], 1)
    surface = shapes.tube(path, np.full(25, rng.uniform(0.03, 0.14)))
    return solid_of('ring', [_either(rng, photos, surface)])


def blister_pack(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a plate with rows of bubbles: blister pack, keyboard, remote control."""
    size = np.array([1.0, rng.uniform(0.25, 0.9), rng.uniform(0.02, 0.07)])
    sheet = shapes.box(size)
    parts = [_printed(rng, photos, sheet) if rng.random() < 0.4 else coloured(rng, sheet)]
    return solid_of('blister pack', parts + _bubbles(rng, size))


def circuit_board(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a circuit board: drawn tracks and parts, and some parts that stand up."""
    drawing, _ = flat_things.circuit_board(rng, photos)
    height, width = drawing.shape[:2]
    size = np.array([1.0, height / width, rng.uniform(0.02, 0.07)])
    sheet = shapes.box(size)
    # The top is the last of the six parts of a box's texture, three in a row.
    texture = np.empty((2 * height, 3 * width, 3), np.uint8)
    texture[:] = np.clip(drawing[0, 0], 0, 255)
    texture[height:, 2 * width:] = np.clip(drawing, 0, 255)
    sheet = replace(sheet, texture=texture, gloss=rng.random() * 0.5)
    return solid_of('circuit board', [sheet, *_chips(rng, size)])


def morsel(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a slice, cube or patty of food: browned, pale inside or marbled."""
    brown = np.array([rng.uniform(150, 245), rng.uniform(0.6, 0.9), rng.uniform(0.4, 0.8)])
    colour = brown[0] * np.array([1.0, brown[1], brown[1] * brown[2]])
    noise = textures.fractal_noise(rng, TEXTURE_SIZE, 1.0, rng.uniform(0.5, 0.9))[..., None]
    skin = colour * (1 + rng.uniform(0.1, 0.7) * (noise - 0.5))
    thick = rng.uniform(0.08, 0.5)
    if rng.random() < 0.5:
        size = np.array([1.0, rng.uniform(0.5, 1.0), thick])
        squareness = (rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.9))
        surface = shapes.superquadric(size, squareness, bumps(rng, rng.uniform(0, 0.15)))
    else:
        surface = shapes.prism(_outline(rng), thick)
    skin = np.clip(skin, 0, 255).astype(np.uint8)
    return solid_of('food', [replace(surface, texture=skin, gloss=rng.random() * 0.4)])


def plate(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a plate or tray that things can lie in: it collides as a floor and a rim."""
    height, floor = rng.uniform(0.06, 0.16), rng.uniform(0.6, 0.8) / 2
    radii = np.array([0.0, floor, 0.49, 0.5, 0.49, floor, 0.0])
    heights = np.array([0.02, 0.02, height, height, height - 0.02, 0.0, 0.0])
    surface = shapes.lathe(radii, heights, 40)
    square = rng.random() < 0.25
    if square:
        surface = replace(surface, vertices=_squared(surface.vertices))
    decorated = rng.random() < 0.35
    surface = _printed(rng, photos, surface) if decorated else _pale(rng, surface)
    return Solid('plate', (surface,), tuple(rim_hulls(surface.vertices, 41)))


FAMILIES: tuple[tuple[float, Callable[[np.random.Generator, Photos], Solid]], ...] = (
    (3.0, printed_box), (3.0, packet), (2.0, rounded_box), (2.5, fruit), (0.7, ball),
    (2.0, can), (1.5, bottle), (1.5, cup), (1.5, pen), (1.5, tool), (1.0, plaque),
    (0.5, ring), (0.9, blister_pack), (0.9, circuit_board), (0.7, morsel))
FLAT = (packet, blister_pack, circuit_board, plaque)
SMALL = (morsel, morsel, morsel, packet, rounded_box, fruit, plaque, printed_box)
STANDING = (printed_box, printed_box, can, can, bottle, bottle, cup, plate)
WIDE = (circuit_board, circuit_board, blister_pack, packet, printed_box, printed_box)


def invent(rng: np.random.Generator, photos: Photos) -> Solid:
    """
    Build one thing of a random family, about one metre long.

    :param photos: (H,W,3) uint8 pictures that may be printed on it.
    :return: the solid; scale it to the size wanted.
    """
    weights = np.array([weight for weight, _ in FAMILIES])
    return FAMILIES[rng.choice(len(FAMILIES), p=weights / weights.sum())][1](rng, photos)


def _printed(rng: np.random.Generator, photos: Photos, surface: Surface) -> Surface:
    texture = textures.print_label(rng, TEXTURE_SIZE, photos)
    return replace(surface, texture=texture, gloss=rng.random() * 0.7)


def coloured(rng: np.random.Generator, surface: Surface) -> Surface:
    """Give a surface one random colour and gloss."""
    return replace(surface, colour=(*(textures.colour(rng) / 255), 1.0), gloss=rng.random())


def _pale(rng: np.random.Generator, surface: Surface) -> Surface:
    tint = np.clip(rng.uniform(0.75, 1.0) * (1 - rng.uniform(0, 0.08, 3)), 0, 1)
    return replace(surface, colour=(*tint, 1.0), gloss=rng.random())


def _either(rng: np.random.Generator, photos: Photos, surface: Surface) -> Surface:
    kind = rng.random()
    if kind < 0.35:
        return _printed(rng, photos, surface)
    if kind < 0.65:
        skin = np.clip(textures.organic(rng, TEXTURE_SIZE), 0, 255).astype(np.uint8)
        return replace(surface, texture=skin)
    return coloured(rng, surface)


def bumps(rng: np.random.Generator, amount: float) -> np.ndarray:
    """Draw factors of the radius for :func:`shapes.superquadric`, (13,25), within 1 +- amount."""
    noise = textures.fractal_noise(rng, (13, 24), 1.0, 0.5)
    noise[[0, -1]] = noise[[0, -1]].mean(1, keepdims=True)
    return 1 + amount * (2 * np.concatenate([noise, noise[:, :1]], 1) - 1)


def _outline(rng: np.random.Generator) -> np.ndarray:
    corners = int(rng.integers(3, 9))
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = 0.5 * (1 + rng.uniform(0, 0.35) * np.sign(np.cos(corners * angle)))
    if rng.random() < 0.6:
        radius = 0.5 * np.cos(np.pi / corners) / np.cos(
            (angle % (2 * np.pi / corners)) - np.pi / corners)
    outline = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return outline * [1.0, rng.uniform(0.4, 1.0)]


def _bubbles(rng: np.random.Generator, size: np.ndarray) -> list[Surface]:
    cols, rows = int(rng.integers(3, 7)), int(rng.integers(2, 4))
    cell = np.array([size[0] / cols, size[1] / rows])
    bubble = coloured(rng, shapes.superquadric(
        np.array([*(cell * 0.7), cell.min() * 0.5]), (1.0, rng.uniform(0.4, 1.0)), steps=12))
    places = [((col + 0.5) * cell[0] - size[0] / 2, (row + 0.5) * cell[1] - size[1] / 2)
              for col in range(cols) for row in range(rows)]
    return merged(bubble, [np.array([x, y, size[2] / 2]) for x, y in places])


def merged(surface: Surface, places: list[np.ndarray]) -> list[Surface]:
    """Repeat a surface at places of (3,) metres, as one surface."""
    count = len(surface.vertices)
    vertices = np.concatenate([surface.vertices + place for place in places])
    return [replace(
        surface, vertices=vertices.astype(np.float32),
        normals=np.tile(surface.normals, (len(places), 1)),
        texcoords=np.tile(surface.texcoords, (len(places), 1)),
        faces=np.concatenate([surface.faces + i * count for i in range(len(places))]))]


def _chips(rng: np.random.Generator, size: np.ndarray) -> list[Surface]:
    parts = []
    for _ in range(int(rng.integers(3, 9))):
        chip = rng.uniform(0.06, 0.35, 3) * [1, 1, 0.5] * [1, size[1], size[1]]
        place = (rng.random(2) - 0.5) * (size[:2] - chip[:2])
        surface = coloured(rng, shapes.box(chip))
        shift = np.array([*place, (size[2] + chip[2]) / 2], np.float32)
        parts.append(replace(surface, vertices=surface.vertices + shift))
    return parts


def _squared(vertices: np.ndarray) -> np.ndarray:
    flat = vertices[:, :2]
    radius = np.linalg.norm(flat, axis=1, keepdims=True)
    largest = np.abs(flat).max(1, keepdims=True)
    wide = np.where(largest > 1e-9, radius / np.maximum(largest, 1e-9), 1.0)
    return np.column_stack([flat * wide**0.85, vertices[:, 2]]).astype(np.float32)


def rim_hulls(vertices: np.ndarray, around: int) -> list[np.ndarray]:
    """
    Cut an open dish into convex parts, so that things can lie in it.

    :param vertices: (7 * around, 3) rings of a lathe: centre, edge of the floor, inner rim, rim,
        outside, foot, centre.
    :param around: points of a ring.
    :return: the points of the floor, and of twelve parts of the wall.
    """
    rings = vertices.reshape(7, around, 3)
    floor = support_points(np.concatenate([rings[1], rings[5]]))
    cuts = np.linspace(0, around - 1, 13).astype(int)
    walls = [rings[1:6, a:b + 1].reshape(-1, 3) for a, b in zip(cuts[:-1], cuts[1:])]
    return [floor, *(support_points(wall) for wall in walls)]
