# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The masks of a fixed number of seeds on the network's grid, and which of them are kept."""

from __future__ import annotations

from typing import NamedTuple

from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.connected import connected_parts
from metricseg_ros.device_program.seeds import after_the_end, pick, seed_qualities
from metricseg_ros.grouping.masks import LEAST_LOGIT
import torch
from torch import Tensor


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
    K masks by decreasing score, with those that are dropped.

    :param margins: (K,h,w) float32, not negative inside.
    :param pixels: (K,) int64, the seeds.
    :param scores: (K,) float32.
    :param class_ids: (K,).
    :param levels: (K,), numbers of their similarity thresholds.
    :param embeddings: (K,D) float32, mean of each mask.
    :param kept: (K,) float32, 1 or 0.
    :param complete: () bool, whether picking ended before the last seed.
    :param settled: () bool, whether sweeps and links sufficed.
    """

    margins: Tensor
    pixels: Tensor
    scores: Tensor
    class_ids: Tensor
    levels: Tensor
    embeddings: Tensor
    kept: Tensor
    complete: Tensor
    settled: Tensor


def group_on_device(embeddings: Tensor, class_logits: Tensor, radii: Tensor, ranks: Tensor,
                    config: GroupingConfig, steps: Steps,
                    names: Tensor | None = None) -> GridMasks:
    """
    Group pixels around seeds, as :func:`metricseg_ros.grouping.group` does.

    :param embeddings: (D,h,w) float32.
    :param class_logits: (T,C+1,h,w) float32.
    :param radii: (T,) float32, squared radii of the similarity thresholds.
    :param ranks: (K,) uint8, K for the best mask to 1 for the last.
    :param config: how to group.
    :param steps: how much to do.
    :param names: (M,h,w) float32, logits of names, of a network that has them beside.
    :return: K masks, as many as seeds are picked.
    """
    height, width = embeddings.shape[1:]
    points, columns = embeddings.flatten(1), embeddings.flatten(1).t().contiguous()
    least_area = config.minimum_area * height * width
    pixels = seed_qualities(class_logits)
    scores = pixels[0] * (pixels[0] >= config.resolved().minimum_score)
    picked, tops = pick(points, scores, steps.seeds, config.diversity_weight)
    seeds = pixels.index_select(1, picked)
    reach = radii[seeds[2].long()][:, None]
    margins = margins_around(columns.index_select(0, picked), columns, reach)
    late = after_the_end(margins >= 0, scores > 0, picked, tops, ranks, least_area)
    # By score; those after the end come last.
    order = seeds[0].masked_fill(late, -1).sort(descending=True, stable=True).indices
    picked, late, reach, seeds, margins = (picked[order], late[order], reach[order],
                                           seeds[:, order], margins[order])
    said = class_logits.flatten(0, 1) if names is None else names
    features = torch.cat([torch.ones_like(points[:1]), pixels[:1], points, said.flatten(1)])
    features = features.nan_to_num(LEAST_LOGIT, -LEAST_LOGIT, LEAST_LOGIT).t()
    of_embeddings, own = slice(2, 2 + len(points)), picked[:, None]
    inside = (margins >= 0).float()
    for _ in range(config.mean_shift_steps):
        means, _ = mask_means(inside, features)
        margins = margins_around(means[:, of_embeddings], columns, reach)
        margins = margins.scatter(1, own, margins.gather(1, own).clamp_min(0))
        inside = (margins >= 0).float()
    of_said = slice(of_embeddings.stop, None)
    if names is None:
        means, _ = mask_means(inside, features)
        class_ids = voted(means[:, of_said], seeds, len(class_logits))
    settled = late.new_ones(())
    if config.connected:
        starts = torch.zeros_like(margins).scatter(1, own, (~late).float()[:, None])
        margins, inside, settled = parts_around(starts, margins, inside, (height, width),
                                                steps.sweeps)
    means, areas = mask_means(inside, features)
    if names is not None:
        class_ids = means[:, of_said].argmax(dim=1) + 1
    valid = (areas[:, 0] >= least_area) & (means[:, 1] >= config.minimum_mean_score) & ~late
    kept, undisputed = without_duplicates(inside, areas, valid.float(), config.suppression_iou,
                                          steps.duplicates)
    return GridMasks(margins.view(-1, height, width), picked, seeds[0], class_ids, seeds[2],
                     means[:, of_embeddings], kept, late.any(), settled & undisputed)


def parts_around(starts: Tensor, margins: Tensor, inside: Tensor, size: tuple[int, int],
                 sweeps: int) -> tuple[Tensor, Tensor, Tensor]:
    """
    Keep of each mask the part that is connected to its seed.

    :param starts: (K,h w) float32, 1 at the seed.
    :param margins: (K,h w) float32, not negative inside.
    :param inside: (K,h w) float32, 1 inside.
    :param size: (h, w).
    :param sweeps: from each seed through its mask, at most.
    :return: margins and inside of those parts, and () bool, whether the sweeps sufficed.
    """
    parts, settled = connected_parts(inside.view(-1, *size), starts.view(-1, *size), sweeps)
    inside = parts.flatten(1)
    cut_off = -margins.abs().clamp_min(torch.finfo(torch.float32).tiny)
    return torch.where(inside > 0, margins, cut_off), inside, settled


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


def mask_means(inside: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """
    Average over each mask.

    :param inside: (K,N) float32, 1 inside and 0 outside.
    :param features: (N,F), the first of them 1.
    :return: (K,F) means, 0 for an empty mask; and (K,1) areas.
    """
    sums = inside @ features
    areas = sums[:, :1]
    return sums / areas.clamp_min(1), areas


def voted(logits: Tensor, seeds: Tensor, thresholds: int) -> Tensor:
    """
    Let the pixels of each mask vote for its class.

    :param logits: (K,T(C+1)) means.
    :param seeds: (3,K), class id and number of the threshold of each seed second and third.
    :param thresholds: T.
    :return: (K,) class ids.
    """
    votes = logits.unflatten(1, (thresholds, -1))[:, :, 1:]
    if votes.shape[2] == 1:
        return seeds[1]
    own = seeds[2].long()[:, None, None]
    return votes.take_along_dim(own, 1).squeeze(1).argmax(dim=1) + 1


def without_duplicates(inside: Tensor, areas: Tensor, valid: Tensor, suppression_iou: float,
                       links: int) -> tuple[Tensor, Tensor]:
    """
    Drop each mask that overlaps a better one that is kept.

    :param inside: (K,N) float32, by decreasing score.
    :param areas: (K,1) their pixels.
    :param valid: (K,) float32, 0 for those that are dropped already.
    :param suppression_iou: a mask is dropped if its IoU with a better one is above this.
    :param links: longest chain of masks of which each would drop the next.
    :return: (K,) float32, 1 for those kept; () bool, whether that is certain.
    """
    shared = inside @ inside.t()
    # IoU > t as shared (1 + t) > t (a + b), without a division.
    excess = torch.add(shared * (1 + suppression_iou), areas + areas.t(), alpha=-suppression_iou)
    better = (excess > 0).float().tril(-1)
    kept = before = valid
    for _ in range(links):
        before, kept = kept, torch.addmv(valid, better, kept, alpha=-1).relu()
    return kept, (kept == before).all()
