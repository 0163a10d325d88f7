# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Take images, folders, videos and bags into a folder to be labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import length_hint
from pathlib import Path
from typing import Any

from metricseg_ros.inputs import DepthTopics, Frame, open_input
from metricseg_ros.inputs.codec import encode, is_stored_as_seen
from metricseg_ros.inputs.frame import OnError, raise_error
from metricseg_ros.inputs.images import ImageFiles
from metricseg_ros.inputs.rgbd_folder import RgbdFolder
from metricseg_ros.labelling.choosing import far_apart, look_of
from metricseg_ros.labelling.store import LabelStore
import numpy as np

CANDIDATES = 600
"""Frames of a recording that are looked at, evenly spread; the others are decoded and let go."""


def take_in(store: LabelStore, path: str | Path, frames: int, topic: str | None = None,
            on_error: OnError = raise_error, depth: bool = True,
            depth_topics: DepthTopics | None = None) -> int:
    """
    Let the images of an input wait for their labels; those that are there already are left out.

    :param path: an image, a folder of images or a data set's folder, a video or a bag.
    :param frames: how many frames to choose of a video or bag.
    :param topic: image topic of a bag with several.
    :param on_error: told of each image that cannot be read; it is left out.
    :param depth_topics: where a bag has it.
    :return: how many images were added.
    :raises InputError: if there is nothing that can be read.
    """
    source = open_input(path, topic, on_error, depth, depth_topics)
    known = {entry.about.get('source') for entry in store.entries.values()}
    before = len(store.entries)
    if isinstance(source, (ImageFiles, RgbdFolder)):
        for frame in source:
            if str(Path(frame.source).resolve()) not in known:
                _add_image(store, frame)
    elif str(Path(path).resolve()) not in known:
        for frame in chosen_frames(source, frames):
            _add(store, frame, stamp_ns=frame.stamp_ns)
    return len(store.entries) - before


def chosen_frames(source: Iterable[Frame], count: int) -> Iterator[Frame]:
    """
    Choose frames of a recording.

    :param source: a video or bag, which is read twice.
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


def _add_image(store: LabelStore, frame: Frame) -> None:
    """Add an image file as it is, or as PNG where its stored pixels are not what one sees."""
    path = Path(frame.source)
    if is_stored_as_seen(path, frame.image):
        _add(store, frame, path.read_bytes(), path.suffix.lower())
    else:
        _add(store, frame)


def _add(store: LabelStore, frame: Frame, content: bytes | None = None, suffix: str = '.png',
         **about: Any) -> None:
    """Add a frame, as PNG unless the content of its file is given."""
    store.add(_free_name(store, frame.name), content or encode(frame.image, '.png'), suffix,
              {'source': str(Path(frame.source).resolve()), **about}, frame.depth)


def _free_name(store: LabelStore, name: str) -> str:
    free, number = name, 1
    while free in store.entries:
        number += 1
        free = f'{name}-{number}'
    return free
