# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Label chips: id, class and score of each instance on a ground of its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
from metricseg_ros.overlay.palette import instance_color
from metricseg_ros.overlay.placement import place
from metricseg_ros.overlay.text import text_mask
from metricseg_ros.structures import Instances
import numpy as np

LINE_SHARE = 0.031
"""Height of a label's line as a share of the image's shorter side."""
SMALLEST_LINE, LARGEST_LINE = 12, 64
ROOMY = 4
"""A label stands on its mask if the mask is this many times larger, else beside it."""
GROUND_OPACITY = 0.88
MARGIN = 3
ANCHOR_GRID = 96


@dataclass(frozen=True)
class Label:
    """
    One label, placed.

    :param box: (4,) int, left, top, right, bottom, half open.
    :param ink: (height, width) float32, share of each pixel that is ink.
    :param color: RGB of the ground.
    :param anchor: (x, y) the point of the mask that the label speaks of.
    :param adjoins: whether the label stands on its mask's box or right beside it.
    """

    box: np.ndarray
    ink: np.ndarray
    color: tuple[int, int, int]
    anchor: tuple[int, int]
    adjoins: bool


def draw_labels(image: np.ndarray, instances: Instances, class_names: Sequence[str]) -> None:
    """
    Draw the label of every instance, those of highest score first at their best place.

    :param image: (H,W,3) uint8 RGB, drawn upon.
    :param instances: N instances of an image of this size.
    :param class_names: names of the classes; class id i is `class_names[i - 1]`.
    """
    labels = lay_out(instances, class_names)
    for label in labels:
        _draw_leader(image, label)
    for label in labels:
        _draw_chip(image, label)


def lay_out(instances: Instances, class_names: Sequence[str]) -> list[Label]:
    """
    Choose the text and place of every label.

    A label with no free place becomes the id alone; one larger than the image is left out.

    :param class_names: names of the classes; class id i is `class_names[i - 1]`.
    :return: at most N labels, inside the image.
    """
    shortest = min(instances.image_size)
    height = int(np.clip(round(LINE_SHARE * shortest), SMALLEST_LINE, LARGEST_LINE))
    labels: list[Label] = []
    for index in range(len(instances)):
        texts = (label_text(instances, index, class_names), f'{instances.ids[index]}')
        label = _first_free(instances, index, [_ink(text, height) for text in texts], labels)
        if label is not None:
            labels.append(label)
    return labels


def label_text(instances: Instances, index: int, class_names: Sequence[str]) -> str:
    """Say what an instance is: id, class name and score."""
    class_id = int(instances.class_ids[index])
    known = 1 <= class_id <= len(class_names)
    name = class_names[class_id - 1] if known else f'class {class_id}'
    return f'{instances.ids[index]} {name} {instances.scores[index]:.2f}'


def _ink(text: str, height: int) -> np.ndarray:
    padding = round(0.3 * height)
    return cv2.copyMakeBorder(text_mask(text, height), 0, 0, padding, padding,
                              cv2.BORDER_CONSTANT)


def _first_free(instances: Instances, index: int, inks: list[np.ndarray],
                others: list[Label]) -> Label | None:
    """Place the longest text that has a free place, or the shortest where it covers least."""
    taken = np.array([other.box for other in others], dtype=np.int64).reshape(-1, 4)
    fitting = [ink for ink in inks if ink.shape[0] <= instances.image_size[0]
               and ink.shape[1] <= instances.image_size[1]]
    anchor = _deepest_point(instances, index)
    label = None
    for ink in fitting:
        preferred = _preferred(instances, index, ink.shape, anchor)
        box, free = place(ink.shape, preferred, taken, instances.image_size)
        adjoins = _adjoins(box, instances.boxes[index])
        label = Label(box, ink, instance_color(instances.ids[index]), anchor, adjoins)
        if free:
            break
    return label


def _preferred(instances: Instances, index: int, size: tuple[int, int],
               anchor: tuple[int, int]) -> np.ndarray:
    """Return (M,2) left and top of the places a label would like, best first."""
    left, top, right, bottom = instances.boxes[index].astype(np.int64)
    height, width = size
    middle = anchor[0] - width // 2
    within = [middle, anchor[1] - height // 2]
    beside = [[middle, top - height - MARGIN], [middle, bottom + MARGIN],
              [right + MARGIN, anchor[1] - height // 2],
              [left - width - MARGIN, anchor[1] - height // 2]]
    roomy = np.count_nonzero(instances.crops[index]) >= ROOMY * height * width
    return np.array([within, *beside] if roomy else [*beside, within], dtype=np.int64)


def _deepest_point(instances: Instances, index: int) -> tuple[int, int]:
    """Return (x, y) of the mask's pixel about farthest from its border, sought on a grid."""
    left, top, _, _ = instances.boxes[index]
    crop = instances.crops[index]
    step = max(1, max(crop.shape) // ANCHOR_GRID)
    padded = cv2.copyMakeBorder(crop[::step, ::step].astype(np.uint8), 1, 1, 1, 1,
                                cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(padded, cv2.DIST_L1, 3)
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    return int(left) + step * (column - 1), int(top) + step * (row - 1)


def _adjoins(label_box: np.ndarray, mask_box: np.ndarray) -> bool:
    """Tell whether no more than the margin is between a label and its mask's box."""
    gap = np.maximum(label_box[:2] - mask_box[2:], mask_box[:2] - label_box[2:])
    return bool(gap.max() <= MARGIN)


def _draw_leader(image: np.ndarray, label: Label) -> None:
    """Tie a label that stands off its mask to it."""
    left, top, right, bottom = label.box.tolist()
    if label.adjoins:
        return
    end = (min(max(label.anchor[0], left), right - 1), min(max(label.anchor[1], top), bottom - 1))
    thickness = max(1, round((bottom - top) / 16))
    cv2.line(image, label.anchor, end, label.color, thickness, cv2.LINE_AA)


def _draw_chip(image: np.ndarray, label: Label) -> None:
    left, top, right, bottom = label.box
    region = image[top:bottom, left:right]
    ground = _rounded(label.ink.shape)
    paper = np.empty_like(region)
    paper[:] = label.color
    chip = cv2.blendLinear(region, paper, 1 - ground, ground)
    cv2.blendLinear(chip, np.zeros_like(chip), 1 - label.ink, label.ink, region)


@lru_cache(maxsize=256)
def _rounded(size: tuple[int, int]) -> np.ndarray:
    """Return (height, width) float32, the share of each pixel inside a rounded rectangle."""
    height, width = size
    radius = 0.3 * height
    down = np.abs(np.arange(height) + 0.5 - height / 2)[:, None] - (height / 2 - radius)
    along = np.abs(np.arange(width) + 0.5 - width / 2)[None] - (width / 2 - radius)
    distance = np.hypot(down.clip(0), along.clip(0))
    return GROUND_OPACITY * (radius + 0.5 - distance).clip(0, 1).astype(np.float32)
