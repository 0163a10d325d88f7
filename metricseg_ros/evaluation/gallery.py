# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The best, the median and the worst images of a data set, to look at.

```
DIR/SET/RANK_NAME.jpg    image, truth and what was found, side by side
DIR/SET/calibration.png  DIR/SET/contact_sheet.jpg  DIR/index.html
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.config import IGNORE_LABEL, OverlayConfig
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.inputs.codec import write_image
from metricseg_ros.overlay import draw_overlay
from metricseg_ros.structures import Instances
import numpy as np

PER_RANK = 3
RANKS = ('best', 'median', 'worst')
SHEET_HEIGHT = 200
GAP = 6


def best_median_worst(values: Sequence[float | None],
                      count: int = PER_RANK) -> dict[str, list[int]]:
    """
    Choose images by a figure.

    :param count: how many of each rank, fewer where there are not enough.
    :return: rank -> indices, by falling value.
    """
    order = [index for _, index in sorted(
        ((value, index) for index, value in enumerate(values) if value is not None),
        key=lambda pair: (-pair[0], pair[1]))]
    count = min(count, len(order) // 3 or len(order))
    middle = (len(order) - count) // 2
    chosen = (order[:count], order[middle:middle + count], order[len(order) - count:])
    return dict(zip(RANKS, chosen, strict=True))


def draw_side_by_side(sample: LabelledImage, instances: Instances,
                      class_names: Sequence[str]) -> np.ndarray:
    """
    Draw image, truth and what was found.

    :return: (H,3W+2 gaps,3) uint8 RGB; what is ignored is grey in the truth.
    """
    config = OverlayConfig(labels=False)
    truth = draw_overlay(sample.image, as_instances(sample), ('',), config)
    truth[sample.label_map == IGNORE_LABEL] = 128
    found = draw_overlay(sample.image, instances, class_names, config)
    gap = np.full((len(truth), GAP, 3), 255, np.uint8)
    return np.concatenate([sample.image, gap, truth, gap, found], axis=1)


def as_instances(sample: LabelledImage) -> Instances:
    """Take the truth for something that was found: its instances, all of class 1 and score 1."""
    labels = [label for label in np.unique(sample.label_map) if label not in (0, IGNORE_LABEL)]
    masks = [sample.label_map == label for label in labels]
    boxes = [(x, y, x + width, y + height) for x, y, width, height in
             (cv2.boundingRect(mask.view(np.uint8)) for mask in masks)]
    count = len(labels)
    return Instances(
        image_size=sample.label_map.shape, ids=np.array(labels, np.uint16).reshape(count),
        class_ids=np.ones(count, np.uint16), scores=np.ones(count, np.float32),
        boxes=np.array(boxes, np.int32).reshape(count, 4),
        crops=tuple(mask[top:bottom, left:right] for mask, (left, top, right, bottom)
                    in zip(masks, boxes, strict=True)),
        seeds=np.zeros((count, 2), np.int32),
        similarity_thresholds=np.ones(count, np.float32))


def write_gallery(folder: Path, drawn: Mapping[str, Sequence[np.ndarray]]) -> None:
    """
    Write the chosen images of a data set, and a sheet with all of them.

    :param drawn: rank -> images as :func:`draw_side_by_side` draws them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for rank, images in drawn.items():
        for number, image in enumerate(images, start=1):
            write_image(folder / f'{rank}_{number}.jpg', image)
    rows = [_scaled(image) for images in drawn.values() for image in images]
    if rows:
        width = max(row.shape[1] for row in rows)
        padded = [np.pad(row, ((0, GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255)
                  for row in rows]
        write_image(folder / 'contact_sheet.jpg', np.concatenate(padded))


def _scaled(image: np.ndarray) -> np.ndarray:
    width = round(image.shape[1] * SHEET_HEIGHT / image.shape[0])
    return cv2.resize(image, (width, SHEET_HEIGHT), interpolation=cv2.INTER_AREA)


def write_page(folder: Path, sections: Mapping[str, Sequence[tuple[str, str, dict[str, Any]]]],
               model: str) -> None:
    """
    Write a page that shows everything.

    :param sections: name of the data set -> its pictures: rank and number, name of the image,
        figures.
    """
    lines = ['<!doctype html><meta charset="utf-8">', f'<title>{escape(model)}</title>',
             '<style>body{font-family:sans-serif;margin:2em}img{max-width:100%}</style>',
             f'<h1>{escape(model)}</h1><p>Left to right: image, truth, found.</p>']
    for name, pictures in sections.items():
        lines.append(f'<h2>{escape(name)}</h2><img src="{escape(name)}/calibration.png">')
        for rank, image, figures in pictures:
            said = ', '.join(f'{key} {value:.2f}' for key, value in figures.items()
                             if value is not None)
            lines.append(f'<h3>{escape(rank.replace("_", " "))}: {escape(image)}</h3>'
                         f'<p>{escape(said)}</p><img src="{escape(name)}/{escape(rank)}.jpg">')
    (folder / 'index.html').write_text('\n'.join(lines) + '\n')
