# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Load things cut out of pictures, with alpha, from installed packages and label folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import zipfile

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.datasets.formats.folder_dataset import read_index
from metricseg_ros.datasets.household import OBJECT
from metricseg_ros.datasets.label_folder import LabelFolder
from metricseg_ros.inputs.codec import decode
from metricseg_ros.synthesis.rendered.meshes import (
    CATALOGUE,
    CatalogueEntry,
    PACKAGE,
    read_catalogue,
)
import numpy as np

STAMPS = Path('/usr/share/tuxpaint/stamps')
MAX_SIDE = 256
MIN_SIDE = 32
# Signs, letters and buildings are no things; cartoons are no photographs.
DRAWN_FOLDERS = ('cartoon', 'symbols', 'roadsigns', 'flags', 'houses', 'monuments', 'space',
                 'naturalforces', 'plastic', 'people', 'trees', 'easter', 'hats')
PHOTOGRAPHIC_COLOURS = 250  # distinct 15-bit colours; drawings have fewer


@dataclass(frozen=True)
class Cutout:
    """
    Hold one thing cut out of a picture.

    :param rgba: (H,W,4) uint8, cropped to the thing.
    :param source: the package or data set it came from.
    """

    rgba: np.ndarray
    source: str
    licence: str
    name: str = OBJECT


def load_cutouts(folders: tuple[LabelFolder, ...] = (), packages: bool = True,
                 catalogue: Path = CATALOGUE) -> list[Cutout]:
    """
    Load the cut-outs of every source there is.

    :param folders: labelled photographs to cut instances from.
    :param packages: take what the installed packages offer, too.
    :param catalogue: folder of the models whose pictures are taken.
    :return: the cut-outs; empty where no package is installed and no folder given.
    """
    entries = [entry for entry in read_catalogue(catalogue) if entry.is_household]
    found = stamp_cutouts() + icon_cutouts(entries) if packages else []
    for folder in folders:
        found += folder_cutouts(folder)
    return found


def stamp_cutouts(root: Path = STAMPS) -> list[Cutout]:
    """Load the photographic stamps of the Debian package tuxpaint-stamps-default."""
    paths = [p for p in sorted(root.rglob('*.png')) if not set(p.parts) & set(DRAWN_FOLDERS)]
    images = [decode(p.read_bytes(), cv2.IMREAD_UNCHANGED) for p in paths]
    rgba = [None if image is None else _rgba(image) for image in images]
    # The folder says more than the file: fruit/kiwi.png, tools/saw.png.
    return [Cutout(trimmed(image), 'tuxpaint-stamps-default', 'GPL-2.0-or-later',
                   f'{path.parent.name} {path.stem}')
            for path, image in zip(paths, rgba) if image is not None and is_photographic(image)]


def icon_cutouts(entries: list[CatalogueEntry]) -> list[Cutout]:
    """Load the catalogue pictures of the household models of sweethome3d-furniture."""
    found = []
    for entry in entries:
        with zipfile.ZipFile(entry.archive) as archive:
            data = np.frombuffer(archive.read(entry.icon), np.uint8)
        image = _rgba(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
        if image is not None:
            found.append(Cutout(trimmed(image), PACKAGE, entry.licence, entry.name))
    return found


def folder_cutouts(folder: LabelFolder, licence: str = 'as the folder') -> list[Cutout]:
    """
    Cut the instances out of labelled photographs.

    :param folder: the photographs; instances that touch the border or are small are left out.
    """
    index, found = read_index(folder.root / 'index.json'), []
    for name in folder.names:
        image, labels = folder.read(name)
        classes = dict(enumerate(index.get(name, ()), 1))
        for label in np.setdiff1d(labels, [BACKGROUND, IGNORE_LABEL]):
            rgba = _cut(image, labels == label)
            found += [] if rgba is None else [Cutout(rgba, folder.root.name, licence,
                                                     classes.get(int(label), OBJECT))]
    return found


def trimmed(rgba: np.ndarray) -> np.ndarray:
    """
    Crop to what is opaque and shrink to the largest side allowed.

    :param rgba: (H,W,4) uint8 with at least one opaque pixel.
    :return: (h,w,4) uint8, no side above MAX_SIDE.
    """
    rows, cols = (np.flatnonzero((rgba[..., 3] > 127).any(axis)) for axis in (1, 0))
    crop = rgba[rows[0]:rows[-1] + 1, cols[0]:cols[-1] + 1]
    scale = MAX_SIDE / max(crop.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(crop)
    # Colours are weighted by alpha: what lies hidden under it must not bleed in.
    weight = crop[..., 3:].astype(np.float32) / 255
    light = np.concatenate([crop[..., :3] * weight, weight], -1)
    small = cv2.resize(light, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rgb = small[..., :3] / np.maximum(small[..., 3:], 1e-3)
    return np.clip(np.concatenate([rgb, small[..., 3:] * 255], -1), 0, 255).astype(np.uint8)


def is_photographic(rgba: np.ndarray) -> bool:
    """Tell photographs (H,W,4) from drawings: the opaque part has many colours."""
    opaque = rgba[rgba[..., 3] > 200][:, :3].astype(np.int32) >> 3
    return len(np.unique(opaque @ [1024, 32, 1])) >= PHOTOGRAPHIC_COLOURS


def _rgba(image: np.ndarray | None) -> np.ndarray | None:
    if image is None or image.ndim != 3 or image.shape[2] != 4 or image.dtype != np.uint8:
        return None
    opaque = image[..., 3] > 127
    rows, cols = opaque.any(1).sum(), opaque.any(0).sum()
    if max(rows, cols) < MIN_SIDE or opaque.mean() > 0.97:
        return None
    return image[..., [2, 1, 0, 3]]


def _cut(image: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    rows, cols = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    inside = (rows[0] > 0 and cols[0] > 0 and rows[-1] < mask.shape[0] - 1
              and cols[-1] < mask.shape[1] - 1)
    if not inside or min(np.ptp(rows), np.ptp(cols)) + 1 < MIN_SIDE:
        return None
    # Outlines drawn by hand take some background along: shave a pixel, then feather.
    alpha = cv2.erode(mask.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
    alpha = cv2.GaussianBlur(alpha, (3, 3), 0)
    return trimmed(np.dstack([image, alpha])) if (alpha > 127).any() else None
