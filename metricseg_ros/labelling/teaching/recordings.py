# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a folder of metricseg label tells beside its labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metricseg_ros.datasets.labelled_image import LabelledDataset
from metricseg_ros.datasets.reading.files import read_json
from metricseg_ros.labelling.store import WAITING


def folder_of(text: str) -> Path | None:
    """
    Find the folder of a data set.

    :return: the folder; None where it is of another format.
    """
    kind, colon, rest = text.partition(':')
    return Path(text) if not colon else Path(rest) if kind == 'folder' else None


def recordings_of(text: str, dataset: LabelledDataset,
                  indices: Sequence[int]) -> list[tuple[str, int] | None]:
    """
    Tell which images are frames of a recording.

    :return: source and time in nanoseconds of each; None where it is no frame.
    """
    folder = folder_of(text)
    path = None if folder is None else folder / 'index.json'
    entries = read_json(path) if path is not None and path.is_file() else []
    stamps = {entry.get('key'): (str(entry.get('source')), entry['stamp_ns']) for entry in entries
              if isinstance(entry, dict) and isinstance(entry.get('stamp_ns'), int)}
    return [stamps.get(dataset[index].name) for index in indices]


def waiting_images(text: str) -> list[str]:
    """Tell how many images of a folder still wait for their labels."""
    folder = folder_of(text)
    waiting = [] if folder is None else list((folder / WAITING / 'images').glob('*'))
    return [f'{len(waiting)} images still wait for their labels: metricseg label -o {folder} goes '
            'on'] if waiting else []
