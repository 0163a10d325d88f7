# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Draw what goods are wrapped in: every side printed, all of them in a brand's colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
from metricseg_ros.synthesis import textures
import numpy as np

LONGEST = 128  # pixels of the longer side of a face
CELL = 112  # pixels of a face in the texture of a box
SYLLABLES = ('ba', 'co', 'di', 'fe', 'ga', 'ho', 'ja', 'ki', 'lu', 'mo', 'na', 'po', 'ri', 'sa',
             'te', 'vo', 'wa', 'zu', 'bro', 'cla', 'dre', 'fri', 'gla', 'kro', 'pla', 'sto', 'tri')
CARDBOARD = (np.array([150, 110, 70]), np.array([205, 165, 120]))
Photos = list[np.ndarray]


@dataclass(frozen=True)
class Brand:
    """
    Hold the colours and the name that all sides of a packet share.

    :param base: (3,) colour of most of it.
    :param second: (3,) colour of bands and sides.
    :param ink: (3,) colour of the text on base.
    :param name: what is written large.
    """

    base: np.ndarray
    second: np.ndarray
    ink: np.ndarray
    name: str


def draw_brand(rng: np.random.Generator) -> Brand:
    """Invent a brand."""
    base, second = textures.colour(rng), textures.colour(rng)
    ink = textures.colour(rng) if rng.random() < 0.25 else contrasting(base)
    return Brand(base, second, ink, word(rng))


def contrasting(colour: np.ndarray) -> np.ndarray:
    """Return black or white, whichever can be read on a colour, (3,) float32."""
    bright = float(np.dot(colour, [0.3, 0.6, 0.1])) > 140
    return np.full(3, 20.0 if bright else 245.0, np.float32)


def word(rng: np.random.Generator) -> str:
    """Invent a word of one to four syllables, written as brands are."""
    text = ''.join(rng.choice(SYLLABLES, int(rng.integers(1, 5))))
    return (str.upper, str.title, str.lower)[int(rng.integers(3))](text)


def wrap_box(rng: np.random.Generator, size: np.ndarray, photos: Photos) -> np.ndarray:
    """
    Print the six sides of a box, in the order of :func:`..shapes.box`.

    :param size: (3,) edge lengths; two opposite large sides are the front and the back.
    :return: (2 CELL, 3 CELL, 3) uint8: three sides in a row.
    """
    brand, style = draw_brand(rng), rng.random()
    aspects = [(size[2], size[1])] * 2 + [(size[2], size[0])] * 2 + [(size[1], size[0])] * 2
    fronts = 2 * int(np.argmin(size))  # the sides across the thinnest edge
    sides = []
    for number, (high, wide) in enumerate(aspects):
        pixels = np.array([high, wide]) / max(high, wide) * LONGEST
        shape = tuple(int(max(n, 16)) for n in pixels)
        if style < 0.12:
            side = cardboard(rng, shape)
        elif number == fronts or rng.random() < 0.3:
            side = front(rng, shape, brand, photos)
        else:
            side = small_print(rng, shape, brand)
        sides.append(cv2.resize(side, (CELL, CELL), interpolation=cv2.INTER_AREA))
    return np.vstack([np.hstack(sides[:3]), np.hstack(sides[3:])])


def wrap_round(rng: np.random.Generator, aspect: float, photos: Photos) -> np.ndarray:
    """
    Print the label around a can, bottle or jar.

    :param aspect: height over circumference.
    :return: (H,W,3) uint8 RGB that closes at its left and right ends.
    """
    width = 2 * LONGEST
    height = int(np.clip(width * aspect, 24, 256))
    brand, panel = draw_brand(rng), int(width * rng.uniform(0.3, 0.45))
    face = front(rng, (height, panel), brand, photos)
    label = np.empty((height, width, 3), np.uint8)
    label[:] = face[:, :1] if rng.random() < 0.5 else np.uint8(brand.base)
    label[:, :panel] = face
    label[:, width // 2:width // 2 + panel] = face
    rest = width // 2 - panel
    if rest >= 16:
        label[:, panel:panel + rest] = small_print(rng, (height, rest), brand)
    return np.ascontiguousarray(label)


def front(rng: np.random.Generator, size: tuple[int, int], brand: Brand,
          photos: Photos) -> np.ndarray:
    """
    Draw a front: a ground, a picture, the name in large letters, some smaller things.

    :param size: (height, width) in pixels.
    :return: (H,W,3) uint8 RGB.
    """
    image = _ground(rng, size, brand, photos)
    if rng.random() < 0.7:
        _picture(rng, image, brand, photos)
    if rng.random() < 0.35:
        centre = (rng.random(2) * size[::-1]).astype(int).tolist()
        axes = [int(n * rng.uniform(0.08, 0.25)) + 2 for n in size[::-1]]
        cv2.ellipse(image, centre, axes, rng.uniform(-30, 30), 0, 360, _ink(rng, brand), -1)
    top, high = size[0] * rng.uniform(0.02, 0.6), size[0] * rng.uniform(0.12, 0.35)
    ink = brand.ink
    if rng.random() < 0.5:
        cv2.rectangle(image, (0, int(top)), (size[1], int(top + high)), brand.second.tolist(), -1)
        ink = contrasting(brand.second)
    _write(rng, image, brand.name, (top, high), ink)
    for _ in range(int(rng.integers(0, 4))):
        row, tall = size[0] * rng.uniform(0, 0.95), size[0] * rng.uniform(0.03, 0.1)
        _write(rng, image, ' '.join(word(rng) for _ in range(int(rng.integers(1, 4)))),
               (row, tall), _ink(rng, brand))
    return image


def small_print(rng: np.random.Generator, size: tuple[int, int], brand: Brand) -> np.ndarray:
    """Draw a side or back: a plain ground with lines of text, a table, a bar code, uint8."""
    image = np.empty((*size, 3), np.uint8)
    grounds = (brand.base, brand.second, np.full(3, rng.uniform(215, 250)))
    ground = grounds[rng.choice(3, p=[0.5, 0.25, 0.25])]
    image[:] = ground.astype(np.uint8)
    ink, turned = contrasting(ground), size[0] < size[1] / 2.5 or rng.random() < 0.2
    canvas = np.ascontiguousarray(image.transpose(1, 0, 2)) if turned else image
    if rng.random() < 0.6:
        _write(rng, canvas, brand.name, (0.03 * len(canvas), 0.15 * len(canvas)), ink)
    row, pitch = rng.uniform(0.1, 0.6) * len(canvas), rng.uniform(4, 8)
    while row < len(canvas) * rng.uniform(0.5, 1.0):
        left, right = rng.uniform(0.04, 0.12), rng.uniform(0.4, 0.95)
        start, stop = ((int(n * canvas.shape[1]), int(row)) for n in (left, right))
        cv2.line(canvas, start, stop, (ink * 0.7 + ground * 0.3).tolist(), max(1, int(pitch / 4)))
        row += pitch
    if rng.random() < 0.4:
        _bar_code(rng, canvas)
    return np.ascontiguousarray(canvas.transpose(1, 0, 2)) if turned else canvas


def cardboard(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw plain brown board, now and then with tape or a stamp on it, uint8."""
    tone = CARDBOARD[0] + rng.random() * (CARDBOARD[1] - CARDBOARD[0])
    grain = textures.fractal_noise(rng, size, rng.uniform(1, 8))[..., None]
    image = np.clip(tone * (0.92 + 0.16 * grain), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        row, high = (int(size[0] * x) for x in (rng.uniform(0.2, 0.7), rng.uniform(0.08, 0.2)))
        image[row:row + high] = np.clip(tone * 1.12, 0, 255)
    if rng.random() < 0.4:
        _write(rng, image, word(rng), (size[0] * rng.uniform(0, 0.7), size[0] * 0.2), tone * 0.4)
    return image


def _ground(rng: np.random.Generator, size: tuple[int, int], brand: Brand,
            photos: Photos) -> np.ndarray:
    kind, image = rng.random(), np.empty((*size, 3), np.float32)
    image[:] = brand.base
    if kind < 0.12:
        image = textures.photo_crop(rng, size, photos)
    elif kind < 0.3:
        ramp = np.linspace(0, 1, size[0], dtype=np.float32)[:, None, None]
        image = brand.base * (1 - ramp) + brand.second * ramp * np.ones((*size, 1), np.float32)
    elif kind < 0.5:
        rows, cols = np.mgrid[:1:size[0] * 1j, :1:size[1] * 1j]
        image[rows + rng.normal(0, 0.5) * (cols - 0.5) > rng.uniform(0.3, 0.8)] = brand.second
    elif kind < 0.58:
        image = textures.stripes(rng, size)
    elif kind < 0.64:
        image = textures.patches(rng, size)
    return np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))


def _picture(rng: np.random.Generator, image: np.ndarray, brand: Brand, photos: Photos) -> None:
    high, wide = (max(8, int(n * rng.uniform(0.3, 0.85))) for n in image.shape[:2])
    top, left = (int(rng.integers(0, n - own + 1)) for n, own in
                 zip(image.shape[:2], (high, wide)))
    if rng.random() < 0.65:
        drawn = textures.photo_crop(rng, (high, wide), photos)
    else:
        drawn = textures.organic(rng, (high, wide))
    mask = np.zeros((high, wide), np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(mask, (wide // 2, high // 2), (wide // 2, high // 2), 0, 0, 360, 1, -1)
    else:
        mask[:] = 1
    window = image[top:top + high, left:left + wide]
    np.copyto(window, np.clip(drawn, 0, 255).astype(np.uint8), where=mask[..., None] > 0)


def _write(rng: np.random.Generator, image: np.ndarray, text: str, band: tuple[float, float],
           ink: np.ndarray | list[float]) -> None:
    font = int(rng.choice(textures.FONTS))
    (width, height), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = min(0.75 * band[1] / height, 0.92 * image.shape[1] / width)
    thick = max(1, round(scale * rng.uniform(1.5, 4)))
    left = int((image.shape[1] - width * scale) * rng.uniform(0.2, 0.8))
    foot = int(band[0] + (band[1] + height * scale) / 2)
    colour = ink if isinstance(ink, list) else ink.tolist()
    cv2.putText(image, text, (left, foot), font, scale, colour, thick, cv2.LINE_AA)


def _bar_code(rng: np.random.Generator, image: np.ndarray) -> None:
    high, wide = (int(n * x) for n, x in zip(image.shape[:2], (0.2, 0.45)))
    top, left = image.shape[0] - high - 3, int(rng.integers(0, image.shape[1] - wide + 1))
    code = np.repeat(rng.integers(0, 2, wide // 2 + 1), 2)[:wide] * 225 + 20
    image[max(top, 0):top + high, left:left + wide] = code[None, :, None]


def _ink(rng: np.random.Generator, brand: Brand) -> list[float]:
    return (brand.ink, brand.second, textures.colour(rng))[int(rng.integers(3))].tolist()
