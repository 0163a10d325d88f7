# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Record where synthetic images come from, and show a sample of them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.label_folder import open_label_folder
from metricseg_ros.inputs.codec import read_stored, write_image
from metricseg_ros.synthesis.backgrounds import WALLPAPER_PACKAGES
from metricseg_ros.synthesis.rendered.meshes import LICENCES, PACKAGE, read_catalogue
import numpy as np

TILE = (120, 160)
COLUMNS, ROWS = 4, 10
DEPTH_SHOWN = 6.0  # millimetres a grey level: white is 1.5 m


def write_sources(root: Path, kind: str, rng_seed: int, label_folders: tuple[Path, ...],
                  catalogue: Path | None) -> None:
    """
    Write sources.json: what the images were made of, and under which licences.

    :param label_folders: labelled photographs that were cut up.
    :param catalogue: folder of the models; None where no packages were used.
    """
    sources = package_sources(kind, catalogue) if catalogue else []
    sources += [{'name': folder.name, 'licence': "see the folder's index"}
                for folder in label_folders]
    content = {'kind': kind, 'rng_seed': rng_seed, 'sources': sources}
    (root / 'sources.json').write_text(json.dumps(content, indent=1) + '\n')


def package_sources(kind: str, catalogue: Path) -> list[dict]:
    """List the packages that scenes of a kind are made from."""
    sources = [{'name': PACKAGE, 'archives': LICENCES, 'creators': creators(catalogue)},
               *({'name': name, 'licence': 'see the package'} for name in WALLPAPER_PACKAGES)]
    if kind == 'composed':
        sources.append({'name': 'tuxpaint-stamps-default', 'licence': 'GPL-2.0-or-later'})
    return sources


def creators(catalogue: Path) -> list[str]:
    """List the authors named by a model catalogue."""
    entries = read_catalogue(catalogue)
    return sorted({e.creator for e in entries if e.creator and e.is_household})


def contact_sheet(root: Path, count: int) -> Path:
    """
    Draw evenly spaced images beside their label maps and, where it is known, their depth.

    :param root: what :func:`metricseg_ros.synthesis.generate.generate` writes.
    :param count: look at the first so many images.
    :return: the PNG that was written.
    """
    folder = open_label_folder(root)
    names = folder.names[:count]
    chosen = names[::max(1, len(names) // (COLUMNS * ROWS))][:COLUMNS * ROWS]
    tiles = [_tile(*folder.read(name), _depth(root, name)) for name in chosen]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[i:i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    path = root / 'contact_sheet.png'
    write_image(path, np.vstack(rows))
    return path


def _depth(root: Path, name: str) -> list[np.ndarray]:
    path = root / 'depth' / f'{name}.png'
    return [read_stored(path)] if path.is_file() else []


def _tile(image: np.ndarray, labels: np.ndarray, depth: list[np.ndarray]) -> np.ndarray:
    palette = np.random.default_rng(1).integers(60, 255, (IGNORE_LABEL + 1, 3)).astype(np.uint8)
    palette[0], palette[IGNORE_LABEL] = 0, 255
    size = TILE[::-1]
    greys = [cv2.cvtColor(np.clip(millimetres / DEPTH_SHOWN, 0, 255).astype(np.uint8),
                          cv2.COLOR_GRAY2RGB) for millimetres in depth]
    return np.hstack([cv2.resize(image, size, interpolation=cv2.INTER_AREA),
                      palette[cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)],
                      *(cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST)
                        for grey in greys)])
