# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Draw flat things as cut-outs: plates, trays, books, packs, circuit boards, slices of food.

They are what photographic cut-outs lack: large things that others lie on, and things whose
surface is full of printed or raised parts and that are one object all the same.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
from metricseg_ros.synthesis import textures
from metricseg_ros.synthesis.composed.cutouts import Cutout, trimmed
import numpy as np

SIDE = 192  # pixels of the longer side
STOCK = (450, 200)  # things drawn, and large ones
Photos = list[np.ndarray]
Drawing = tuple[np.ndarray, np.ndarray]


def plate(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a plate, bowl or saucer from above: rings of different slope catch the light."""
    image = _surface(rng, photos, (SIDE, SIDE), pale=0.75)
    rows, cols = np.mgrid[-1:1:SIDE * 1j, -1:1:SIDE * 1j]
    radius = np.hypot(rows, cols) if rng.random() < 0.85 else (rows**6 + cols**6) ** (1 / 6)
    light, floor = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.85)
    slope = np.exp(-(((radius - floor) / rng.uniform(0.03, 0.14)) ** 2))
    lit = 1 + rng.uniform(0.05, 0.45) * slope * (rows * np.sin(light) + cols * np.cos(light))
    lit *= 1 + rng.uniform(-0.25, 0.1) * (radius < floor)
    lit *= 1 - rng.uniform(0.0, 0.25) * np.exp(-(((radius - 0.97) / 0.03) ** 2))
    if rng.random() < 0.3:  # a painted ring
        ring = np.abs(radius - rng.uniform(0.6, 0.95)) < rng.uniform(0.01, 0.06)
        image[ring] = textures.colour(rng)
    return image * lit[..., None], radius < 1


def tray(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a tray, chopping board or mat: a rounded rectangle, often with a rim."""
    size = _size(rng, 0.5)
    image = _surface(rng, photos, size, pale=0.3)
    inside = _rounded(size, rng.uniform(0.02, 0.25))
    depth = cv2.distanceTransform(np.pad(inside.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    rim = depth < rng.uniform(2, 16)
    if rng.random() < 0.6:
        image[rim] = image[rim] * rng.uniform(0.6, 1.25)
    return image, inside


def carton(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a printed packet: its front, and often one or two sides in other light."""
    front = _print(rng, photos, _size(rng, 0.3))
    for axis in (0, 1):
        if rng.random() < 0.45:
            depth = int(SIDE * rng.uniform(0.05, 0.4))
            size = tuple(depth if a == axis else n for a, n in enumerate(front.shape[:2]))
            side = _print(rng, photos, size) if rng.random() < 0.6 else _edge(rng, front, axis,
                                                                              depth)
            front = np.concatenate([front, side * rng.uniform(0.45, 1.1)], axis)
    return front, np.ones(front.shape[:2], bool)


def book(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a book, magazine or notebook: a cover with a spine, and pages at one edge."""
    image = _print(rng, photos, _size(rng, 0.55))
    spine = int(image.shape[1] * rng.uniform(0.02, 0.1))
    image[:, :spine] *= rng.uniform(0.6, 1.2)
    if rng.random() < 0.5:
        pages = max(2, int(image.shape[0] * rng.uniform(0.01, 0.12)))
        lines = rng.uniform(170, 250) - 40 * rng.random((pages, 1, 1))
        image = np.concatenate([image, np.broadcast_to(lines, (pages, image.shape[1], 3))])
    return image, np.ones(image.shape[:2], bool)


def blister_pack(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a blister pack: foil or card, with rows of bubbles, some of them empty."""
    size = _size(rng, 0.35)
    image = _print(rng, photos, size) if rng.random() < 0.25 else _foil(rng, size)
    if rng.random() < 0.5:
        textures.write_text(rng, image)
    pill, round_pill = textures.colour(rng), rng.random() < 0.5
    step = rng.uniform(0.13, 0.3) * max(size)
    tall = step if round_pill else min(step * rng.uniform(1.2, 2.2), size[0] / 1.3)
    axes = (np.array([step, tall]) * rng.uniform(0.28, 0.45)).astype(int)
    light, lit = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9)
    for row in np.arange(tall / 2, size[0] - tall / 2 + 1, tall):
        for col in np.arange(step / 2, size[1] - step / 2 + 1, step):
            content = pill if rng.random() < lit + 0.3 else None
            _bubble(image, (int(col), int(row)), axes, content, light)
    return image, _rounded(size, rng.uniform(0.0, 0.15))


def circuit_board(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a circuit board: tracks, chips, connectors, rows of pins, print."""
    size = _size(rng, 0.4)
    hue = rng.choice([60, 60, 70, 110, 115, 0, 140, 20])
    mask = np.array([[[hue, rng.uniform(60, 255), rng.uniform(25, 190)]]], np.uint8)
    image = np.empty((*size, 3), np.float32)
    image[:] = cv2.cvtColor(mask, cv2.COLOR_HSV2RGB)[0, 0]
    for _ in range(int(rng.integers(0, 40))):
        _track(rng, image)
    for _ in range(int(rng.integers(4, 36))):
        _part(rng, image)
    for _ in range(int(rng.integers(0, 5))):
        _pins(rng, image)
    for _ in range(int(rng.integers(0, 3))):
        textures.write_text(rng, image)
    return image, _rounded(size, rng.uniform(0.0, 0.08))


def keypad(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a keyboard, remote control or calculator: a body full of keys."""
    size = _size(rng, 0.25)
    image = np.ascontiguousarray(textures.plain(rng, size), np.float32)
    key, pitch = textures.colour(rng), rng.uniform(0.05, 0.16) * max(size)
    top, left = (int(n * rng.uniform(0.03, 0.3)) for n in size)
    for row in np.arange(top, size[0] - pitch, pitch):
        for col in np.arange(left, size[1] - pitch, pitch):
            ink = (key * rng.uniform(0.85, 1.15) if rng.random() < 0.95
                   else textures.colour(rng)).tolist()
            first = (int(col + pitch * 0.12), int(row + pitch * 0.12))
            last = (int(col + pitch * 0.88), int(row + pitch * 0.88))
            cv2.rectangle(image, first, last, ink, -1)
    return image, _rounded(size, rng.uniform(0.02, 0.3))


def sheet(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a leaflet, letter, receipt or card: much text on a pale ground."""
    size = _size(rng, 0.4)
    image = np.full((*size, 3), rng.uniform(190, 255), np.float32) * rng.uniform(0.9, 1, 3)
    image = np.ascontiguousarray(image, np.float32)
    for _ in range(int(rng.integers(1, 5))):
        textures.write_text(rng, image)
    return image, np.ones(size, bool)


def morsel(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a slice, leaf, biscuit or lump of food: an irregular outline, browned or shaded."""
    size = _size(rng, 0.45)
    rows, cols = np.mgrid[-1:1:size[0] * 1j, -1:1:size[1] * 1j]
    angle, power = np.arctan2(rows, cols), rng.uniform(1.6, 5)
    wobble = sum(rng.normal(0, 0.1 / k) * np.cos(k * angle + rng.uniform(0, 6.3))
                 for k in range(2, 8))
    radius = (np.abs(rows)**power + np.abs(cols)**power) ** (1 / power) / (0.85 + wobble)
    image = textures.organic(rng, size)
    edge = np.clip((radius - rng.uniform(0.4, 0.95)) / 0.3, 0, 1)[..., None]
    image = image * (1 - edge * rng.uniform(-0.25, 0.7))
    light = rng.uniform(0, 2 * np.pi)
    lit = 1 + rng.uniform(0, 0.35) * (rows * np.sin(light) + cols * np.cos(light))
    return image * lit[..., None], radius < 1


def disc(rng: np.random.Generator, photos: Photos) -> Drawing:
    """Draw a lid, can from above, roll or coaster: rings of a few shades."""
    image = _surface(rng, photos, (SIDE, SIDE), pale=0.3)
    rows, cols = np.mgrid[-1:1:SIDE * 1j, -1:1:SIDE * 1j]
    radius = np.hypot(rows, cols)
    for edge in np.sort(rng.uniform(0.2, 1.0, int(rng.integers(1, 5)))):
        image = image * (1 + rng.uniform(-0.25, 0.25) * (radius < edge))[..., None]
    hole = rng.uniform(0.2, 0.7) if rng.random() < 0.2 else 0.0
    return image, (radius < 1) & (radius >= hole)


LARGE = (('plate', plate), ('plate', plate), ('plate', plate), ('plate', plate), ('tray', tray),
         ('book', book), ('box', carton), ('circuit board', circuit_board))
KINDS: tuple[tuple[str, Callable[[np.random.Generator, Photos], Drawing]], ...] = (
    ('box', carton), ('box', carton), ('book', book), ('blister pack', blister_pack),
    ('blister pack', blister_pack), ('circuit board', circuit_board),
    ('circuit board', circuit_board), ('keyboard', keypad), ('paper', sheet), ('food', morsel),
    ('food', morsel), ('food', morsel), ('lid', disc), ('plate', plate), ('tray', tray))


def draw_flat(rng: np.random.Generator, photos: Photos, large: bool = False) -> Cutout:
    """
    Draw one flat thing, seen a little from the side.

    :param photos: (H,W,3) uint8 pictures that may be printed on it, may be empty.
    :param large: draw one of the things that others lie on.
    """
    kinds = LARGE if large else KINDS
    name, draw = kinds[int(rng.integers(len(kinds)))]
    image, inside = draw(rng, photos)
    rgba = np.dstack([np.clip(image, 0, 255), inside * 255.0]).astype(np.uint8)
    return Cutout(trimmed(_tilted(rng, rgba)), 'drawn', 'Apache-2.0', name)


def draw_library(rng: np.random.Generator, photos: Photos) -> tuple[list[Cutout], list[Cutout]]:
    """
    Draw a stock of flat things to compose scenes from.

    :param photos: (H,W,3) uint8 pictures that may be printed on them, may be empty.
    """
    return ([draw_flat(rng, photos) for _ in range(STOCK[0])],
            [draw_flat(rng, photos, large=True) for _ in range(STOCK[1])])


def _tilted(rng: np.random.Generator, rgba: np.ndarray) -> np.ndarray:
    height, width = rgba.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    strength = rng.choice([0.0, 0.05, 0.15], p=[0.3, 0.4, 0.3])
    moved = corners + rng.normal(0, strength, (4, 2)) * [width, height] * 0.7
    moved -= moved.min(0)
    extent = np.ceil(moved.max(0)).astype(int) + 1
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    colours = cv2.warpPerspective(np.ascontiguousarray(rgba[..., :3]), matrix, extent.tolist(),
                                  flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpPerspective(np.ascontiguousarray(rgba[..., 3]), matrix, extent.tolist())
    return np.dstack([colours, alpha])


def _size(rng: np.random.Generator, least: float) -> tuple[int, int]:
    return int(SIDE * rng.uniform(least, 1.0)), SIDE


def _surface(rng: np.random.Generator, photos: Photos, size: tuple[int, int],
             pale: float) -> np.ndarray:
    if rng.random() < pale:
        tint = 255 * rng.uniform(0.7, 1.0) * (1 - rng.uniform(0, 0.12, 3))
        return np.ones((*size, 3), np.float32) * tint.astype(np.float32)
    kinds = (textures.plain, textures.plain, textures.wood, textures.organic, textures.stripes,
             textures.dots, textures.patches)
    return np.array(kinds[int(rng.integers(len(kinds)))](rng, size), np.float32)


def _print(rng: np.random.Generator, photos: Photos, size: tuple[int, int]) -> np.ndarray:
    return textures.print_label(rng, size, photos).astype(np.float32)


def _edge(rng: np.random.Generator, front: np.ndarray, axis: int, depth: int) -> np.ndarray:
    last = front[-1:] if axis == 0 else front[:, -1:]
    return np.repeat(last, depth, axis) * rng.uniform(0.6, 1.0)


def _foil(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    shine = 130 + 110 * textures.fractal_noise(rng, size, rng.uniform(1, 6), 0.7)
    tint = 1 - rng.uniform(0, 0.15, 3) if rng.random() < 0.7 else textures.colour(rng) / 220
    return np.ascontiguousarray(shine[..., None] * tint, np.float32)


def _bubble(image: np.ndarray, centre: tuple[int, int], axes: np.ndarray,
            content: np.ndarray | None, light: float) -> None:
    patch = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(patch, centre, axes.tolist(), 0, 0, 360, 1, -1)
    inside = patch.astype(bool)
    if content is not None:
        image[inside] = 0.35 * image[inside] + 0.65 * content
    shift = (axes * 0.4 * [np.cos(light), np.sin(light)]).astype(int)
    small = np.maximum(axes // 4, 1).tolist()
    cv2.ellipse(image, centre, axes.tolist(), 0, 0, 360, [90.0] * 3, 1)
    place = (centre[0] + int(shift[0]), centre[1] + int(shift[1]))
    cv2.ellipse(image, place, small, 0, 0, 360, [250.0] * 3, -1)


def _rounded(size: tuple[int, int], share: float) -> np.ndarray:
    radius = max(1, int(share * min(size)))
    rows, cols = (np.maximum(radius - np.minimum(np.arange(n), n - 1 - np.arange(n)), 0)
                  for n in size)
    return np.hypot(rows[:, None], cols[None]) <= radius


def _track(rng: np.random.Generator, image: np.ndarray) -> None:
    height, width = image.shape[:2]
    points = (rng.random((3, 2)) * [width, height]).astype(np.int32)
    points[1, 0] = points[0, 0]
    ink = (image[0, 0] * rng.uniform(0.7, 1.4)).clip(0, 255).tolist()
    cv2.polylines(image, [points], False, ink, int(rng.integers(1, 3)))


def _part(rng: np.random.Generator, image: np.ndarray) -> None:
    height, width = image.shape[:2]
    shades = ([25.0] * 3, [60.0] * 3, [190.0] * 3, [225.0] * 3, textures.colour(rng).tolist())
    ink = shades[int(rng.integers(len(shades)))]
    centre = (rng.random(2) * [width, height]).astype(int)
    extent = np.maximum((SIDE * np.exp(rng.uniform(-4, -1.3, 2))).astype(int), 1)
    if rng.random() < 0.25:
        cv2.circle(image, centre.tolist(), int(extent.max()), ink, -1)
        cv2.circle(image, centre.tolist(), int(extent.max() * 0.8), [200.0] * 3, 1)
        return
    if rng.random() < 0.4:  # the legs of a chip
        cv2.rectangle(image, (centre - extent - 2).tolist(), (centre + extent + 2).tolist(),
                      [185.0] * 3, -1)
    cv2.rectangle(image, (centre - extent).tolist(), (centre + extent).tolist(), ink, -1)


def _pins(rng: np.random.Generator, image: np.ndarray) -> None:
    height, width = image.shape[:2]
    row = int(height * rng.choice([rng.uniform(0.02, 0.15), rng.uniform(0.85, 0.97)]))
    first, last = np.sort(rng.random(2) * width).astype(int)
    cv2.rectangle(image, (int(first), row - 4), (int(last), row + 4), [30.0] * 3, -1)
    for col in range(int(first) + 3, int(last), 6):
        cv2.circle(image, (col, row), 1, [215.0, 190.0, 110.0], -1)
