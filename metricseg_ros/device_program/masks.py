# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The masks of a fixed number of seeds on the network's grid, and which of them are kept."""

from __future__ import annotations

from typing import NamedTuple

from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.connected import connected_parts, no_runs
from metricseg_ros.device_program.seeds import (
    before_the_end,
    distance_form,
    pick,
    seed_qualities,
)
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import threshold

TIE = 1e-12
"""Of equal scores the one picked first is better; no two others are nearer than this."""

AREA, SCORE, CLASS, LEVEL, RADIUS, EMBEDDING = range(6)
"""Rows of the table of pixels; the last one is the first of several."""


class Steps(NamedTuple):
    """
    How much a program does at most; it tells where that was not enough.

    :param seeds: seeds that are picked.
    :param sweeps: from each seed through its mask; one wound like a maze needs many.
    :param duplicates: links of a chain of masks each of which would drop the next.
    """

    seeds: int
    sweeps: int
    duplicates: int


class GridMasks(NamedTuple):
    """
    K masks in the order picked, with those that are dropped.

    :param margins: (K,h,w) float32, not negative inside.
    :param pixels: (K,1) int64, the seeds.
    :param qualities: (K,3) float32: score, class id and number of the threshold of each seed.
    :param class_ids: (K,1), by the vote of the mask.
    :param ranks: (K,1) uint8, of those that are kept, the higher the better; 0 of the others.
    :param wanted: (K,1) float32, 1 of the seeds picked before there were enough, 0 of the others.
    :param links: (K,2) float32, whether it is kept, after all links and after all but one.
    :param areas: (K,2) float32, pixels of the part connected to the seed, and with neighbours.
    :param embeddings: (K,D) float32, mean of each mask.
    """

    margins: Tensor
    pixels: Tensor
    qualities: Tensor
    class_ids: Tensor
    ranks: Tensor
    wanted: Tensor
    links: Tensor
    areas: Tensor
    embeddings: Tensor


class DeviceGrouping:
    """Groups pixels around seeds, as :func:`metricseg_ros.grouping.group` does."""

    def __init__(self, grid: tuple[int, int], dimension: int, radii: Tensor,
                 config: GroupingConfig, most_seeds: int) -> None:
        """
        Write down what depends on sizes and parameters alone.

        :param grid: (h,w) of the embeddings.
        :param dimension: D of them.
        :param radii: (T,) float32, squared radii of the similarity thresholds.
        :param config: how to group.
        :param most_seeds: that are ever picked.
        """
        device, pixels = radii.device, grid[0] * grid[1]
        self.grid, self.radii, self.config = grid, radii, config
        self.form = distance_form(dimension, device)
        self.one, self.zero = (torch.tensor(value, device=device) for value in (1.0, 0.0))
        self.ones = torch.ones(pixels, device=device)
        self.nowhere = torch.full((most_seeds, pixels), -torch.inf, device=device)
        self.ties = TIE * torch.arange(most_seeds, device=device, dtype=torch.float64)
        self.no_runs = no_runs(most_seeds, grid, device)
        self.embedding = slice(EMBEDDING, EMBEDDING + dimension)
        self.said = slice(self.embedding.stop, None)
        self.least_area = config.minimum_area * pixels
        # The largest number below, as a threshold leaves out what equals it.
        self.below_least_score = np.nextafter(
            np.float32(config.resolved().minimum_score), np.float32(-1)).item()

    def __call__(self, embeddings: Tensor, class_logits: Tensor, said: Tensor, named: bool,
                 steps: Steps) -> GridMasks:
        """
        Group.

        :param embeddings: (D,h,w) float32.
        :param class_logits: (T,C+1,h,w) float32.
        :param said: (M,N) float32, finite: what the pixels of a mask vote with, the names of a
            network that has them beside, else the class logits.
        :param named: which of the two.
        :param steps: how much to do.
        :return: K masks, as many as seeds are picked.
        """
        points, config = embeddings.flatten(1), self.config
        columns = points.t().contiguous()
        table = self._pixels(points, class_logits, said)
        scores = threshold(table[SCORE], self.below_least_score, 0.0)
        picked = pick(points, scores, steps.seeds, config.diversity_weight, self.form)
        seeds = table.index_select(1, picked)
        reach, picked = seeds[RADIUS][:, None], picked[:, None]
        # A seed is in its own mask whatever becomes of that: there its margin is not negative.
        least = self.nowhere[:steps.seeds].scatter(1, picked, 0.0)
        at_seeds = least.exp()
        margins = margins_around(seeds[self.embedding].t(), columns, reach)
        wanted = before_the_end(margins, scores, at_seeds, self.least_area, self.one)
        margins, inside = self._shifted(margins, table, columns, reach, least)
        if not named:
            means, _ = mask_means(inside, table)
            class_ids = voted(means[:, self.said], seeds, len(class_logits))
        margins, inside, spread = self._connected(margins, inside, at_seeds, steps.sweeps)
        means, areas = mask_means(inside, table)
        if named:
            class_ids = means[:, self.said].argmax(dim=1) + 1
        valid = wanted * ((areas[:, 0] >= self.least_area)
                          * (means[:, SCORE] >= config.minimum_mean_score))
        order = seeds[SCORE] - self.ties[:steps.seeds]
        better = order > order[:, None]
        kept, before = self._without_duplicates(inside, areas, valid, better, steps.duplicates)
        ranks = ((steps.seeds - better.sum(dim=1)) * kept).to(torch.uint8)
        return GridMasks(
            margins.view(-1, *self.grid), picked, seeds[SCORE:LEVEL + 1].t(), class_ids[:, None],
            ranks[:, None], wanted[:, None], torch.stack([kept, before], dim=1),
            torch.cat([areas, areas if spread is None else spread[:, None]], dim=1),
            means[:, self.embedding])

    def _shifted(self, margins: Tensor, table: Tensor, columns: Tensor, reach: Tensor,
                 least: Tensor) -> tuple[Tensor, Tensor]:
        """Grow masks again around the means of their pixels; give which are inside, too."""
        inside = torch.heaviside(margins, self.one)
        for _ in range(self.config.mean_shift_steps):
            means, _ = mask_means(inside, table)
            margins = margins_around(means[:, self.embedding], columns, reach).maximum(least)
            inside = torch.heaviside(margins, self.one)
        return margins, inside

    def _pixels(self, points: Tensor, class_logits: Tensor, said: Tensor) -> Tensor:
        """Put what is known of each pixel into one table: (F,N) float32."""
        scores, class_ids, levels = seed_qualities(class_logits, self.ones)
        seeds = (self.ones, scores, class_ids, levels, self.radii.index_select(0, levels))
        return torch.cat([*(row[None] for row in seeds), points, said])

    def _connected(self, margins: Tensor, inside: Tensor, at_seeds: Tensor, sweeps: int
                   ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keep of each mask the part at its seed; give its area with neighbours, too."""
        if not self.config.connected:
            return margins, inside, None
        part, spread = connected_parts(*(rasters.view(-1, *self.grid) for rasters in (
            margins, inside, at_seeds)), sweeps, self.no_runs)
        part = part.flatten(1)
        # Not quite zero, so that a pixel on the very edge of a mask is cut off, too.
        margins = torch.copysign(margins + torch.finfo(torch.float32).tiny, part - 0.5)
        return margins, part, spread

    def _without_duplicates(self, inside: Tensor, areas: Tensor, valid: Tensor, better: Tensor,
                            links: int) -> tuple[Tensor, Tensor]:
        return without_duplicates(inside, areas, valid, better, self.config.suppression_iou,
                                  links, self.zero)


def margins_around(centres: Tensor, columns: Tensor, radii: Tensor) -> Tensor:
    """
    Compute how far inside each mask every pixel is.

    :param centres: (K,D) embeddings.
    :param columns: (N,D) embeddings of the pixels.
    :param radii: (K,1) squared radii.
    :return: (K,N) float32, squared radius minus squared distance, exactly the radius at a centre.
    """
    distances = torch.cdist(centres, columns, compute_mode='donot_use_mm_for_euclid_dist')
    return torch.addcmul(radii, distances, distances, value=-1)


def mask_means(inside: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """
    Average over each mask.

    :param inside: (K,N) float32, 1 inside and 0 outside; no mask is empty.
    :param table: (F,N), the first row of it 1.
    :return: (K,F) means; and (K,1) areas.
    """
    sums = inside @ table.t()
    areas = sums[:, :1]
    return sums / areas, areas


def voted(logits: Tensor, seeds: Tensor, thresholds: int) -> Tensor:
    """
    Let the pixels of each mask vote for its class.

    :param logits: (K,T(C+1)) means.
    :param seeds: (F,K), the seeds in the table of pixels.
    :param thresholds: T.
    :return: (K,) class ids.
    """
    votes = logits.unflatten(1, (thresholds, -1))[:, :, 1:]
    if votes.shape[2] == 1:
        return seeds[CLASS]
    own = seeds[LEVEL].long()[:, None, None]
    return votes.take_along_dim(own, 1).squeeze(1).argmax(dim=1) + 1


def without_duplicates(inside: Tensor, areas: Tensor, valid: Tensor, better: Tensor,
                       suppression_iou: float, links: int, zero: Tensor) -> tuple[Tensor, Tensor]:
    """
    Drop each mask that overlaps a better one that is kept.

    :param inside: (K,N) float32.
    :param areas: (K,1) their pixels.
    :param valid: (K,) float32, 0 for those that are dropped already.
    :param better: (K,K) bool, in each row the masks that are better than its own.
    :param suppression_iou: a mask is dropped if its IoU with a better one is above this.
    :param links: longest chain of masks of which each would drop the next.
    :param zero: () float32, 0.
    :return: (K,) float32, 1 for those kept; and the same after one link less, which is equal where
        that is certain.
    """
    # IoU > t as shared (1 + t) > t (a + b), without a division.
    excess = torch.addmm(areas + areas.t(), inside, inside.t(), beta=-suppression_iou,
                         alpha=1 + suppression_iou)
    droppers = torch.heaviside(excess, zero) * better
    kept = before = valid
    for _ in range(links):
        before, kept = kept, torch.addmv(valid, droppers, kept, alpha=-1).relu()
    return kept, before
