# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read what data sets consist of, with errors that name the file."""

from __future__ import annotations

from collections.abc import Iterable
import json
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.config import IGNORE_LABEL
import numpy as np


def read_photograph(path: Path) -> np.ndarray:
    """
    Read a photograph with its pixels as they are stored; EXIF orientation is not applied.

    Labels are drawn on the stored pixels, in all the formats read here.

    :param path: the file.
    :return: (H,W,3) uint8 RGB.
    :raises ValueError: if it is missing or cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ValueError(f'image {path} is missing or cannot be decoded')
    return np.ascontiguousarray(image[..., ::-1])


def read_labels(path: Path) -> np.ndarray:
    """
    Read an image of labels: one channel of 8 or 16 bits, or the indices of a palette.

    :param path: the PNG file.
    :return: (H,W) uint16.
    :raises ValueError: if it is missing, cannot be decoded, or is a picture in colours.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            labels = np.array(image)
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f'labels {path} cannot be read: {error}') from None
    if labels.ndim != 2 or labels.dtype.kind not in 'iu' or labels.max(initial=0) > IGNORE_LABEL:
        raise ValueError(f'labels {path} must be one channel of 8 or 16 bits or a palette, got '
                         f'{labels.dtype} of shape {labels.shape}')
    return labels.astype(np.uint16)


def read_json(path: Path) -> Any:
    """
    Read a JSON file.

    :param path: the file.
    :return: its content.
    :raises ValueError: if it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f'{path} cannot be read as JSON: {error}') from None


def read_names(path: Path) -> list[str]:
    """
    Read a list of names, one a line.

    :param path: the file.
    :return: the first word of each line that has one.
    :raises ValueError: if it is missing.
    """
    if not path.is_file():
        raise ValueError(f'list {path} is missing')
    return [line.split()[0] for line in path.read_text().splitlines() if line.strip()]


def found_in(folder: Path) -> str:
    """
    Say what a folder holds, for an error message.

    :param folder: what was opened.
    :return: its first few entries, or what it is instead of a folder.
    """
    if not folder.is_dir():
        return f'no folder at {folder}'
    entries = sorted(f'{entry.name}/' if entry.is_dir() else entry.name
                     for entry in folder.iterdir())
    more = f' and {len(entries) - 6} more' if len(entries) > 6 else ''
    return f'{", ".join(entries[:6]) or "nothing"}{more} in {folder}'


def renumbered(labels: np.ndarray, background: Iterable[int] = (0,)) -> np.ndarray:
    """
    Give the instances of a label map the labels 1, 2, ... in the order of the old ones.

    :param labels: (H,W) unsigned integers; IGNORE_LABEL stays.
    :param background: the labels that are no instance.
    :return: (H,W) uint16.
    """
    values, index = np.unique(labels, return_inverse=True)
    kept = ~np.isin(values, [*background, IGNORE_LABEL])
    numbers = np.where(kept, np.cumsum(kept), 0)
    numbers[values == IGNORE_LABEL] = IGNORE_LABEL
    return numbers[index].reshape(labels.shape).astype(np.uint16)
