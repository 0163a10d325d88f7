# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read what data sets consist of, with errors that name the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
import json
import os
from pathlib import Path
import re
from typing import Any, TypeVar
import unicodedata
from urllib.parse import unquote
import warnings

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.inputs import codec
from metricseg_ros.inputs.frame import DataWarning
import numpy as np

Entry = TypeVar('Entry')
PNG_BITS = 24
"""Where a PNG says how many bits a value has."""

SHOWN = 3
"""How many of many images are named."""


def read_photograph(path: Path) -> np.ndarray:
    """
    Read a photograph with its pixels as they are stored; EXIF orientation is not applied.

    Labels are drawn on the stored pixels, in all the formats read here.

    :return: (H,W,3) uint8 RGB.
    :raises ValueError: if it is missing or cannot be decoded.
    """
    return codec.read_image(path, upright=False)


def read_labels(path: Path) -> np.ndarray:
    """
    Read an image of labels.

    :param path: PNG or another format without loss: one channel of 1 to 16 bits, the indices of a
        palette, or grey as several equal channels, transparent or not.
    :return: (H,W) uint16.
    :raises ValueError: if it is missing, cannot be decoded, or is a picture in colours.
    """
    data = codec.read_bytes(path)
    if name := codec.lossy_format(data):
        raise ValueError(f'labels {path} must not be {name}, which changes values: save PNG')
    labels = _of_eight_bits(data)
    if labels is None:
        labels = codec.decode(data, cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise ValueError(f'labels {path} cannot be read')
    if labels.ndim == 3:
        channels = labels[..., :labels.shape[2] - (labels.shape[2] % 2 == 0)]  # Less alpha.
        labels = channels[..., 0] if (channels == channels[..., :1]).all() else labels
    if labels.ndim != 2 or labels.dtype.kind not in 'iu' or labels.max(initial=0) > IGNORE_LABEL:
        raise ValueError(f'labels {path} must be one channel of 16 bits or less or a palette, not '
                         f'colours, got {labels.dtype} of shape {labels.shape}')
    return labels.astype(np.uint16)


def _of_eight_bits(data: bytes) -> np.ndarray | None:
    """Read values of 1 to 8 bits and indices of palettes as they are; None for anything else."""
    bits = data[PNG_BITS] if data[:PNG_BITS].startswith(codec.PNG_START) else 8
    if codec.largest_of_pnm(data):
        return None  # Pillow spreads what is there over 8 bits.
    try:
        with codec.opened_by_pillow(BytesIO(data)) as image:
            if bits > 8 or image.mode not in ('1', 'L', 'P', 'LA', 'RGB', 'RGBA'):
                return None
            labels = np.array(image).astype(np.uint8)
    except Exception:  # Damage can make anything of a reader.
        return None
    if bits == 8 or image.mode != 'L':
        return labels
    return labels // (255 // (2 ** bits - 1))  # Pillow spreads grey of 2 or 4 bits over 8.


def read_colours(path: Path, palette: bool = False) -> np.ndarray | None:
    """
    Read an image in which colours stand for labels.

    :param palette: whether the colours of a palette count, rather than its indices.
    :return: (H,W) int64, red x 65536 + green x 256 + blue; None if it is grey, or of indices.
    :raises ValueError: if it is missing or cannot be decoded.
    """
    data = codec.read_bytes(path)
    try:
        with codec.opened_by_pillow(BytesIO(data)) as image:
            mode = image.mode
    except Exception as error:  # Damage can make anything of a reader.
        raise ValueError(f'labels {path} cannot be read: {error}') from None
    if mode not in ('RGB', 'RGBA', *(['P'] if palette else [])):
        return None
    pixels = codec.read_stored(path)
    if pixels.ndim < 3 or pixels.dtype != np.uint8 or (pixels[..., :3] == pixels[..., :1]).all():
        return None
    return pixels[..., :3].astype(np.int64) @ [65536, 256, 1]


def read_text(path: Path) -> str:
    """
    Read a text of any Unicode encoding; what is none keeps its bytes, as names of files do.

    :raises ValueError: if it is missing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f'{path} cannot be read: {error.strerror}') from None
    try:
        return data.decode(json.detect_encoding(data), 'surrogateescape')
    except UnicodeDecodeError as error:  # UTF-16 that is cut short.
        raise ValueError(f'{path} cannot be read: {error}') from None


def read_json(path: Path) -> Any:
    """
    Read a JSON file.

    :raises ValueError: if it is missing or no JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} cannot be read as JSON: {error}') from None


def to_int(value: Any, what: str) -> int:
    """
    Read a whole number that may have been written as a text, or with a fraction of zero.

    :raises ValueError: if it is none.
    """
    try:
        exact = value if isinstance(value, int) else float(value)
        if isinstance(value, str) and value.strip().lstrip('-').isdecimal():
            exact = int(value)
        if exact == int(exact):
            return int(exact)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f'{what} must be a whole number, got {value!r:.40}')


def read_names(path: Path) -> list[str]:
    """
    Read a list of names, one a line.

    :return: each line that is not empty.
    :raises ValueError: if it is missing.
    """
    if not path.is_file():
        raise ValueError(f'list {path} is missing')
    return [name for line in read_text(path).splitlines() if (name := line.strip())]


def usable(entries: Sequence[Entry], fault: Callable[[Entry], str], where: Path,
           skip_missing: bool) -> list[Entry]:
    """
    Look at all images of a data set before the first is read.

    :param fault: says what is wrong with one, naming it; empty if nothing is.
    :param skip_missing: whether to go on without those that something is wrong with.
    :raises ValueError: if something is wrong with one and these are not to be left out, or with
        all.
    """
    faults = [fault(entry) for entry in entries]
    told = [text for text in faults if text]
    if told:
        more = f'; and {len(told) - SHOWN} more' if len(told) > SHOWN else ''
        text = (f'{len(told)} of {len(entries)} images of {where} cannot be used: '
                f'{"; ".join(told[:SHOWN])}{more}')
        if not skip_missing or len(told) == len(entries):
            raise ValueError(f'{text}: mend them, or go on without by --skip-missing')
        warnings.warn(f'{text}: left out', DataWarning, stacklevel=2)
    return [entry for entry, text in zip(entries, faults) if not text]


def describe_folder(folder: Path) -> str:
    """
    Say what a folder holds, for an error message.

    :return: its first few entries, or what it is instead of a folder.
    """
    if not folder.is_dir():
        return f'no folder at {folder}'
    entries = sorted(f'{entry.name}/' if entry.is_dir() else entry.name
                     for entry in folder.iterdir())
    more = f' and {len(entries) - 6} more' if len(entries) > 6 else ''
    return f'{", ".join(entries[:6]) or "nothing"}{more} in {folder}'


def find_file(folder: Path, name: str) -> Path | None:
    """
    Find an image that may be called by its place on another machine.

    :param name: path with slashes of either kind, or an address; its end is what counts.
    :return: where it is; None if it is not there.
    """
    parts = [part for part in re.split(r'[\\/]', name) if part not in ('', '.')]
    names = [name, *('/'.join(parts[start:]) for start in range(len(parts)))]
    if '%' in name or '://' in name:
        names.append(unquote(parts[-1].partition('?')[0] if '://' in name else parts[-1]))
    for each in names:
        if os.path.isfile(path := spelt(Path(folder, each.lstrip('/')))):
            return path
    return None


def spelt(path: Path) -> Path:
    """
    Find a file whose name has accents as characters of their own, as macOS writes them, or not.

    :return: the path as it is on the disk; the one given where there is none.
    """
    if str(path).isascii() or os.path.isfile(path):
        return path
    forms = (path.with_name(unicodedata.normalize(form, path.name)) for form in ('NFC', 'NFD'))
    return next(filter(os.path.isfile, forms), path)


def renumbered(labels: np.ndarray, background: Iterable[int] = (0,),
               ignored: int = IGNORE_LABEL) -> np.ndarray:
    """
    Give the instances of a label map the labels 1, 2, ... in the order of the old ones.

    :param labels: (H,W) integers.
    :param background: the labels that are no instance.
    :return: (H,W) uint16.
    """
    values, index = np.unique(labels, return_inverse=True)
    kept = ~np.isin(values, [*background, ignored])
    numbers = np.where(kept, np.cumsum(kept), 0)
    numbers[values == ignored] = IGNORE_LABEL
    return numbers[index].reshape(labels.shape).astype(np.uint16)
