# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compose cut-outs onto a background: a cheap source of overlaps with exact labels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.datasets.household import household_class
from metricseg_ros.synthesis.composed.cutouts import Cutout
from metricseg_ros.synthesis.synthetic_scene import SyntheticScene
import numpy as np

MIN_VISIBLE = 60 / (240 * 320)  # share of the image below which a part is ignored
OPAQUE = 127
EMPTY_SHARE = 0.03
ALIKE_SHARE = 0.2  # scenes made of copies of very few things
TRAY_SHARE = 0.55  # scenes where small things lie on one or two large ones
MAX_THINGS = 16
Choice = tuple[Cutout, float, tuple[int, int]]


def compose(backgrounds: Sequence[np.ndarray], cutouts: Sequence[Cutout],
            size: tuple[int, int], rng: np.random.Generator,
            large: Sequence[Cutout] = ()) -> SyntheticScene:
    """
    Compose a random scene.

    :param large: things that others lie on; any cut-out where empty.
    :return: the scene, of unknown depth.
    :raises ValueError: without a background or a cut-out.
    """
    for name, given in (('backgrounds', backgrounds), ('cutouts', cutouts)):
        if not len(given):
            raise ValueError(f'{name} must hold at least one, got none; install the packages '
                             'that they come from or give a label folder')
    image = background_crop(backgrounds[int(rng.integers(len(backgrounds)))], size, rng)
    labels = np.full(size, BACKGROUND, np.uint16)
    chosen = choose(cutouts, size, rng, large or cutouts)
    light = float(rng.uniform(0, 2 * np.pi))
    for label, (cutout, side, centre) in enumerate(chosen, start=1):
        paste(image, labels, _varied(cutout.rgba, side, rng), centre, label, light, rng)
    kept = visible(labels, len(chosen))
    names = tuple(household_class(cutout.name)
                  for (cutout, _, _), is_kept in zip(chosen, kept[1:], strict=True) if is_kept)
    return SyntheticScene(np.clip(image, 0, 255).astype(np.uint8), relabelled(labels, kept), names)


def background_crop(background: np.ndarray, size: tuple[int, int],
                    rng: np.random.Generator) -> np.ndarray:
    """
    Cut a random window of a background and bring it to size.

    :param background: (H,W,3) uint8.
    :param size: (height, width) of the result.
    :return: (height, width, 3) float32 in 0..255.
    """
    height, width = background.shape[:2]
    largest = min(height / size[0], width / size[1])
    scale = largest * rng.uniform(0.35, 1.0)
    extent = [max(1, int(n * scale)) for n in size]
    top, left = (int(rng.integers(0, n - e + 1)) for n, e in zip((height, width), extent))
    window = background[top:top + extent[0], left:left + extent[1]]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    resized = cv2.resize(window, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return resized * rng.uniform(0.75, 1.15)


def paste(image: np.ndarray, labels: np.ndarray, rgba: np.ndarray, centre: tuple[int, int],
          label: int, light: float, rng: np.random.Generator) -> None:
    """
    Lay one thing with its shadow onto the image, in place.

    :param image: (H,W,3) float32 in 0..255.
    :param labels: (H,W) uint16.
    :param rgba: (h,w,4) float32 in 0..255.
    :param centre: (row, col) of the thing's middle.
    :param light: direction of the shadow in radians.
    """
    _cast_shadow(image, rgba[..., 3], centre, light, rng)
    there, here = _overlap(labels.shape, rgba.shape[:2], centre)
    if there is None:
        return
    thing = rgba[here]
    alpha = thing[..., 3:] / 255
    image[there] += alpha * (_harmonised(thing, image[there], rng) - image[there])
    labels[there][thing[..., 3] > OPAQUE] = label


def visible(labels: np.ndarray, count: int) -> np.ndarray:
    """
    Tell which instances are seen well enough to be learnt.

    :param labels: (H,W) uint16, labels up to `count`.
    :param count: N, how many were pasted.
    :return: (N+1,) bool, by label; False for the background.
    """
    kept = np.bincount(labels.ravel(), minlength=count + 1) >= MIN_VISIBLE * labels.size
    kept[BACKGROUND] = False
    return kept


def relabelled(labels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """
    Give the visible instances the labels 1..N and ignore the others.

    :param labels: (H,W) uint16.
    :param kept: which labels stay, from :func:`visible`.
    """
    new = np.where(kept, np.cumsum(kept), IGNORE_LABEL).astype(np.uint16)
    new[BACKGROUND] = BACKGROUND
    return new[labels]


def choose(cutouts: Sequence[Cutout], size: tuple[int, int], rng: np.random.Generator,
           large: Sequence[Cutout]) -> list[Choice]:
    """
    Decide what a scene shows.

    :param size: (height, width) of the scene.
    :return: cut-out, longer side in pixels and (row, col) of the middle, the lowest first.
    """
    if rng.random() < EMPTY_SHARE:
        return []
    span = float(np.exp(rng.uniform(np.log(0.11), np.log(0.55))))
    below = _trays(large, size, rng) if rng.random() < TRAY_SHARE else []
    if below:
        span = min(span, rng.uniform(0.2, 0.5) * below[0][1] / size[1])
    count = int(rng.integers(1, np.clip(1.2 / span**1.5, 3, MAX_THINGS) + 1))
    alike = rng.random() < ALIKE_SHARE
    pool = rng.integers(len(cutouts), size=int(rng.integers(1, 4)) if alike else count)
    middle, spread = _cluster(size, span, count, rng)
    reach = rng.uniform(0.15, 0.45)
    chosen = []
    for number in range(count):
        index = pool[int(rng.integers(len(pool)))] if alike else pool[number]
        side = span * size[1] * float(np.exp(rng.uniform(-0.4, 0.4) * (0.3 if alike else 1.0)))
        if below:  # most things lie on a tray, a few beside it
            tray = below[int(rng.integers(len(below)))]
            middle, spread = np.array(tray[2]), np.full(2, tray[1] * reach)
        centre = middle + rng.uniform(-1, 1, 2) * spread
        chosen.append((cutouts[int(index)], side, (int(centre[0]), int(centre[1]))))
    return below + chosen


def _trays(large: Sequence[Cutout], size: tuple[int, int],
           rng: np.random.Generator) -> list[Choice]:
    trays = []
    for _ in range(1 + (rng.random() < 0.25)):
        side = size[1] * rng.uniform(0.4, 1.05)
        centre = (np.array(size) * rng.uniform(0.25, 0.75, 2)).astype(int)
        trays.append((large[int(rng.integers(len(large)))], side, tuple(centre.tolist())))
    return trays


def _cluster(size: tuple[int, int], span: float, count: int,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    half = np.array(size) / 2
    if rng.random() < 0.5:
        return half, half  # all over the image
    spread = np.minimum(0.45 * span * size[1] * np.sqrt(count), half)
    return half + rng.uniform(-1, 1, 2) * (half - spread) * 0.8, spread


def _varied(rgba: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    height, width = rgba.shape[:2]
    stretch = float(np.exp(rng.normal(0, 0.08)))
    scale = side / max(height, width)
    angle = rng.uniform(-180, 180) if rng.random() < 0.6 else rng.normal(0, 10)
    turn = cv2.getRotationMatrix2D((0, 0), angle, 1.0)[:, :2]
    shape = np.diag([scale * stretch * rng.choice([-1, 1]), scale / stretch])
    matrix = turn @ shape
    corners = np.abs(matrix) @ [width, height]
    target = np.ceil(corners).astype(int) + 2
    offset = target / 2 - matrix @ [(width - 1) / 2, (height - 1) / 2]
    return _warped(rgba, np.column_stack([matrix, offset]), target, scale)


def _warped(rgba: np.ndarray, matrix: np.ndarray, target: np.ndarray,
            scale: float) -> np.ndarray:
    source = rgba
    if scale < 0.6:  # a plain warp would alias: average first
        source = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        shrink = np.array(source.shape[1::-1]) / rgba.shape[1::-1]
        matrix = np.column_stack([matrix[:, :2] / shrink, matrix[:, 2]])
    extent = (int(target[0]), int(target[1]))
    # Colours continue beyond the outline: only alpha fades to nothing there.
    colours = cv2.warpAffine(source[..., :3], matrix, extent, flags=cv2.INTER_LINEAR,
                             borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(np.ascontiguousarray(source[..., 3]), matrix, extent)
    return np.dstack([colours, cv2.GaussianBlur(alpha, (3, 3), 0)]).astype(np.float32)


def _cast_shadow(image: np.ndarray, alpha: np.ndarray, centre: tuple[int, int], light: float,
                 rng: np.random.Generator) -> None:
    side = max(alpha.shape)
    sigma = 1 + side * rng.uniform(0.01, 0.08)
    reach = side * rng.uniform(0.0, 0.1)
    pad = int(2 * sigma) + 1
    # Two box filters: nearly a Gaussian, at a cost that does not grow with its width.
    soft = cv2.blur(cv2.blur(np.pad(alpha, pad), (pad | 1, pad | 1)), (pad | 1, pad | 1))
    place = (int(centre[0] + reach * np.sin(light)), int(centre[1] + reach * np.cos(light)))
    there, here = _overlap(image.shape[:2], soft.shape, place)
    if there is not None:
        image[there] *= 1 - soft[here][..., None] * (rng.uniform(0.1, 0.65) / 255)


def _harmonised(thing: np.ndarray, below: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    around = float(below.mean()) + 20
    gain = (around / 140) ** rng.uniform(0.0, 0.35) * rng.uniform(0.75, 1.2)
    return thing[..., :3] * gain


def _overlap(size: tuple[int, ...], crop: tuple[int, ...],
             centre: tuple[int, int]) -> tuple[tuple | None, tuple]:
    start = [c - n // 2 for c, n in zip(centre, crop)]
    first = [max(0, s) for s in start]
    last = [min(n, s + c) for n, s, c in zip(size, start, crop)]
    if any(a >= b for a, b in zip(first, last)):
        return None, ()
    there = tuple(slice(a, b) for a, b in zip(first, last))
    here = tuple(slice(a - s, b - s) for a, b, s in zip(first, last, start))
    return there, here
