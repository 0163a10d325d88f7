# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The masks of a fixed number of seeds on the network's grid, and which of them are kept."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

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

if TYPE_CHECKING:  # Triton is not everywhere.
    from metricseg_ros.device_program.kernels import Kernels

TIE = 1e-12
"""Of equal scores the one picked first is better; no two others are nearer than this."""

SCORE, LEVEL, RADIUS, AREA, EMBEDDING = range(5)
"""Rows of the table of pixels; the last one is the first of several."""

CUT = 1e3
"""What margins lose where a part is cut off: more than any, as they are logarithms."""


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
    :param qualities: (K,2) float32: score and number of the threshold of each seed.
    :param classes: (K,1), class ids less 1, by the vote of the mask.
    :param ranks: (K,1) uint8, of those that are kept, the higher the better; 0 of the others.
    :param wanted: (K,1) float32, 1 of the seeds picked before there were enough, 0 of the others.
    :param kept: (K,1) float32, whether it is kept, after all links.
    :param kept_before: the same after all but one.
    :param areas: (K,1) float32, pixels of the part connected to the seed.
    :param areas_beside: (K,1) float32, the same with neighbours.
    :param embeddings: (K,D) float32, mean of each mask.
    """

    margins: Tensor
    pixels: Tensor
    qualities: Tensor
    classes: Tensor
    ranks: Tensor
    wanted: Tensor
    kept: Tensor
    kept_before: Tensor
    areas: Tensor
    areas_beside: Tensor
    embeddings: Tensor


class DeviceGrouping:
    """Groups pixels around seeds, as :func:`metricseg_ros.grouping.group` does."""

    def __init__(self, grid: tuple[int, int], dimension: int, radii: Tensor,
                 config: GroupingConfig, most_seeds: int,
                 kernels: Kernels | None = None) -> None:
        """
        Write down what depends on sizes and parameters alone.

        :param grid: (h,w) of the embeddings.
        :param dimension: D of them.
        :param radii: (T,) float32, squared radii of the similarity thresholds.
        :param config: how to group.
        :param most_seeds: that are ever picked.
        :param kernels: what does the loops in place of torch's operators.
        """
        device, pixels = radii.device, grid[0] * grid[1]
        self.grid, self.radii, self.config, self.kernels = grid, radii, config, kernels
        self.form = distance_form(dimension, device)
        self.one, self.zero = (torch.tensor(value, device=device) for value in (1.0, 0.0))
        self.exponent = torch.tensor([1 / config.diversity_weight], dtype=torch.float64,
                                     device=device)
        self.ones = torch.ones(most_seeds, pixels, device=device)
        self.no_class = torch.zeros(most_seeds, device=device)
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
        config, count = self.config, steps.seeds
        table = self._pixels(embeddings.flatten(1), class_logits, said)
        columns = table[self.embedding].t().contiguous()
        scores = threshold(table[SCORE], self.below_least_score, 0.0)
        picked = self._pick(table, scores.pow(self.exponent), count)
        seeds = table.index_select(1, picked)
        reach, picked = seeds[RADIUS][:, None], picked[:, None]
        # A seed is in its own mask whatever becomes of that: there its margin is not negative.
        least = self.nowhere[:count].scatter(1, picked, 0.0)
        margins = margins_around(seeds[self.embedding].t(), columns, reach)
        inside = torch.heaviside(margins, self.one)
        wanted = before_the_end(inside, scores, self.ones[:count].scatter(
            1, picked, 1.0 + len(scores)), self.least_area)
        margins = self._shifted(margins, inside, table, columns, reach, least)
        if not named:
            means, _ = mask_means(torch.heaviside(margins, self.one), table)
            classes = self._voted(means[:, self.said], seeds, len(class_logits))
        margins, inside, beside = self._connected(margins, least, picked, steps.sweeps)
        means, areas = mask_means(inside, table)
        if named:
            classes = means[:, self.said].argmax(dim=1)
        valid = wanted * ((areas[:, 0] >= self.least_area)
                          * (means[:, SCORE] >= config.minimum_mean_score))
        order = seeds[SCORE] - self.ties[:count]
        better = order > order[:, None]
        kept, before = self._without_duplicates(inside, areas, valid, better, steps.duplicates)
        worse = better.sum(dim=0, dtype=kept.dtype)
        ranks = torch.addcmul(kept, kept, worse).to(torch.uint8)
        return GridMasks(
            margins.view(-1, *self.grid), picked, seeds[SCORE:LEVEL + 1].t(), classes[:, None],
            ranks[:, None], wanted[:, None], kept[:, None], before[:, None], areas,
            areas if beside is None else beside, means[:, self.embedding])

    def _pick(self, table: Tensor, weights: Tensor, count: int) -> Tensor:
        if self.kernels is not None:
            return self.kernels.pick(table[self.embedding], weights, count)
        return pick(table[AREA:self.embedding.stop], weights, count, self.form)

    def _shifted(self, margins: Tensor, inside: Tensor, table: Tensor, columns: Tensor,
                 reach: Tensor, least: Tensor) -> Tensor:
        """Grow masks again around the means of their pixels."""
        for step in range(self.config.mean_shift_steps):
            if step:
                inside = torch.heaviside(margins, self.one)
            means, _ = mask_means(inside, table)
            margins = margins_around(means[:, self.embedding], columns, reach).maximum(least)
        return margins

    def _pixels(self, points: Tensor, class_logits: Tensor, said: Tensor) -> Tensor:
        """Put what is known of each pixel into one table: (F,N) float32."""
        scores, levels = seed_qualities(class_logits)
        seeds = (scores, levels, self.radii.index_select(0, levels), self.ones[0])
        return torch.cat([*(row[None] for row in seeds), points, said])

    def _voted(self, logits: Tensor, seeds: Tensor, thresholds: int) -> Tensor:
        classes = voted(logits, seeds, thresholds)
        return self.no_class[:seeds.shape[1]] if classes is None else classes

    def _connected(self, margins: Tensor, least: Tensor, picked: Tensor, sweeps: int
                   ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keep of each mask the part at its seed; give which is inside, and what lies beside."""
        if self.config.connected and self.kernels is not None:
            margins, part = self.kernels.part_at_seed(margins.view(-1, *self.grid), picked, CUT)
            return margins.flatten(1), part.flatten(1), None
        inside = torch.heaviside(margins, self.one)
        if not self.config.connected:
            return margins, inside, None
        part, beside = connected_parts(*(rasters.view(-1, *self.grid) for rasters in (
            margins, inside, least.exp())), sweeps, self.no_runs)
        part = part.flatten(1)
        return torch.sub(margins, inside - part, alpha=CUT), part, beside

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
    :param table: (F,N), one row of it 1.
    :return: (K,F) means; and (K,1) areas.
    """
    sums = inside @ table.t()
    areas = sums[:, AREA:AREA + 1]
    return sums / areas, areas


def voted(logits: Tensor, seeds: Tensor, thresholds: int) -> Tensor | None:
    """
    Let the pixels of each mask vote for its class.

    :param logits: (K,T(C+1)) means.
    :param seeds: (F,K), the seeds in the table of pixels.
    :param thresholds: T.
    :return: (K,) class ids less 1; None where there is but one class.
    """
    votes = logits.unflatten(1, (thresholds, -1))[:, :, 1:]
    if votes.shape[2] == 1:
        return None
    own = seeds[LEVEL].long()[:, None, None]
    return votes.take_along_dim(own, 1).squeeze(1).argmax(dim=1)


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
