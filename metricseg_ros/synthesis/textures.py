# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Draw the textures that things and tables are covered with."""

from __future__ import annotations

import cv2
import numpy as np

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
         cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_PLAIN)
LETTERS = 'ABCDEFGHIKLMNOPRSTUVXZabcdeghiklmnoprstuy0123456789%.&-'


def colour(rng: np.random.Generator) -> np.ndarray:
    """
    Draw a colour the way things are coloured: many whites, greys and browns, some vivid.

    :return: (3,) float32 in 0..255.
    """
    kind = rng.random()
    if kind < 0.22:
        hsv = (rng.random(), 0.12 * rng.random(), 0.75 + 0.25 * rng.random())
    elif kind < 0.34:
        hsv = (rng.random(), 0.2 * rng.random(), 0.08 + 0.5 * rng.random())
    elif kind < 0.54:
        hsv = (0.03 + 0.1 * rng.random(), 0.3 + 0.5 * rng.random(), 0.25 + 0.6 * rng.random())
    else:
        hsv = (rng.random(), 0.35 + 0.65 * rng.random(), 0.3 + 0.7 * rng.random())
    pixel = np.array([[[hsv[0] * 179, hsv[1] * 255, hsv[2] * 255]]], np.uint8)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def fractal_noise(rng: np.random.Generator, size: tuple[int, int], stretch: float = 1.0,
                  roughness: float = 0.55) -> np.ndarray:
    """
    Sum smooth noise over octaves.

    :param size: (height, width) in pixels.
    :param stretch: how many times longer the grain is along the rows.
    :param roughness: amplitude of each octave relative to the one before.
    :return: (H,W) float32 in 0..1.
    """
    total, amplitude, cells = np.zeros(size, np.float32), 1.0, int(rng.integers(2, 6))
    while cells < max(size):
        grid = rng.random((cells, max(2, int(cells / stretch)))).astype(np.float32)
        total += amplitude * cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC)
        amplitude, cells = amplitude * roughness, cells * 2
    return cv2.normalize(total, None, 0.0, 1.0, cv2.NORM_MINMAX)


def plain(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw one colour with a faint mottle, (H,W,3) float32 in 0..255."""
    mottle = 1 + rng.uniform(0, 0.12) * (fractal_noise(rng, size) - 0.5)
    return colour(rng) * mottle[..., None]


def gradient(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw a passage from one colour to another, (H,W,3) float32."""
    rows, cols = np.mgrid[0:1:size[0] * 1j, 0:1:size[1] * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = cv2.normalize(rows * np.sin(angle) + cols * np.cos(angle), None, 0, 1, cv2.NORM_MINMAX)
    return colour(rng) * ramp[..., None] + colour(rng) * (1 - ramp[..., None])


def organic(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw two or three colours mixed by noise: stone, food, skin of fruit, (H,W,3) float32."""
    first = colour(rng)
    second = np.clip(first + rng.normal(0, 45, 3), 0, 255) if rng.random() < 0.7 else colour(rng)
    mix = fractal_noise(rng, size, 1.0, rng.uniform(0.45, 0.9))[..., None]
    speckle = rng.normal(0, rng.uniform(0, 14), (*size, 1))
    return first * mix + second * (1 - mix) + speckle


def wood(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw grained planks, (H,W,3) float32."""
    hsv = np.array([[[rng.uniform(6, 18), rng.uniform(50, 170), rng.uniform(90, 235)]]], np.uint8)
    base = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)
    grain = fractal_noise(rng, size, rng.uniform(6, 25), 0.8)
    shade = 1 + rng.uniform(0.15, 0.7) * (grain - 0.5)
    planks = int(rng.integers(1, 8))
    bounds = np.linspace(0, size[0], planks + 1).astype(int)
    for start, stop in zip(bounds[:-1], bounds[1:]):
        shade[start:stop] *= rng.uniform(0.85, 1.1)
        shade[start:start + (planks > 1)] *= 0.6
    return base * shade[..., None]


def stripes(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw stripes or checks of two colours, (H,W,3) float32."""
    rows, cols = np.mgrid[:size[0], :size[1]]
    period = rng.uniform(0.04, 0.4) * max(size)
    mask = (rows % period < period * rng.uniform(0.2, 0.8))
    if rng.random() < 0.5:
        mask = mask ^ (cols % period < period / 2)
    elif rng.random() < 0.5:
        mask = mask.T if size[0] == size[1] else (cols % period < period / 2)
    return np.where(mask[..., None], colour(rng), colour(rng))


def dots(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw a regular pattern of dots, (H,W,3) float32."""
    image = np.empty((*size, 3), np.float32)
    image[:] = colour(rng)
    ink, step = colour(rng).tolist(), int(rng.uniform(0.06, 0.25) * max(size)) + 4
    for row in range(step // 2, size[0], step):
        for col in range(step // 2, size[1], step):
            cv2.circle(image, (col, row), max(1, step // 4), ink, -1)
    return image


def tiles(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw tiles with joints, (H,W,3) float32."""
    image = organic(rng, size) * 0.3 + colour(rng) * 0.7
    counts = rng.integers(1, 6, 2)
    joint, width = colour(rng), int(rng.integers(1, 4))
    for axis, count in enumerate(counts):
        step = size[axis] // int(count)
        for start in range(0, size[axis], step):
            image[(slice(None),) * axis + (slice(start, start + width),)] = joint
    return image


def weave(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw cloth or carpet: a grid of threads with coarse grain and folds, (H,W,3) float32."""
    rows, cols = np.mgrid[:size[0], :size[1]]
    pitch = rng.uniform(2.5, 10)
    threads = np.sin(2 * np.pi * rows / pitch) * np.sin(2 * np.pi * cols / pitch)
    grain = rng.normal(0, rng.uniform(0.02, 0.3), size) + rng.uniform(0.05, 0.5) * threads
    folds = rng.uniform(0, 0.8) * (fractal_noise(rng, size, rng.uniform(1, 8), 0.4) - 0.5)
    return colour(rng) * (1 + grain + folds)[..., None]


def patches(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw random rectangles, circles and triangles, like printed artwork, (H,W,3) float32."""
    image = gradient(rng, size) if rng.random() < 0.5 else plain(rng, size)
    image = np.ascontiguousarray(image, np.float32)
    for _ in range(int(rng.integers(2, 10))):
        ink = colour(rng).tolist()
        corners = (rng.random((3, 2)) * size[::-1]).astype(np.int32)
        kind = rng.integers(3)
        if kind == 0:
            cv2.rectangle(image, corners[0].tolist(), corners[1].tolist(), ink, -1)
        elif kind == 1:
            radius = int(rng.uniform(0.05, 0.3) * min(size))
            cv2.circle(image, corners[0].tolist(), radius, ink, -1)
        else:
            cv2.fillPoly(image, [corners], ink)
    return image


def write_text(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """
    Print lines of words of several sizes onto an image, in place.

    :param image: (H,W,3) float32, contiguous.
    """
    height, width = image.shape[:2]
    ink = (colour(rng) if rng.random() < 0.6 else np.full(3, 255 * rng.integers(2))).tolist()
    row = int(height * rng.uniform(0.05, 0.4))
    for _ in range(int(rng.integers(1, 9))):
        scale = float(rng.choice([0.35, 0.35, 0.5, 0.8, 1.4, 2.2])) * width / 128
        row += int(24 * scale) + 2
        if row > height:
            break
        word = ''.join(rng.choice(list(LETTERS + '   '), int(rng.integers(3, 22))))
        cv2.putText(image, word, (int(rng.uniform(-0.05, 0.3) * width), row),
                    int(rng.choice(FONTS)), scale, ink, max(1, round(scale * 1.5)), cv2.LINE_AA)
    return image


def photo_crop(rng: np.random.Generator, size: tuple[int, int],
               photos: list[np.ndarray]) -> np.ndarray:
    """
    Cut a random window out of one of the photographs.

    :param size: (height, width) of the result.
    :param photos: (H,W,3) uint8 images; a drawn texture replaces them where empty.
    :return: (H,W,3) float32.
    """
    if not photos:
        return organic(rng, size)
    photo = photos[int(rng.integers(len(photos)))]
    side = rng.uniform(0.3, 1.0)
    extent = np.maximum((np.array(photo.shape[:2]) * side).astype(int), 2)
    top, left = (int(rng.integers(0, n - e + 1)) for n, e in zip(photo.shape[:2], extent))
    crop = photo[top:top + extent[0], left:left + extent[1]]
    return cv2.resize(crop, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)


def print_label(rng: np.random.Generator, size: tuple[int, int],
                photos: list[np.ndarray]) -> np.ndarray:
    """
    Draw what is printed on a packet: artwork or a photograph, and text.

    :param size: (height, width) in pixels.
    :return: (H,W,3) uint8 RGB.
    """
    kinds = (plain, plain, gradient, patches, patches, stripes, dots)
    pick = int(rng.integers(len(kinds) + 2))
    base = kinds[pick](rng, size) if pick < len(kinds) else photo_crop(rng, size, photos)
    image = np.ascontiguousarray(base, np.float32)
    if rng.random() < 0.3:
        inset = [max(8, int(n * rng.uniform(0.3, 0.6))) for n in size]
        top, left = (int(rng.integers(0, n - i + 1)) for n, i in zip(size, inset))
        image[top:top + inset[0], left:left + inset[1]] = photo_crop(rng, tuple(inset), photos)
    for _ in range(int(rng.integers(0, 3))):
        write_text(rng, image)
    return np.clip(image, 0, 255).astype(np.uint8)


def cover(rng: np.random.Generator, size: tuple[int, int],
          photos: list[np.ndarray]) -> np.ndarray:
    """
    Draw a tabletop, floor or wall: mostly plain, wooden or stony, sometimes patterned.

    :param size: (height, width) in pixels.
    :return: (H,W,3) uint8 RGB.
    """
    kinds = (plain, plain, plain, wood, wood, wood, organic, organic, weave, weave, tiles, stripes,
             gradient, dots, patches)
    pick = int(rng.integers(len(kinds) + 1))
    image = kinds[pick](rng, size) if pick < len(kinds) else photo_crop(rng, size, photos)
    return subdued(rng, np.clip(image, 0, 255).astype(np.uint8))


def subdued(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Take most of the colour out of most covers: tables are seldom violet."""
    if rng.random() < 0.3:
        return image
    grey = image.mean(2, keepdims=True)
    kept, lift = rng.uniform(0.05, 0.7), rng.uniform(0, 0.9) * (rng.random() < 0.6)
    mixed = grey + kept * (image - grey)
    return (mixed + lift * (245 - mixed)).astype(np.uint8)
