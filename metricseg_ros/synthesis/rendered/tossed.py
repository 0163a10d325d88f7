# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lay out scenes of things that are dropped: scattered, piled, in a bin, on a plate or shelf."""

from __future__ import annotations

from metricseg_ros.synthesis.rendered import things
from metricseg_ros.synthesis.rendered.layout import Layout, Placed, THING_LENGTH
from metricseg_ros.synthesis.rendered.solids import Solid
import numpy as np

ARRANGEMENTS = {'scatter': 0.17, 'pile': 0.15, 'identical': 0.12, 'bin': 0.12, 'plate': 0.12,
                'flat': 0.09, 'single': 0.05, 'shelf': 0.08, 'close': 0.04, 'empty': 0.06}
RESTING = {'flat': 0.8, 'close': 0.85}  # share of the things that are dropped as they stand
FAMILIES = {'flat': things.FLAT, 'plate': things.SMALL, 'close': things.WIDE,
            'shelf': things.STANDING}
BOARDS = {'single': 0.35, 'scatter': 0.25, 'close': 0.2, 'flat': 0.2}
BOARD_FAMILIES = {
    'single': (things.circuit_board, things.circuit_board, things.blister_pack),
    'scatter': (things.circuit_board, things.circuit_board, things.pen, things.packet,
                things.rounded_box),
    'close': (things.circuit_board, things.circuit_board, things.circuit_board,
              things.blister_pack),
    'flat': (things.circuit_board, things.circuit_board, things.packet, things.blister_pack)}
SHELF_DEPTH = 2  # rows of things on a shelf


def tossed(rng: np.random.Generator, household: list[Solid],
           photos: list[np.ndarray]) -> Layout:
    """Draw a layout of one of ARRANGEMENTS; things are as large as they please."""
    return _laid_out(rng, household, photos, ARRANGEMENTS, FAMILIES)


def boards(rng: np.random.Generator, household: list[Solid],
           photos: list[np.ndarray]) -> Layout:
    """Draw a layout of circuit boards and blister packs: of many parts, and yet one thing each."""
    return _laid_out(rng, household, photos, BOARDS, BOARD_FAMILIES)


def _laid_out(rng: np.random.Generator, household: list[Solid], photos: list[np.ndarray],
              arrangements: dict[str, float], families: dict[str, tuple]) -> Layout:
    names = list(arrangements)
    arrangement = names[rng.choice(len(names), p=list(arrangements.values()))]
    span = _span(rng, arrangement)
    count = _count(rng, arrangement, span)
    solids = _solids(rng, arrangement, count, household, photos, families.get(arrangement))
    spread = 0.3 if arrangement == 'identical' else 0.6
    lengths = THING_LENGTH * np.exp(rng.uniform(-spread, spread, count))
    if arrangement == 'identical':
        lengths[:] = THING_LENGTH * rng.uniform(0.6, 1.2)
    if arrangement == 'close':
        lengths[1:] *= 0.45
    gathered = arrangement in ('pile', 'identical', 'flat') or (
        arrangement not in ('shelf', 'close') and rng.random() < 0.3)
    wide = not gathered and arrangement not in ('bin', 'plate')
    placed = (_shelved(rng, solids, lengths) if arrangement == 'shelf'
              else _dropped(rng, solids, lengths, wide, RESTING.get(arrangement, 0.45)))
    if arrangement == 'plate':
        placed = _plates(rng, placed, photos)
    reach = max((np.linalg.norm(p.position[:2]) + p.length / 2 for p in placed), default=0.3)
    container = 'bin' if arrangement == 'bin' else ''
    return Layout(arrangement, span, tuple(placed), float(reach), gathered, container)


def _span(rng: np.random.Generator, arrangement: str) -> float:
    low, high = {'single': (0.25, 0.65), 'scatter': (0.05, 0.3), 'plate': (0.13, 0.3),
                 'flat': (0.12, 0.45), 'close': (0.5, 1.0), 'shelf': (0.1, 0.35),
                 'bin': (0.12, 0.5)}.get(arrangement, (0.12, 0.42))
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _count(rng: np.random.Generator, arrangement: str, span: float) -> int:
    if arrangement == 'empty':
        return 0
    if arrangement in ('single', 'close'):
        return int(rng.integers(1, 4))
    most = int(np.clip(0.9 / span**1.6, 4, 24))
    return int(rng.integers(max(2, most // 2), most + 1))


def _solids(rng: np.random.Generator, arrangement: str, count: int, household: list[Solid],
            photos: list[np.ndarray], family: tuple | None) -> list[Solid]:
    if arrangement == 'identical':
        kinds = [_any_solid(rng, household, photos) for _ in range(int(rng.integers(1, 4)))]
        return [kinds[int(rng.integers(len(kinds)))] for _ in range(count)]
    if family and rng.random() < (0.5 if arrangement == 'shelf' else 0.8):
        kinds = count if arrangement != 'plate' else int(rng.integers(1, 5))  # alike on a plate
        made = [family[int(rng.integers(len(family)))](rng, photos) for _ in range(kinds)]
        return [made[i % kinds] for i in range(count)]
    return [_any_solid(rng, household, photos) for _ in range(count)]


def _any_solid(rng: np.random.Generator, household: list[Solid],
               photos: list[np.ndarray]) -> Solid:
    if household and rng.random() < 0.45:
        return household[int(rng.integers(len(household)))]
    return things.invent(rng, photos)


def _dropped(rng: np.random.Generator, solids: list[Solid], lengths: np.ndarray, wide: bool,
             resting: float) -> list[Placed]:
    if not solids:
        return []
    cell = 1.05 * max(_diagonal(s) * length for s, length in zip(solids, lengths))
    side = int(np.ceil(np.sqrt(len(solids) * (1.25 if wide else 0.45))))
    slots = rng.permutation(side * side)[:len(solids)] if wide else np.arange(len(solids))
    placed = []
    for solid, length, slot in zip(solids, lengths, slots):
        layer, place = divmod(int(slot), side * side)
        row, col = divmod(place, side)
        jitter = rng.uniform(-0.3, 0.3, 2) * (cell - _diagonal(solid) * length)
        flat = (np.array([col, row]) - (side - 1) / 2) * cell + jitter
        position = np.array([*flat, (layer + 0.52) * cell])
        placed.append(Placed(solid, float(length), position, _turn(rng, resting)))
    return placed


def _shelved(rng: np.random.Generator, solids: list[Solid],
             lengths: np.ndarray) -> list[Placed]:
    """Stand things side by side in rows, the first row towards the camera, along -y."""
    placed, rows = [], np.array_split(np.arange(len(solids)), SHELF_DEPTH)
    cell = float(lengths.max()) * 1.05
    for row, members in enumerate(rows):
        widths = np.array([_footprint(solids[i]) * lengths[i] for i in members])
        centres = np.cumsum(widths) - widths / 2 - widths.sum() / 2
        for index, centre in zip(members, centres):
            solid, length = solids[index], float(lengths[index])
            half_height = length * solid.extent[2] / solid.extent.max() / 2
            position = np.array([centre, (row - 0.5 * (SHELF_DEPTH - 1)) * cell,
                                 half_height + 0.005])
            placed.append(Placed(solid, length, position, _turn(rng, 1.0)))
    return placed


def _footprint(solid: Solid) -> float:
    flat = solid.extent[:2]
    return float(np.linalg.norm(flat) / solid.extent.max()) * 1.02


def _plates(rng: np.random.Generator, placed: list[Placed],
            photos: list[np.ndarray]) -> list[Placed]:
    length = THING_LENGTH * rng.uniform(2.2, 3.4)
    plates = [Placed(things.plate(rng, photos), length, np.array([0.0, 0.0, 0.03]),
                     _turn(rng, 1.0))]
    moved = []
    for index, item in enumerate(placed):
        small = item.length * 0.75
        angle, distance = rng.uniform(0, 2 * np.pi), length * 0.3 * np.sqrt(rng.random())
        place = np.array([distance * np.cos(angle), distance * np.sin(angle),
                          0.05 + small * (0.6 + 1.1 * (index // 2))])
        moved.append(Placed(item.solid, small, place, _turn(rng, 0.85)))
    if rng.random() < 0.25:
        beside = np.array([length * 1.06, 0.0, 0.03])
        plates.append(Placed(plates[0].solid, length, beside, _turn(rng, 1.0)))
    return plates + moved[:9]


def _turn(rng: np.random.Generator, resting: float) -> np.ndarray:
    if rng.random() < resting:
        half = rng.uniform(0, np.pi)
        return np.array([np.cos(half), 0.0, 0.0, np.sin(half)])
    turn = rng.normal(size=4)
    return turn / np.linalg.norm(turn)


def _diagonal(solid: Solid) -> float:
    extent = solid.extent
    return float(np.linalg.norm(extent) / extent.max())
