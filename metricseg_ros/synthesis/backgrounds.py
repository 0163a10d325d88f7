# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Load and draw backgrounds: wallpapers, drawn covers, empty tabletops."""

from __future__ import annotations

from pathlib import Path

import cv2
from metricseg_ros.inputs.codec import decode, is_image
from metricseg_ros.synthesis.textures import cover
import numpy as np

WALLPAPERS = (Path('/usr/share/backgrounds/mate'), Path('/usr/share/backgrounds/gnome'))
WALLPAPER_PACKAGES = ('mate-backgrounds', 'gnome-backgrounds')
# They show things, which a composition would teach to be background.
WITH_THINGS = ('symbolic', 'vnc', 'Elephants', 'LadyBird', 'Flower', 'TwoWings')
MAX_SIDE = 480


def load_wallpapers(roots: tuple[Path, ...] = WALLPAPERS,
                    without: tuple[str, ...] = ()) -> list[np.ndarray]:
    """
    Load the pictures of the installed desktop backgrounds.

    :param without: leave out files whose names contain one of these.
    :return: (H,W,3) uint8 RGB images, no side above MAX_SIDE; empty where none is installed.
    """
    paths = sorted(p for root in roots for p in root.rglob('*') if is_image(p))
    paths = [p for p in paths if not any(word in p.name for word in without)]
    images = [decode(path.read_bytes(), cv2.IMREAD_REDUCED_COLOR_4) for path in paths]
    return [_shrunk(image) for image in images if image is not None]


def load_backgrounds(rng: np.random.Generator, drawn: int = 200,
                     size: tuple[int, int] = (320, 320),
                     packages: bool = True) -> list[np.ndarray]:
    """
    Collect backgrounds to compose on.

    :param drawn: number of textures drawn beside the wallpapers.
    :param size: (height, width) of the drawn ones.
    :param packages: take the wallpapers of the installed packages, too.
    :return: (H,W,3) uint8 RGB images.
    """
    photos = load_wallpapers(without=WITH_THINGS) if packages else []
    return photos + [cover(rng, size, photos) for _ in range(drawn)]


def _shrunk(image: np.ndarray) -> np.ndarray:
    scale = min(1.0, MAX_SIDE / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1])
