# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Take images, folders, videos and bags into a folder to be labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import length_hint
from pathlib import Path
import shutil
from typing import Any

import cv2
from metricseg_ros.datasets.reading import read_photograph as read_stored
from metricseg_ros.inputs import Frame, open_input
from metricseg_ros.inputs.images import ImageFiles
from metricseg_ros.labelling.choosing import far_apart, look_of
from metricseg_ros.labelling.store import LabelStore
import numpy as np

CANDIDATES = 600
"""Frames of a recording that are looked at, evenly spread; the others are decoded and let go."""

KEPT_SUFFIXES = ('.jpg', '.jpeg', '.png')


def take_in(store: LabelStore, path: str | Path, frames: int, topic: str | None = None) -> int:
    """
    Let the images of an input wait for their labels; those that are there already are left out.

    :param store: the folder.
    :param path: an image, a folder of images or a data set's folder, a video or a bag.
    :param frames: how many frames to choose of a video or bag.
    :param topic: image topic of a bag with several.
    :return: how many images were added.
    :raises InputError: if there is nothing that can be read.
    """
    path = Path(path)
    if (path / 'images').is_dir():
        path = path / 'images'
    source = open_input(path, topic, depth=False)
    known = {entry.about.get('source') for entry in store.entries.values()}
    if not isinstance(source, ImageFiles):
        if str(path.resolve()) in known:
            return 0
        before = len(store.entries)
        for frame in chosen_frames(source, frames):
            about = {'source': str(path.resolve()), 'stamp_ns': frame.stamp_ns}
            _add_frame(store, _free_name(store, frame.name), frame, about)
        return len(store.entries) - before
    images = [image for image in source.paths if str(image.resolve()) not in known]
    for image in images:
        _add_image(store, image)
    return len(images)


def chosen_frames(source: Iterable[Frame], count: int) -> Iterator[Frame]:
    """
    Choose frames of a recording.

    :param source: a video or bag, which is read twice.
    :param count: how many.
    :return: the frames, in order.
    """
    step = max(1, length_hint(source) // CANDIDATES)
    numbers, looks, times = [], [], []
    for number, frame in enumerate(source):
        if number % step == 0:
            numbers.append(number)
            looks.append(look_of(frame.image))
            times.append(number if frame.stamp_ns is None else frame.stamp_ns / 1e9)
    if not numbers:
        return
    chosen = {numbers[index] for index in far_apart(np.array(looks), np.array(times), count)}
    for number, frame in enumerate(source):
        if number in chosen:
            yield frame


def _add_frame(store: LabelStore, name: str, frame: Frame, about: Mapping[str, Any]) -> None:
    content = cv2.imencode('.png', frame.image[..., ::-1])[1].tobytes()
    store.add(name, content, '.png', about)


def _add_image(store: LabelStore, path: Path) -> None:
    """Add an image file as it is, or as PNG where its stored pixels are not what one sees."""
    name, about = _free_name(store, path.stem), {'source': str(path.resolve())}
    (frame,) = ImageFiles([path])
    if path.suffix.lower() in KEPT_SUFFIXES and _same(read_stored(path), frame.image):
        store.add(name, path.read_bytes(), path.suffix.lower(), about)
    else:
        _add_frame(store, name, frame, about)
    depth, camera = (path.parent.parent / part for part in (f'depth/{path.stem}.png',
                                                            'camera.json'))
    if path.parent.name == 'images' and depth.is_file():
        (store.root / 'depth').mkdir(exist_ok=True)
        shutil.copyfile(depth, store.root / 'depth' / f'{name}.png')
        if camera.is_file() and not (store.root / 'camera.json').exists():
            shutil.copyfile(camera, store.root / 'camera.json')


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)


def _free_name(store: LabelStore, name: str) -> str:
    free, number = name, 1
    while free in store.entries:
        number += 1
        free = f'{name}-{number}'
    return free
