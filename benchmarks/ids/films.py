# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Short videos of things that move, with the exact identity of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.synthesis.composed.composition import MIN_VISIBLE, OPAQUE
import numpy as np

NOISE = 3.0
"""Standard deviation of the camera's noise, in grey levels."""
FLICKER = 0.03
"""Largest change of the light, as a share."""
LARGEST_SIDE = 0.4
"""Of a thing, as a share of the image's height."""

Way = Callable[[float], tuple[float, float, float]]
"""Time in [0,1] -> row and column of a thing's middle, as shares of the image, and its turn in
degrees."""


@dataclass(frozen=True)
class SequenceFrame:
    """
    One frame of a video.

    :param image: (H,W,3) uint8 RGB.
    :param labels: (H,W) uint16, 0 background, else the identity of the thing that is seen; 65535
        where too little of a thing is seen to be found.
    """

    image: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Actor:
    """
    A thing and how it moves.

    :param rgba: (h,w,4) uint8, its picture.
    :param way: where it is at each time.
    """

    rgba: np.ndarray
    way: Way


@dataclass(frozen=True)
class FilmScene:
    """
    What is filmed, and how the camera moves meanwhile.

    :param actors: identity i + 1 is the i-th of them; later ones lie on top.
    :param camera: how far it has gone and turned, as the way of an actor.
    """

    actors: Sequence[Actor]
    camera: Way = lambda time: (0.0, 0.0, 0.0)


def film(scene: FilmScene, ground: np.ndarray, frames: int,
         rng: np.random.Generator) -> Iterator[SequenceFrame]:
    """
    Film a scene.

    :param ground: (H,W,3) uint8 RGB, what it lies on; it goes on mirrored beyond its edges.
    :return: the frames in order, of the ground's size.
    """
    size = ground.shape[1::-1]
    for number in range(frames):
        time = number / max(1, frames - 1)
        view = camera_matrix(scene.camera(time), size)
        image = cv2.warpAffine(ground, view[:2], size, borderMode=cv2.BORDER_REFLECT_101)
        image, labels = image.astype(np.float32), np.full(image.shape[:2], BACKGROUND, np.uint16)
        for identity, actor in enumerate(scene.actors, start=1):
            _lay(image, labels, actor, time, view, identity)
        image *= 1 + rng.uniform(-FLICKER, FLICKER)
        image += NOISE * rng.standard_normal(image.shape, np.float32)
        yield SequenceFrame(np.clip(image, 0, 255).astype(np.uint8), _findable(labels))


def crossing(things: Sequence[np.ndarray], rng: np.random.Generator) -> FilmScene:
    """
    Let different things cross each other's ways in the middle of the image.

    :param things: (h,w,4) uint8 each, at least six.
    """
    return _meeting([things[index] for index in
                     rng.permutation(len(things))[:rng.integers(4, 7)]], rng)


def alike(things: Sequence[np.ndarray], rng: np.random.Generator) -> FilmScene:
    """
    Let copies of one thing cross each other's ways.

    :param things: (h,w,4) uint8 each.
    :param rng: chooses the thing, ways and turns.
    """
    return _meeting([things[rng.integers(len(things))]] * int(rng.integers(3, 6)), rng)


def occlusion(things: Sequence[np.ndarray], rng: np.random.Generator) -> FilmScene:
    """
    Let things pass behind others that stand in the middle, until nothing is seen of them.

    :param things: (h,w,4) uint8 each, at least six; the two largest stand.
    """
    by_size = np.argsort([-min(thing.shape[:2]) for thing in things])
    actors = []
    for place, index in enumerate(rng.permutation(by_size[2:])[:4]):
        row, back = (0.3, 0.7)[place % 2] + rng.uniform(-0.03, 0.03), place // 2
        way = _line((row, 0.5), np.pi * back, rng.uniform(-20, 20))
        actors.append(Actor(things[index], way))
    standing = [Actor(_resized(things[index], 1.5), _still(row, 0.5))
                for index, row in zip(by_size[:2], (0.3, 0.7), strict=True)]
    return FilmScene(actors + standing)


def shaken(things: Sequence[np.ndarray], rng: np.random.Generator) -> FilmScene:
    """
    Let a camera that shakes pan over things that lie still, some half out of sight.

    :param things: (h,w,4) uint8 each, at least six.
    :param rng: chooses things, places and the camera's way.
    """
    places = [(row, column) for row in (0.25, 0.75) for column in (0.1, 0.5, 0.9)]
    actors = [Actor(things[index], _still(*(place + rng.uniform(-0.08, 0.08, 2))))
              for index, place in zip(rng.permutation(len(things)), places)]
    reach, turn, phase = rng.uniform(0.1, 0.25, 2), rng.uniform(0, 5), rng.uniform(0, 6.28, 3)

    def camera(time: float) -> tuple[float, float, float]:
        slow = reach * np.sin(2 * np.pi * time + phase[:2])
        shake = 0.006 * np.sin(2 * np.pi * 17 * time + phase)
        return slow[0] + shake[0], slow[1] + shake[1], turn * np.sin(2 * np.pi * time + phase[2])
    return FilmScene(actors, camera)


SCENES: Mapping[str, Callable[[Sequence[np.ndarray], np.random.Generator], FilmScene]] = {
    'crossing': crossing, 'occlusion': occlusion, 'alike': alike, 'shaken': shaken}
"""What can be filmed."""


def fitted(rgba: np.ndarray, height: int, rng: np.random.Generator) -> np.ndarray:
    """
    Bring a thing to the scale of an image, give or take a bit.

    :param rgba: (h,w,4) uint8.
    :param height: of the image, in pixels.
    :return: (h',w',4) uint8, its longer side LARGEST_SIDE of the height at most.
    """
    longest = LARGEST_SIDE * height * rng.uniform(0.6, 1)
    return _resized(rgba, min(longest / max(rgba.shape[:2]), height / 320))


def camera_matrix(place: tuple[float, float, float], size: tuple[int, int]) -> np.ndarray:
    """
    Tell where the camera sees what lies still.

    :param place: row and column, as shares of the image, and turn in degrees.
    :param size: (width, height) of the image.
    :return: (3,3), x and y in the scene -> x and y in the image.
    """
    width, height = size
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), place[2], 1.0)
    turn[:, 2] -= [place[1] * width, place[0] * height]
    return np.vstack([turn, [0, 0, 1]])


def _meeting(things: Sequence[np.ndarray], rng: np.random.Generator) -> FilmScene:
    count = len(things)
    angles = 2 * np.pi * (np.arange(count) + rng.uniform(-0.2, 0.2, count)) / count
    angles += rng.uniform(0, 2 * np.pi)
    return FilmScene([Actor(thing, _line(rng.uniform(0.42, 0.58, 2), angle, rng.uniform(-60, 60)))
                      for thing, angle in zip(things, angles, strict=True)])


def _line(middle: Sequence[float], angle: float, turn: float) -> Way:
    """Go straight through a point, from edge to edge, turning all the while."""
    def way(time: float) -> tuple[float, float, float]:
        along = 0.84 * (time - 0.5)
        return middle[0] + along * np.sin(angle), middle[1] + along * np.cos(angle), turn * time
    return way


def _still(row: float, column: float) -> Way:
    return lambda time: (row, column, 0.0)


def _resized(rgba: np.ndarray, scale: float) -> np.ndarray:
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=kind)


def _lay(image: np.ndarray, labels: np.ndarray, actor: Actor, time: float, view: np.ndarray,
         identity: int) -> None:
    """Blend a thing into image (H,W,3) float32 and labels (H,W), to a fraction of a pixel."""
    row, column, turn = actor.way(time)
    (height, width), size = actor.rgba.shape[:2], image.shape[1::-1]
    place = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, 1.0)
    place[:, 2] += [column * size[0] - width / 2, row * size[1] - height / 2]
    matrix = view[:2] @ np.vstack([place, [0, 0, 1]])
    corners = matrix @ [[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]]
    first = np.clip(np.floor(corners.min(1)).astype(int) - 1, 0, size)
    last = np.clip(np.ceil(corners.max(1)).astype(int) + 1, 0, size)
    if (first >= last).any():
        return
    matrix[:, 2] -= first
    window = (slice(first[1], last[1]), slice(first[0], last[0]))
    target = (last - first).tolist()
    colours = cv2.warpAffine(actor.rgba[..., :3], matrix, target, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(np.ascontiguousarray(actor.rgba[..., 3]), matrix, target)
    image[window] += (alpha / np.float32(255))[..., None] * (colours - image[window])
    labels[window][alpha > OPAQUE] = identity


def _findable(labels: np.ndarray) -> np.ndarray:
    areas = np.bincount(labels.ravel())
    hidden = (areas < MIN_VISIBLE * labels.size) & (np.arange(len(areas)) != BACKGROUND)
    return np.where(hidden[labels], np.uint16(IGNORE_LABEL), labels)
