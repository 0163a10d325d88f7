# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From clicks to masks: each pixel clicked is a seed, and the embeddings are there already.

A negative click takes away what is more similar to it than to the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from metricseg_ros.grouping import at_threshold, seediness, SeedMasks
from metricseg_ros.grouping.masks import (
    keep_connected,
    name_masks,
    seed_margins,
    vote_classes,
)
from metricseg_ros.instances import numbered_instances, place_masks
from metricseg_ros.similarity import squared_distances, squared_radii
from metricseg_ros.structures import EmbeddedImage, Instances, NetworkOutput, PlacedMask, Seeds
from metricseg_ros.threads import single_threaded
import numpy as np
import torch
from torch import Tensor

MOST_CLICKS = 1000
"""Clicks answered at once; each takes a mask's memory."""


class ClickError(ValueError):
    """Clicks that cannot be answered; the text names the click and its value."""


@dataclass(frozen=True)
class Clicks:
    """
    Pixels of one image that were pointed at.

    :param positions: (P,2) float64, (row, col) of pixels that belong to objects.
    :param negatives: (Q,2) float64, (row, col) of pixels that belong to none of them.
    :param similarity_threshold: tau of the masks in (0,1]; 0 takes each seed's own.
    :param merge: whether all positions lie on one object, whose mask is the union.
    """

    positions: np.ndarray
    negatives: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    similarity_threshold: float = 0.0
    merge: bool = False

    def __post_init__(self) -> None:
        """Check what does not depend on the image."""
        count = len(self.positions) + len(self.negatives)
        if not len(self.positions):
            only = f' but {count} negative: these only take away from masks' if count else ''
            raise ClickError(f'there must be at least one click, got none{only}')
        if count > MOST_CLICKS:
            raise ClickError(f'there may be {MOST_CLICKS} clicks at most, got {count}')
        if not 0 <= self.similarity_threshold <= 1:
            raise ClickError("similarity_threshold must be in (0, 1], or 0 for the seed's own, "
                             f'got {self.similarity_threshold!r}')


@single_threaded()
def segment_clicks(embedded: EmbeddedImage, clicks: Clicks, connected: bool = True,
                   outline_radius: int = 0) -> Instances:
    """
    Grow the mask of each click, without running the network.

    :param clicks: where, and how far.
    :param connected: whether to keep only the part of a mask that is connected to its click.
    :param outline_radius: radius of the filter that draws outlines; 0 for none.
    :return: an instance for each click in their order, or one if they are merged; `ids` count
        them from 1. A mask holds its click and no negative one, but may be empty where the
        threshold is near 1.
    :raises ClickError: if a click lies outside the image, or a negative one on a positive one.
    """
    output = embedded.output
    seeds = seeds_at(output, cells_of(clicks.positions, embedded, 'click'),
                     clicks.similarity_threshold)
    negatives = cells_of(clicks.negatives, embedded, 'negative click')
    masks = SeedMasks(seeds, cut_at_negatives(seed_margins(output.embeddings, seeds),
                                              output.embeddings, seeds, negatives))
    masks = name_masks(vote_classes(masks, output), output).cpu()
    if connected:
        masks = keep_connected(masks)
    belonging = [clicks.positions] if clicks.merge else list(clicks.positions[:, None])
    if clicks.merge:
        best = masks.seeds.scores.argmax()[None]
        masks = replace(masks, seeds=masks.seeds[best],
                        margins=masks.margins.amax(0, keepdim=True))
    placed = place_masks(masks, embedded, outline_radius)
    astray = [index for index, own in enumerate(belonging)
              if not satisfies_clicks(placed[index], own, clicks.negatives)]
    plain = place_masks(masks, embedded, 0) if astray else []
    for index in astray:  # A filtered outline may pass a click by, and rarely a plain one does.
        placed[index] = plain[index]
        for pixels, is_held in ((belonging[index], True), (clicks.negatives, False)):
            plain[index][1][pixels_of(plain[index], pixels)] = is_held
    return numbered_instances(masks.seeds, placed, embedded.image_size, embedded.to_image)


def satisfies_clicks(placed: PlacedMask, positives: np.ndarray, negatives: np.ndarray) -> bool:
    """Tell whether clicks lie on the right side of a mask's outline."""
    crop = placed[1]
    return (crop[pixels_of(placed, positives)].sum() == len(positives)
            and not crop[pixels_of(placed, negatives)].any())


def pixels_of(placed: PlacedMask, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Look pixels of the image up in the box of a mask.

    :param pixels: (P,2) (row, col) with fractions.
    :return: rows and columns in the box, of those that lie in it.
    """
    (left, top, _, _), crop = placed
    rows, columns = (np.rint(pixels).astype(int) - (top, left)).T
    inside = (rows >= 0) & (rows < crop.shape[0]) & (columns >= 0) & (columns < crop.shape[1])
    return rows[inside], columns[inside]


def cells_of(pixels: np.ndarray, embedded: EmbeddedImage, kind: str) -> Tensor:
    """
    Find the cells of the network's grid that pixels lie in.

    :param pixels: (P,2) (row, col); whole numbers are pixel centres.
    :param kind: what the pixels are, for the message.
    :return: (P,2) int64 (row, col) of the grid.
    :raises ClickError: if a pixel is outside the image or not a number.
    """
    height, width = embedded.image_size
    for index, (row, column) in enumerate(pixels.tolist()):
        # Written so that NaN is outside.
        if not (-0.5 <= row < height - 0.5 and -0.5 <= column < width - 0.5):
            raise ClickError(f'{kind} {index} at row {row:g}, column {column:g} is outside the '
                             f'image of {height} rows and {width} columns')
    scale, offset = embedded.to_image.T
    cells = np.rint((pixels - offset) / scale)
    cells = np.clip(cells, 0, np.subtract(embedded.output.grid_size, 1))
    return torch.from_numpy(cells.astype(np.int64)).to(embedded.output.embeddings.device)


def seeds_at(output: NetworkOutput, cells: Tensor, similarity_threshold: float) -> Seeds:
    """
    Make seeds of cells.

    :param cells: (P,2) int64 (row, col).
    :param similarity_threshold: tau in (0,1], or 0 for the one at which each cell's score is best.
    :return: the seeds, in the same order; their scores are those of the trained threshold nearest
        to tau.
    """
    rows, columns = cells.unbind(1)
    clicked = NetworkOutput(output.embeddings[:, rows, columns][:, None],
                            output.class_logits[:, :, rows, columns][:, :, None],
                            output.similarity_thresholds)
    best = seediness(at_threshold(clicked, similarity_threshold))
    return Seeds(cells, best.scores[0], best.class_ids[0], best.similarity_thresholds[0])


def cut_at_negatives(margins: Tensor, embeddings: Tensor, seeds: Seeds,
                     negatives: Tensor) -> Tensor:
    """
    Take from masks what is more similar to a negative click.

    :param margins: (P,h,w) of the masks.
    :param embeddings: (D,h,w) float32.
    :param seeds: P seeds.
    :param negatives: (Q,2) int64 (row, col) of the grid.
    :return: (P,h,w): the smaller of the margin and of the squared distance to the nearest
        negative click less that to the seed.
    :raises ClickError: if a negative click cannot be told from a seed.
    """
    if not len(negatives):
        return margins
    rows, columns = negatives.unbind(1)
    points = embeddings[:, rows, columns].t()
    to_negatives = squared_distances(points, embeddings.flatten(1).t()).amin(0)
    to_negatives = to_negatives.view(embeddings.shape[1:])
    to_negatives[rows, columns] = 0
    if (to_negatives[seeds.positions[:, 0], seeds.positions[:, 1]] == 0).any():
        raise ClickError("a negative click lies in the same cell of the network's grid as a "
                         'positive one, or looks the same: move one of them')
    distances = squared_radii(seeds.similarity_thresholds)[:, None, None] - margins
    return torch.minimum(margins, to_negatives - distances)
