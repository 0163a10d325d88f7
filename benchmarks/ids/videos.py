# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Videos in which it is known who is who: films of cut-out things, and labelled ones of users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ids.films import film, fitted, SCENES, SequenceFrame
import cv2
from metricseg_ros.datasets.label_folder import LabelFolder, open_label_folder
from metricseg_ros.inputs.codec import read_image, read_stored
from metricseg_ros.inputs.images import natural_key
from metricseg_ros.synthesis.textures import cover
import numpy as np

SIZE = (360, 480)
THINGS = Path(__file__).parent / 'things'
"""Pictures with alpha, and what they lie on."""


@dataclass(frozen=True)
class LabelledVideo:
    """
    A video with true identities.

    :param length: how many frames it has.
    :param frames: they, to be gone through once.
    """

    length: int
    frames: Iterable[SequenceFrame]


def filmed(scene: str, frames: int, seeds: Sequence[int]) -> LabelledVideo:
    """
    Film the things of :data:`THINGS`.

    :param seeds: of everything random, with the scene.
    """
    return LabelledVideo(frames, _film(scene, frames, seeds))


def _film(scene: str, frames: int, seeds: Sequence[int]) -> Iterator[SequenceFrame]:
    rng = np.random.default_rng([list(SCENES).index(scene), *seeds])
    things = [fitted(read_stored(path), SIZE[0], rng) for path in sorted(THINGS.glob('*.png'))]
    table = cv2.resize(read_image(THINGS / 'table.jpg'), SIZE[::-1])
    ground = table if rng.random() < 0.5 else cover(rng, SIZE, [table])
    yield from film(SCENES[scene](things, rng), ground, frames, rng)


def labelled(folder: Path) -> LabelledVideo:
    """
    Take the frames of a labelled video, `frame2` before `frame10`.

    :param folder: holds images/ and labels/; a thing has the same label in all its frames.
    :raises ValueError: if it is no such folder; when a frame's turn comes, if that cannot be read
        or is of another size than the first.
    """
    listing = open_label_folder(folder)
    return LabelledVideo(len(listing), _read(listing))


def _read(listing: LabelFolder) -> Iterator[SequenceFrame]:
    size = None
    for name in sorted(listing.names, key=natural_key):
        frame = SequenceFrame(*listing.read(name))
        size = size or frame.labels.shape
        if frame.labels.shape != size:
            raise ValueError(f'frames of a video must be of one size, {size}, got '
                             f'{frame.labels.shape} of {name} in {listing.root}')
        yield frame
