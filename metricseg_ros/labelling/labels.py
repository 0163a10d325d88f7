# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The labels of one image, and what a person does to them: pure functions from labels to labels.

An object keeps its id for as long as it lives, so that label map and names can be written one
after the other and fit together between the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.inputs.codec import encode
import numpy as np

MOST_OBJECTS = IGNORE_LABEL - 1
LARGEST_RADIUS = 500
"""Of a brush, in pixels."""


class LabelError(ValueError):
    """Something that cannot be done to labels; the text says what and why."""


@dataclass(frozen=True)
class Labels:
    """
    Which object each pixel of an image belongs to, and what the objects are.

    :param label_map: (H,W) uint16: 0 background, the id of an object, or 65535, ignored. It is not
        changed in place.
    :param names: class of the object of id i is `names[i - 1]`; there may be more names than
        objects.
    """

    label_map: np.ndarray
    names: tuple[str, ...] = ()

    @cached_property
    def png(self) -> bytes:
        """Encode the label map as it is written to disk, and kept for undo."""
        return encode(self.label_map, '.png')

    @cached_property
    def ids(self) -> list[int]:
        """List the ids of the objects that have a pixel, in order."""
        present = np.flatnonzero(np.bincount(self.label_map.ravel(), minlength=1))
        return [int(label) for label in present if label not in (BACKGROUND, IGNORE_LABEL)]

    def mask(self, object_id: int) -> np.ndarray:
        """
        Give the mask of an object.

        :return: (H,W) bool.
        :raises LabelError: if there is no such object.
        """
        mask = self.label_map == object_id
        if object_id in (BACKGROUND, IGNORE_LABEL) or not mask.any():
            raise LabelError(f'there is no object {object_id}: it was deleted, or painted over')
        return mask

    def free_id(self) -> int:
        """
        Find an id for a new object.

        :return: the smallest that no pixel has.
        :raises LabelError: if all are taken.
        """
        ids = self.ids
        free = next((index for index, label in enumerate(ids, start=1) if label != index),
                    len(ids) + 1)
        if free > MOST_OBJECTS:
            raise LabelError(f'an image holds {MOST_OBJECTS} objects at most')
        return free


def painted(labels: Labels, mask: np.ndarray, label: int) -> Labels:
    """
    Give pixels a label.

    :param mask: (H,W) bool.
    :param label: an id, or background or ignored.
    """
    label_map = labels.label_map.copy()
    label_map[mask] = label
    return replace(labels, label_map=label_map)


def with_object(labels: Labels, mask: np.ndarray, name: str) -> tuple[Labels, int]:
    """
    Add an object.

    :param mask: (H,W) bool, which it takes from whatever is there.
    :return: the labels with it, and its id.
    :raises LabelError: if the mask is empty.
    """
    if not mask.any():
        raise LabelError('there is nothing under the click that is free: delete or cut what lies '
                         'there, or paint the object')
    object_id = labels.free_id()
    return renamed(painted(labels, mask, object_id), object_id, name), object_id


def renamed(labels: Labels, object_id: int, name: str) -> Labels:
    """
    Give an object a class.

    :return: the labels with it; names that fill up the list are the same one.
    """
    names = list(labels.names) + [name] * (object_id - len(labels.names))
    names[object_id - 1] = name
    return replace(labels, names=tuple(names))


def merged(labels: Labels, ids: Iterable[int]) -> Labels:
    """
    Make one object of several.

    :param ids: of the objects; the first one's id and class stay.
    :raises LabelError: if there are not two at least.
    """
    first, *others = dict.fromkeys(ids)
    if not others:
        raise LabelError('choose two objects or more to merge')
    if missing := {first, *others}.difference(labels.ids):
        labels.mask(missing.pop())  # Refuses it.
    return painted(labels, np.isin(labels.label_map, others), first)


def split(labels: Labels, object_id: int, part: np.ndarray | None = None) -> Labels:
    """
    Make two objects of one, or as many as it has pieces that do not touch.

    :param part: (H,W) bool, what becomes an object of its own; None for each piece but the
        largest.
    :raises LabelError: if nothing or all of it is split off.
    """
    mask = labels.mask(object_id)
    parts = _smaller_pieces(mask) if part is None else [part & mask]
    parts = [piece for piece in parts if piece.any() and not np.array_equal(piece, mask)]
    if not parts:
        raise LabelError('it cannot be split here: paint a part of it as a new object')
    for piece in parts:
        labels, _ = with_object(labels, piece, labels.names[object_id - 1])
    return labels


def _smaller_pieces(mask: np.ndarray) -> list[np.ndarray]:
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return [pieces == piece for piece in range(1, count) if piece != largest]


def stroke(size: tuple[int, int], points: np.ndarray, radius: float) -> np.ndarray:
    """
    Draw the pixels that a round brush passes over.

    :param size: (height, width) of the image.
    :param points: (P,2) (row, col) along its way; parts outside the image count for nothing.
    :param radius: of the brush in pixels.
    :raises LabelError: if the radius is not in (0, :data:`LARGEST_RADIUS`].
    """
    if not 0 < radius <= LARGEST_RADIUS:
        raise LabelError(f'radius must be in (0, {LARGEST_RADIUS}], got {radius}')
    canvas = np.zeros(size, np.uint8)
    # Sixteenths of a pixel, as OpenCV counts them; far outside is as good as a little outside.
    reach = 2 * LARGEST_RADIUS
    clipped = np.clip(points, -reach, np.add(size, reach))
    ways = np.rint(clipped[:, ::-1] * 16).astype(np.int32)
    for point in ways:
        cv2.circle(canvas, tuple(map(int, point)), round(radius * 16), 1, cv2.FILLED, shift=4)
    for start, end in zip(ways, ways[1:]):
        cv2.fillPoly(canvas, [_band(start, end, radius * 16)], 1, shift=4)
    return canvas.astype(bool)


def _band(start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Give the corners of what lies within a radius of a line, but for its round ends."""
    along = (end - start).astype(float)
    aside = np.array([-along[1], along[0]]) * radius / max(np.hypot(*along), 1e-9)
    return np.rint([start + aside, end + aside, end - aside, start - aside]).astype(np.int32)
