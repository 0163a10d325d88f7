# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Invent goods of real size: cartons, cans, bottles, books, dishes, bags and small parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from metricseg_ros.synthesis import textures
from metricseg_ros.synthesis.rendered import prints, shapes, things
from metricseg_ros.synthesis.rendered.solids import Solid, solid_of, Surface
from metricseg_ros.synthesis.rendered.things import coloured
import numpy as np

Photos = list[np.ndarray]
Maker = Callable[[np.random.Generator, Photos], Solid]
# Width, depth and height in metres as a carton stands: least, most.
CARTONS = (((0.16, 0.045, 0.22), (0.21, 0.08, 0.32)),  # cereals
           ((0.12, 0.04, 0.15), (0.18, 0.07, 0.23)),  # crackers
           ((0.07, 0.03, 0.07), (0.10, 0.05, 0.13)),  # pudding
           ((0.11, 0.06, 0.06), (0.17, 0.09, 0.10)),  # tea
           ((0.08, 0.08, 0.08), (0.20, 0.20, 0.20)),
           ((0.22, 0.14, 0.09), (0.33, 0.22, 0.14)),  # shoes
           ((0.10, 0.03, 0.03), (0.18, 0.06, 0.06)),  # toothpaste, medicine
           ((0.14, 0.14, 0.02), (0.26, 0.24, 0.05)))  # chocolates, games
CARTON_WEIGHTS = (0.22, 0.2, 0.13, 0.13, 0.11, 0.05, 0.08, 0.08)
METALS = ((0.75, 0.75, 0.77), (0.55, 0.55, 0.58), (0.8, 0.65, 0.35), (0.3, 0.3, 0.32),
          (0.7, 0.45, 0.3))


def carton(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a carton of usual proportions, printed on every side."""
    low, high = CARTONS[rng.choice(len(CARTONS), p=CARTON_WEIGHTS)]
    size = rng.uniform(low, high)
    return solid_of('carton', [_wrapped(rng, size, photos)])


def gable_carton(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a carton of milk or juice with a roof."""
    side, high, roof = rng.uniform(0.065, 0.1), rng.uniform(0.13, 0.21), rng.uniform(0.03, 0.05)
    body = _wrapped(rng, np.array([side, side, high]), photos)
    top = shapes.box(np.array([side, side, roof]))
    narrow = np.where(top.vertices[:, 2:] > 0, [[1.0, 0.06, 1.0]], 1.0)
    top = shapes.finish(top.vertices * narrow + [0, 0, (high + roof) / 2], top.texcoords,
                        top.faces)
    return solid_of('carton', [body, replace(top, texture=body.texture, gloss=body.gloss)])


def book(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a book lying on its back: printed cover and spine, paper on three sides."""
    size = rng.uniform([0.11, 0.15, 0.008], [0.22, 0.3, 0.05])
    texture = prints.wrap_box(rng, size, photos)
    pages = rng.uniform(190, 250) * (1 - 0.12 * rng.random((prints.CELL, 1, 1)))
    for number in (1, 2, 3):  # the first side is the spine
        row, col = (n * prints.CELL for n in divmod(number, 3))
        texture[row:row + prints.CELL, col:col + prints.CELL] = pages.astype(np.uint8)
    return solid_of('book', [replace(shapes.box(size), texture=texture,
                                     gloss=rng.random() * 0.6)])


def can(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a can: of soup, drink or fish, a tall tube, or a wide tin."""
    low, high = (((0.03, 0.06), (0.045, 0.13)), ((0.026, 0.11), (0.034, 0.17)),
                 ((0.035, 0.03), (0.06, 0.06)), ((0.036, 0.2), (0.045, 0.27)),
                 ((0.07, 0.05), (0.12, 0.1)))[rng.choice(5, p=[0.45, 0.2, 0.12, 0.13, 0.1])]
    radius, tall = rng.uniform(low, high)
    mantle = shapes.lathe(np.full(2, radius), np.array([tall, 0.0]))
    lip = radius * np.array([0.0, 0.9, 0.93, 1.0, 1.015, 1.0])
    top = shapes.lathe(lip, tall + 0.003 * np.array([-1.2, -1.2, 0.8, 0.8, 0.4, 0.0]))
    foot = shapes.lathe(radius * np.array([1.0, 1.015, 1.0, 0.0]),
                        0.003 * np.array([0.0, -0.4, -0.8, -0.8]))
    metal = _metal(rng, top) if rng.random() < 0.7 else coloured(rng, top)
    label = _labelled(rng, mantle, tall / (2 * np.pi * radius), photos)
    return solid_of('can', [label, metal, replace(foot, colour=metal.colour, gloss=0.8)])


def bottle(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a bottle or jar: round or flattened, with label and cap."""
    tall, slim = rng.uniform(0.12, 0.32), rng.uniform(0.11, 0.2)
    wide, neck, shoulder = tall * slim, rng.uniform(0.25, 0.95), rng.uniform(0.5, 0.85)
    profile = np.array([[neck, 0.97], [neck, shoulder + 0.6 * (1 - shoulder)], [0.9, shoulder],
                        [1.0, shoulder - 0.08], [rng.uniform(0.88, 1.0), shoulder / 2],
                        [1.0, 0.06], [0.92, 0.0], [0.0, 0.0]])
    body = coloured(rng, shapes.lathe(profile[:, 0] * wide, profile[:, 1] * tall))
    cap_width = neck * rng.uniform(1.0, 1.15) * wide
    cap = shapes.lathe(np.array([0.0, cap_width, cap_width]),
                       np.array([1.0, 1.0, rng.uniform(0.86, 0.94)]) * tall)
    parts = [body, coloured(rng, cap)]
    if rng.random() < 0.85:
        ends = np.array([shoulder - 0.09, rng.uniform(0.08, 0.25)]) * tall
        band = shapes.lathe(np.full(2, 1.012 * wide), ends)
        parts.append(_labelled(rng, band, np.ptp(ends) / (2 * np.pi * wide), photos))
    flat = np.float32([1, rng.uniform(0.5, 0.8) if rng.random() < 0.4 else 1, 1])
    parts = [replace(part, vertices=part.vertices * flat) for part in parts]
    return solid_of('bottle', parts)


def mug(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a mug, glass or beaker, with or without a handle."""
    radius, tall, foot = rng.uniform(0.03, 0.05), rng.uniform(0.06, 0.14), rng.uniform(0.65, 1.0)
    parts = [_dish_colour(rng, _vessel(radius, tall, foot), photos)]
    if rng.random() < 0.55:
        angle = np.linspace(-np.pi / 2, np.pi / 2, 9)
        path = np.stack([radius * 0.93 + 0.5 * radius * np.cos(angle), 0 * angle,
                         tall * (0.5 + 0.3 * np.sin(angle))], 1)
        parts.append(replace(shapes.tube(path, np.full(9, 0.006)), colour=parts[0].colour))
    return solid_of('cup', parts)


def bowl(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a bowl or pot that things can lie in: it collides as a floor and a rim."""
    radius = rng.uniform(0.05, 0.13)
    surface = _vessel(radius, radius * rng.uniform(0.5, 1.1), rng.uniform(0.45, 0.9), steps=36)
    parts = [_dish_colour(rng, surface, photos)]
    centre = (surface.vertices.min(0) + surface.vertices.max(0)) / 2
    parts = [replace(part, vertices=part.vertices - centre) for part in parts]
    return Solid('bowl', tuple(parts), tuple(things.rim_hulls(parts[0].vertices, 37)))


def lidded_pot(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a pot with a lid and two handles."""
    radius, tall = rng.uniform(0.06, 0.12), rng.uniform(0.05, 0.13)
    body = coloured(rng, shapes.lathe(radius * np.array([1.0, 1.0, 0.85, 0.0]),
                                      tall * np.array([1.0, 0.3, 0.0, 0.0])))
    lid = shapes.lathe(radius * np.array([0.0, 0.12, 0.12, 0.6, 1.03, 1.03]),
                       tall * np.array([1.35, 1.33, 1.2, 1.12, 1.02, 0.98]))
    grips = [shapes.superquadric(np.array([0.05, 0.035, 0.015]), (0.5, 0.7), steps=12)
             for _ in range(2)]
    lid = (replace(lid, colour=body.colour, gloss=body.gloss) if rng.random() < 0.6
           else coloured(rng, lid))
    handles = [replace(grip, vertices=grip.vertices + np.float32([sign * radius, 0, tall * 0.8]),
                       colour=lid.colour) for sign, grip in zip((-1, 1), grips)]
    return solid_of('pot', [body, lid, *handles])


def pouch(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a bag of crisps, coffee or flour."""
    size = rng.uniform([0.1, 0.14, 0.03], [0.2, 0.26, 0.09])
    surface = shapes.superquadric(size, (rng.uniform(0.5, 0.9), rng.uniform(0.15, 0.5)),
                                  things.bumps(rng, rng.uniform(0.02, 0.12)))
    return solid_of('bag', [_labelled(rng, surface, 0.7, photos)])


def fruit(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build fruit of 4 to 10 cm."""
    return sized(things.fruit(rng, photos), rng.uniform(0.04, 0.1))


def tool(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a tool or pen of 12 to 28 cm."""
    make = things.tool if rng.random() < 0.7 else things.pen
    return sized(make(rng, photos), rng.uniform(0.12, 0.28))


def invented(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build anything else of 5 to 25 cm."""
    return sized(things.invent(rng, photos), rng.uniform(0.05, 0.25))


def bolt(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a bolt or screw of 2 to 6 cm, lying along x."""
    length, radius = rng.uniform(0.02, 0.06), rng.uniform(0.002, 0.006)
    x = np.array([0.0, 0.0, 0.85, 1.0, 1.0]) * length
    shaft = shapes.tube(np.stack([x + [-1e-5, 0, 0, 0, 1e-5], 0 * x, 0 * x], 1),
                        radius * np.array([0, 1, 1, rng.uniform(0.1, 1), 0]), 10)
    angle = np.linspace(0, 2 * np.pi, 6 if rng.random() < 0.6 else 20, endpoint=False)
    outline = radius * rng.uniform(1.6, 2.2) * np.stack([np.cos(angle), np.sin(angle)], 1)
    head = shapes.prism(outline, radius * rng.uniform(0.8, 2.0))
    vertices = head.vertices[:, [2, 0, 1]]
    head = shapes.finish(vertices, head.texcoords, head.faces)
    metal = _metal(rng, shaft)
    return solid_of('bolt', [metal, replace(head, colour=metal.colour, gloss=metal.gloss)])


def nut(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a nut, washer or ring of 1 to 3 cm."""
    angle = np.linspace(0, 2 * np.pi, (7, 25)[int(rng.integers(2))])
    path = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    radius = rng.uniform(0.005, 0.015)
    tube = shapes.tube(radius * path, np.full(len(angle), radius * rng.uniform(0.15, 0.4)))
    return solid_of('nut', [_metal(rng, tube)])


def pill(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a pill, sweet, bean or pebble of 8 to 30 mm."""
    size = rng.uniform(0.008, 0.03) * np.array([1.0, rng.uniform(0.4, 1), rng.uniform(0.3, 0.8)])
    surface = shapes.superquadric(size, (rng.uniform(0.5, 1), rng.uniform(0.6, 1)), steps=16)
    return solid_of('pill', [coloured(rng, surface)])


def block(rng: np.random.Generator, photos: Photos) -> Solid:
    """Build a wooden or plastic block of 1 to 6 cm, with or without studs."""
    size = rng.uniform(0.012, 0.05) * np.sort(rng.uniform(0.35, 1.0, 3))[::-1]
    surface = shapes.box(size)
    if rng.random() < 0.35:
        grain = np.clip(textures.wood(rng, (64, 64)), 0, 255).astype(np.uint8)
        return solid_of('block', [replace(surface, texture=grain, gloss=0.1)])
    surface = coloured(rng, surface)
    stud = shapes.lathe(np.array([0.0, 0.3, 0.3]), np.array([0.2, 0.2, 0.0]), 10)
    pitch, number = size[1] / 2, max(1, int(size[0] / (size[1] / 2)))
    stud = replace(stud, vertices=stud.vertices * np.float32(pitch), colour=surface.colour)
    places = [np.array([(i + 0.5 - number / 2) * pitch, (j - 0.5) * pitch, size[2] / 2])
              for i in range(number) for j in range(2)]
    return solid_of('block', [surface, *(things.merged(stud, places) * (rng.random() < 0.5))])


GOODS: dict[Maker, float] = {carton: 5.0, gable_carton: 0.7, can: 2.5, bottle: 1.6, mug: 1.0,
                             bowl: 0.8, book: 0.8, lidded_pot: 0.3, pouch: 0.6, fruit: 0.5,
                             tool: 0.5, invented: 0.7}
GROCERIES: dict[Maker, float] = {carton: 5.0, gable_carton: 1.2, can: 4.0, bottle: 2.5,
                                 pouch: 1.0, fruit: 0.4}
PARTS: dict[Maker, float] = {bolt: 3.0, nut: 1.0, pill: 2.0, block: 2.5}


def draw_goods(rng: np.random.Generator, kinds: dict[Maker, float], photos: Photos) -> Solid:
    """
    Build one of several kinds.

    :param kinds: their makers, and how often each is taken.
    :param photos: (H,W,3) uint8 pictures that may be printed on it.
    :return: the solid, its extent in metres.
    """
    weights = np.array(list(kinds.values()))
    return list(kinds)[rng.choice(len(kinds), p=weights / weights.sum())](rng, photos)


def sized(solid: Solid, length: float) -> Solid:
    """Scale a thing so that its longest side is of a length in metres."""
    scale = np.float32(length / solid.extent.max())
    surfaces = (replace(s, vertices=s.vertices * scale) for s in solid.surfaces)
    return Solid(solid.name, tuple(surfaces), tuple(hull * scale for hull in solid.hulls))


def _wrapped(rng: np.random.Generator, size: np.ndarray, photos: Photos) -> Surface:
    if rng.random() < 0.08:
        return coloured(rng, shapes.box(size))
    return replace(shapes.box(size), texture=prints.wrap_box(rng, size, photos),
                   gloss=rng.random() * 0.5)


def _labelled(rng: np.random.Generator, surface: Surface, aspect: float,
              photos: Photos) -> Surface:
    return replace(surface, texture=prints.wrap_round(rng, aspect, photos),
                   gloss=rng.random() * 0.7)


def _metal(rng: np.random.Generator, surface: Surface) -> Surface:
    tone = np.clip(np.array(METALS[int(rng.integers(len(METALS)))]) + rng.normal(0, 0.05), 0, 1)
    return replace(surface, colour=(*tone, 1.0), gloss=rng.uniform(0.5, 1.0))


def _dish_colour(rng: np.random.Generator, surface: Surface, photos: Photos) -> Surface:
    kind = rng.random()
    if kind < 0.35:
        tint = np.clip(rng.uniform(0.8, 1.0) * (1 - rng.uniform(0, 0.1, 3)), 0, 1)
        return replace(surface, colour=(*tint, 1.0), gloss=rng.random())
    return coloured(rng, surface) if kind < 0.75 else _labelled(rng, surface, 0.4, photos)


def _vessel(radius: float, tall: float, foot: float, steps: int = 24) -> Surface:
    wall = min(0.06, 0.003 / radius)
    radii = np.array([0.0, foot - wall, 1 - 1.5 * wall, 1.0, (1 + foot) / 2, foot, 0.0]) * radius
    heights = np.array([0.05, 0.06, 0.99, 1.0, 0.45, 0.0, 0.0]) * tall
    return shapes.lathe(radii, heights, steps)
