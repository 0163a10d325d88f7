# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From masks on the network's grid to instances at the size of the image."""

from __future__ import annotations

from dataclasses import replace

import cv2
from metricseg_ros.config import BACKGROUND, GroupingConfig, SupportConfig
from metricseg_ros.grouping import SeedMasks
from metricseg_ros.outlines import depth_guide, OutlineFilter, resample
from metricseg_ros.structures import (
    EmbeddedImage,
    ImageMasks,
    Instances,
    PlacedMask,
    Seeds,
)
from metricseg_ros.support import are_supports
import numpy as np
import torch
from torch import Tensor


def image_masks(masks: SeedMasks, embeddings: Tensor, embedded: EmbeddedImage,
                config: GroupingConfig) -> ImageMasks:
    """
    Take masks to the image.

    :param embeddings: (K,D), the mean of each.
    :param config: how outlines are drawn; overlaps are left as they are.
    """
    return ImageMasks(masks.seeds, place_masks(masks, embedded, config.outline_radius),
                      embeddings.cpu().numpy(), replace(config, resolve_overlaps=False))


def to_instances(masks: ImageMasks, embedded: EmbeddedImage, config: GroupingConfig,
                 support: SupportConfig | None = None) -> Instances:
    """
    Drop masks of supports, resolve overlaps, and number the rest.

    :param config: minimum area, and whether overlaps are resolved.
    :param support: what counts as a support where the image has depth; None drops none.
    """
    image_size, placed = embedded.image_size, masks.placed
    lying = np.zeros(len(placed), bool)
    if (support is not None and support.enabled and embedded.depth is not None
            and embedded.image is not None):
        lying = are_supports(placed, embedded.image, embedded.depth, support)
    standing = np.flatnonzero(~lying)
    placed = [placed[index] for index in standing]
    if config.resolve_overlaps and not masks.grouping.resolve_overlaps:
        placed = without_overlaps(placed, image_size)
    least = max(1.0, config.minimum_area * image_size[0] * image_size[1])
    large = [index for index, (_, crop) in enumerate(placed) if np.count_nonzero(crop) >= least]
    kept = standing[large]
    instances = numbered_instances(
        masks.seeds[torch.from_numpy(kept)], [placed[index] for index in large], image_size,
        embedded.to_image)
    return replace(instances, dropped_support=int(np.count_nonzero(lying)),
                   embeddings=masks.embeddings[kept])


def numbered_instances(seeds: Seeds, placed: list[PlacedMask], image_size: tuple[int, int],
                       to_image: np.ndarray) -> Instances:
    """
    Make instances of masks that lie in the image.

    :param to_image: (2,2), as in :class:`metricseg_ros.structures.EmbeddedImage`.
    """
    placed = [trimmed(item) for item in placed]
    centres = seeds.positions.cpu().numpy() * to_image[:, 0] + to_image[:, 1]
    return Instances(
        image_size=image_size,
        ids=np.arange(1, len(placed) + 1, dtype=np.uint16),
        class_ids=seeds.class_ids.cpu().numpy().astype(np.uint16),
        scores=seeds.scores.cpu().numpy(),
        boxes=np.array([box for box, _ in placed], dtype=np.int32).reshape(-1, 4),
        crops=tuple(crop for _, crop in placed),
        seeds=np.clip(np.rint(centres), 0, np.subtract(image_size, 1)).astype(np.int32),
        similarity_thresholds=seeds.similarity_thresholds.cpu().numpy())


def place_masks(masks: SeedMasks, embedded: EmbeddedImage, outline_radius: int
                ) -> list[PlacedMask]:
    """
    Take masks to the image.

    :param outline_radius: radius of the filter that draws their outlines; 0 for none.
    """
    outlined = [(margin, embedded.to_image) for margin in masks.margins.cpu().numpy()]
    if outline_radius and (guides := guides_of(embedded)):
        draw = OutlineFilter(guides, embedded.image_size, outline_radius)
        outlined = [draw(*item) for item in outlined]
    return [place_mask(margin, embedded.image_size, to_image) for margin, to_image in outlined]


def guides_of(embedded: EmbeddedImage) -> list[np.ndarray]:
    """
    Tell what outlines follow in an image.

    :return: (h,w) float32 each: its brightness, and where it is known its depth; none where
        outlines shall follow nothing.
    """
    guide, depth = embedded.guide, embedded.depth
    if guide is None or min(guide.shape) < 2:
        return []
    by_brightness = guide.cpu().numpy() if isinstance(guide, Tensor) else guide
    height, width = by_brightness.shape
    by_depth = None if depth is None else depth_guide(depth.metres, (height, width))
    return [by_brightness] if by_depth is None else [by_brightness, by_depth]


def place_mask(margin: np.ndarray, image_size: tuple[int, int],
               to_image: np.ndarray) -> PlacedMask:
    """
    Interpolate one mask's margin to the image and cut it at 0, looking only around the mask.

    :param margin: (h,w) float32, not negative inside the mask.
    :param to_image: (2,2), rows are (scale, offset) of row and of column.
    :return: box and mask in the image; an empty box where the mask is empty.
    """
    inside = margin >= 0
    ranges = []
    for axis, (scale, offset) in enumerate(to_image):
        cells = np.flatnonzero(inside.any(axis=1 - axis))
        if len(cells) == 0:
            return (0, 0, 0, 0), np.zeros((0, 0), bool)
        # Interpolation can carry the mask up to the centre of the next cell.
        low, high = np.array([cells[0] - 1, cells[-1] + 1]) * scale + offset
        limit = image_size[axis]
        ranges.append((max(0, int(np.floor(low))), min(limit, int(np.ceil(high)) + 1)))
    (top, bottom), (left, right) = ranges
    (row_scale, row_offset), (column_scale, column_offset) = to_image
    to_grid = np.array([[1 / row_scale, (top - row_offset) / row_scale],
                        [1 / column_scale, (left - column_offset) / column_scale]])
    crop = resample(margin, to_grid, (bottom - top, right - left))
    return (left, top, right, bottom), crop >= 0


def without_overlaps(placed: list[PlacedMask], image_size: tuple[int, int]) -> list[PlacedMask]:
    """
    Give every pixel to the first mask that holds it.

    :param placed: boxes and masks, the best first.
    """
    owner = np.full(image_size, BACKGROUND, dtype=np.uint16)
    resolved = []
    for number, ((left, top, right, bottom), crop) in enumerate(placed, start=1):
        window = owner[top:bottom, left:right]
        own = crop & (window == BACKGROUND)
        window[own] = number
        resolved.append(((left, top, right, bottom), own))
    return resolved


def trimmed(placed: PlacedMask) -> PlacedMask:
    """Shrink the box of a mask, which holds a pixel at least, to the mask."""
    (left, top, _, _), crop = placed
    x, y, width, height = cv2.boundingRect(crop.view(np.uint8))
    box = (left + x, top + y, left + x + width, top + y + height)
    return box, np.ascontiguousarray(crop[y:y + height, x:x + width])
