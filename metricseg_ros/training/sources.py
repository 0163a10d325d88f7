# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where training scenes come from: folders of labelled images, and scenes composed on the fly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metricseg_ros.datasets.backgrounds import load_backgrounds
from metricseg_ros.datasets.composition import compose
from metricseg_ros.datasets.cutouts import load_cutouts
from metricseg_ros.datasets.label_folder import LabelFolder, open_label_folder
import numpy as np

Scene = tuple[np.ndarray, np.ndarray]
SceneSource = Callable[[np.random.Generator], Scene]


def folder_source(root: Path) -> SceneSource:
    """
    Draw images of a folder at random.

    :param root: the folder that holds images/ and labels/.
    :return: a source of its images, (H,W,3) uint8 RGB, and label maps, (H,W) uint16.
    """
    folder = open_label_folder(root)
    return lambda rng: folder.read(folder.names[rng.integers(len(folder))])


def composed_source(folders: tuple[LabelFolder, ...], size: tuple[int, int],
                    rng_seed: int) -> SceneSource:
    """
    Compose scenes from photographic cut-outs as they are asked for.

    :param folders: labelled photographs to cut instances from, beside the installed packages.
    :param size: (height, width) of the scenes.
    :param rng_seed: seed of the drawn backgrounds.
    :return: a source of scenes.
    """
    backgrounds = load_backgrounds(np.random.default_rng(rng_seed))
    cutouts = load_cutouts(folders)
    return lambda rng: compose(backgrounds, cutouts, size, rng)
