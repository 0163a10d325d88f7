# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Furnish the surroundings of the things: table, bin, shelf, floor, walls, furniture, lamps."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.synthesis import textures
from metricseg_ros.synthesis.rendered import prints, shapes
from metricseg_ros.synthesis.rendered.layout import Layout
from metricseg_ros.synthesis.rendered.solids import Solid, Surface
from metricseg_ros.synthesis.rendered.view import WALLED
from metricseg_ros.synthesis.rendered.world import (
    CLEAR_GROUP,
    COLLISION_GROUP,
    draw_solid,
    World,
)
import mujoco
import numpy as np

FLOOR = -0.75  # metres below the tabletop
COVER_SIZE = (256, 256)
# Least and most height of a container's walls, in half its width.
WALL_HEIGHTS = {'bin': (0.35, 1.0), 'crate': (0.35, 1.0), 'carton': (0.4, 1.1),
                'tray': (0.06, 0.2), 'clear': (0.35, 1.0)}
Photos = list[np.ndarray]


def furnish(world: World, rng: np.random.Generator, layout: Layout, elevation: float,
            furniture: list[Solid], photos: Photos) -> None:
    """
    Add everything that is background.

    :param layout: what lies on the table, whose top is at z = 0.
    :param elevation: of the camera in degrees; low views see more of the room.
    :param furniture: models to stand around, may be empty.
    """
    reach = _add_table(world, rng, layout, photos)
    if layout.container:
        _add_container(world, rng, layout, photos)
    if layout.arrangement == 'shelf':
        _add_shelf(world, rng, layout, photos)
    _add_plane(world, rng, np.array([0, 0, FLOOR]), np.array([0.0, 0, 1]), photos)
    if elevation < WALLED:
        _add_walls(world, rng, photos)
        for _ in range(int(rng.integers(0, 4)) if furniture else 0):
            _add_furniture(world, rng, furniture[int(rng.integers(len(furniture)))], reach)
    _add_lamps(world, rng)


def _add_table(world: World, rng: np.random.Generator, layout: Layout, photos: Photos) -> float:
    """Add the table, and return how far from its middle its sides are in metres."""
    width, depth = layout.radius * rng.uniform(1.3, 3.5, 2) + 0.1
    if layout.arrangement == 'shelf':
        width, depth = layout.radius, max(p.position[1] + p.length / 2 for p in layout.placed)
    elif rng.random() < 0.4:
        width, depth = 4.0, 4.0
    size = np.array([2 * width, 2 * depth, 0.04])
    repeat = float(max(size[:2]) / rng.uniform(0.3, 1.5))
    top = np.array([[[-1, -1], [-1, 1]], [[1, -1], [1, 1]]]) * [width, depth]
    sheet = shapes.grid_surface(np.concatenate([top, np.zeros((2, 2, 1))], -1)[:, ::-1])
    sheet = replace(sheet, texcoords=sheet.texcoords * np.float32(repeat))
    sheet = _covered(rng, sheet, photos)
    body = world.spec.worldbody.add_body(pos=[0, 0, 0])
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=size / 2 + [0, 0, 0.03],
                  pos=[0, 0, -0.05], group=COLLISION_GROUP, friction=[0.7, 0.01, 0.004])
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=size / 2 - [1e-3, 1e-3, 0],
                  pos=[0, 0, -0.021], contype=0, conaffinity=0,
                  rgba=[*(textures.colour(rng) / 255), 1])
    draw_solid(world, body, Solid('table', (sheet,), ()), 1.0)
    return float(max(width, depth))


def _add_container(world: World, rng: np.random.Generator, layout: Layout,
                   photos: Photos) -> None:
    inner = max(layout.radius * (0.7 if layout.filling else 1.0), 0.03) * rng.uniform(1, 1.3, 2)
    inner *= max([1.0, *(np.abs(p.position[:2]).max() / inner.min() for p in layout.placed)])
    height = inner.mean() * rng.uniform(*WALL_HEIGHTS[layout.container])
    thick = rng.uniform(0.002, 0.03) * inner.mean()
    wall = _wall_surface(rng, layout.container, photos)
    material = world.material(wall)
    clear = CLEAR_GROUP if layout.container == 'clear' else 0
    for axis in range(2):
        for sign in (-1, 1):
            size = np.array([inner[0] + thick, inner[1] + thick, height / 2])
            size[axis] = thick
            place = np.array([0.0, 0.0, height / 2])
            place[axis] = sign * (inner[axis] + thick)
            # The unseen part of the wall is higher, so that things fall inside; not on a tray.
            tall = height if layout.container == 'tray' else 1.0
            world.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[*size[:2], tall],
                                          pos=[*place[:2], tall], group=COLLISION_GROUP)
            world.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=size, pos=place,
                                          material=material, contype=0, conaffinity=0,
                                          group=clear)
            if layout.container == 'carton':
                _add_flap(world, rng, axis, place, size, material)
    floor = _covered(rng, shapes.box(np.ones(3)), photos, 0.25) if rng.random() < 0.3 else wall
    if layout.container != 'clear':
        world.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[*inner, 0.0005],
                                      pos=[0, 0, 0.0008], material=world.material(floor),
                                      contype=0, conaffinity=0)


def _wall_surface(rng: np.random.Generator, container: str, photos: Photos) -> Surface:
    board = shapes.box(np.ones(3))
    if container == 'carton':
        return replace(board, texture=prints.cardboard(rng, COVER_SIZE), gloss=0.0)
    if container == 'clear':
        return replace(board, colour=(*rng.uniform(0.75, 1.0, 3), rng.uniform(0.12, 0.3)),
                       gloss=1.0)
    return _covered(rng, board, photos, 0.25)


def _add_flap(world: World, rng: np.random.Generator, axis: int, place: np.ndarray,
              size: np.ndarray, material: str) -> None:
    # Folded outwards from the upper edge of a wall, hanging or standing off.
    outwards, half = np.sign(place[axis]), min(size[2], 0.5 * size[1 - axis]) * 0.9
    droop = rng.uniform(-0.5, 1.3)  # radians below the horizontal
    shape = size.copy()
    shape[axis], shape[2] = half, size[axis]
    centre = place.copy()
    centre[axis] += outwards * half * np.cos(droop)
    centre[2] = 2 * size[2] - half * np.sin(droop)
    turn = np.zeros(4)
    turn[0], turn[2 - axis] = np.cos(droop / 2), np.sin(droop / 2) * outwards * (1 - 2 * axis)
    world.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=shape, pos=centre,
                                  quat=turn, material=material, contype=0, conaffinity=0)


def _add_shelf(world: World, rng: np.random.Generator, layout: Layout, photos: Photos) -> None:
    # Boards at the back, above, beneath and aside of what things stand on; only the back holds.
    tall = max((p.position[2] * 2 for p in layout.placed), default=0.2) * rng.uniform(1.05, 1.6)
    deep = max((p.position[1] + p.length / 2 for p in layout.placed), default=0.2)
    wide, thick = layout.radius * rng.uniform(1.0, 1.6), rng.uniform(0.006, 0.015)
    material = world.material(_covered(rng, shapes.box(np.ones(3)), photos, 0.6))
    boards = [([0, deep + thick, tall / 2], [wide, thick, 2 * tall]),
              ([0, 0, tall + thick], [wide, deep, thick]), ([0, 0, -tall], [wide, deep, thick])]
    boards += [([side * wide, 0, 0], [thick, deep, 2 * tall])
               for side in (-1, 1) if rng.random() < 0.6]
    for number, (place, half) in enumerate(boards):
        world.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=half, pos=place,
                                      material=material, contype=int(number == 0),
                                      conaffinity=int(number == 0))


def _add_plane(world: World, rng: np.random.Generator, place: np.ndarray, normal: np.ndarray,
               photos: Photos) -> None:
    surface = _covered(rng, shapes.box(np.ones(3)), photos)
    world.spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[6, 6, 0.1], pos=place,
        zaxis=normal, material=world.material(surface, float(rng.uniform(2, 14))))


def _add_walls(world: World, rng: np.random.Generator, photos: Photos) -> None:
    turn, distance = rng.uniform(0, np.pi / 2), rng.uniform(1.7, 3.5)
    for quarter in range(4):
        angle = turn + quarter * np.pi / 2
        outwards = np.array([np.cos(angle), np.sin(angle), 0.0])
        _add_plane(world, rng, outwards * distance, -outwards, photos)


def _add_furniture(world: World, rng: np.random.Generator, solid: Solid, reach: float) -> None:
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(1.0, 2.2)
    distance = max(distance, reach + solid.extent[:2].max() / 2)  # not through the table
    place = [distance * np.cos(angle), distance * np.sin(angle), FLOOR + solid.extent[2] / 2]
    half = rng.uniform(0, np.pi)
    body = world.spec.worldbody.add_body(pos=place, quat=[np.cos(half), 0, 0, np.sin(half)])
    draw_solid(world, body, solid, 1.0)


def _add_lamps(world: World, rng: np.random.Generator) -> None:
    # From a window much of the light comes from one side, and little from the room.
    window, head = rng.random() < 0.35, world.spec.visual.headlight
    ambient, front = rng.uniform(*((0.12, 0.3) if window else (0.3, 0.55))), rng.uniform(0, 0.2)
    strengths = rng.uniform([0.35, 0.05, 0.05], [0.8, 0.3, 0.3])[:int(rng.integers(1, 4))]
    exposure = rng.uniform(0.85, 1.25) / max(ambient + front + strengths.sum(), 0.8)
    head.ambient, head.diffuse = np.full(3, ambient * exposure), np.full(3, front * exposure)
    head.specular = np.full(3, rng.uniform(0.0, 0.3))
    for index, strength in enumerate(strengths * exposure):
        tint = 1 + rng.uniform(-0.12, 0.12) * np.array([1, 0.1, -1])
        place = np.array([*rng.uniform(-1.6, 1.6, 2), rng.uniform(0.9, 2.5)])
        if window and index == 0:
            angle = rng.uniform(0, 2 * np.pi)
            place = np.array([2 * np.cos(angle), 2 * np.sin(angle), rng.uniform(0.7, 1.8)])
        lamp = world.spec.worldbody.add_light(pos=place, dir=-place, castshadow=index == 0)
        lamp.type = (mujoco.mjtLightType.mjLIGHT_SPOT if rng.random() < 0.3
                     else mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
        lamp.cutoff, lamp.exponent = rng.uniform(35, 70), rng.uniform(1, 8)
        lamp.diffuse, lamp.specular = strength * tint, strength * tint * rng.uniform(0.2, 0.8)


def _covered(rng: np.random.Generator, surface: Surface, photos: Photos,
             patterned: float = 1.0) -> Surface:
    draw = textures.cover if rng.random() < patterned else _one_colour
    texture = draw(rng, COVER_SIZE, photos)
    return replace(surface, texture=texture, gloss=rng.random() * 0.5)


def _one_colour(rng: np.random.Generator, size: tuple[int, int], photos: Photos) -> np.ndarray:
    return textures.subdued(rng, np.clip(textures.plain(rng, size), 0, 255).astype(np.uint8))
