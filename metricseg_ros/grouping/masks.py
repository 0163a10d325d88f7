# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The masks of seeds on the network's grid: growing them, and dropping what is none of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
from metricseg_ros.similarity import squared_radii
from metricseg_ros.structures import NetworkOutput, Seeds
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

CONNECTED = 2
"""What marks the pixels connected to a seed; those of its mask are 1 before."""

LEAST_LOGIT = -104.0
"""Logarithm of the least float32 above 0: what a logit of -inf, the log of one rounded to 0, was
at most."""


@dataclass(frozen=True)
class SeedMasks:
    """
    The masks that seeds grew.

    :param margins: (K,h,w) float32, squared radius of the seed's threshold minus the pixel's
        squared distance to the seed. A pixel is in the mask where this is not negative; in
        between pixels it interpolates, which gives masks finer than the grid.
    """

    seeds: Seeds
    margins: Tensor

    def __post_init__(self) -> None:
        """Check that there is one mask for each seed."""
        if self.margins.ndim != 3 or len(self.margins) != len(self.seeds):
            raise ValueError(f'margins must be ({len(self.seeds)},h,w), got '
                             f'{tuple(self.margins.shape)}')

    @cached_property
    def masks(self) -> Tensor:
        """Return (K,h,w) bool, the pixels similar enough to each seed."""
        return self.margins >= 0

    def __getitem__(self, index: Tensor) -> SeedMasks:
        """Select some of the masks by (K',) indices or a (K,) bool tensor."""
        return SeedMasks(self.seeds[index], self.margins[index])

    def cpu(self) -> SeedMasks:
        """Return the masks on the CPU: themselves if they are there."""
        if self.margins.device.type == 'cpu':
            return self
        return SeedMasks(self.seeds.cpu(), self.margins.cpu())

    def only(self, kept: np.ndarray) -> SeedMasks:
        """Keep masks by (K,) bool, in their order; nothing is copied if none is left out."""
        if kept.all():
            return self
        return self[torch.from_numpy(np.flatnonzero(kept)).to(self.margins.device)]


def grow_masks(embeddings: Tensor, seeds: Seeds) -> SeedMasks:
    """
    Grow mask(s) = {q : sigma(s,q) >= tau_s} of every seed.

    :param embeddings: (D,h,w) float32.
    """
    seeds = seeds[seeds.scores.argsort(descending=True, stable=True)]
    return SeedMasks(seeds, seed_margins(embeddings, seeds))


def seed_margins(embeddings: Tensor, seeds: Seeds) -> Tensor:
    """
    Compute how far inside each seed's mask every pixel is.

    :param embeddings: (D,h,w) float32.
    :return: (K,h,w) float32, as in :class:`SeedMasks`.
    """
    points, radii = embeddings.flatten(1), squared_radii(seeds.similarity_thresholds)
    rows, columns = seeds.positions.unbind(1)
    own = rows * embeddings.shape[2] + columns
    norms = points.square().sum(0)
    # r^2 - |s - p|^2 = (r^2 - |s|^2) + 2 s.p - |p|^2, and at most r^2 whatever the rounding.
    margins = torch.addmm(-norms[None], points[:, own].t(), points, alpha=2)
    margins += (radii - norms[own])[:, None]
    margins = torch.minimum(margins, radii[:, None])
    # A seed is in its own mask whatever the rounding of its distance to itself.
    margins[torch.arange(len(seeds), device=own.device), own] = radii
    return margins.view(-1, *embeddings.shape[1:])


def keep_connected(masks: SeedMasks) -> SeedMasks:
    """
    Keep of each mask the part that is connected to its seed through sides or corners.

    :return: K masks; of the parts cut off the margins are negative.
    """
    margins = masks.margins.numpy().copy()
    for margin, (row, column) in zip(margins, masks.seeds.positions.tolist(), strict=True):
        inside = (margin >= 0).view(np.uint8)
        cv2.floodFill(inside, None, (column, row), CONNECTED, flags=8)
        cut_off = inside == 1
        # Not quite zero, so that a pixel on the very edge of a mask is cut off too.
        margin[cut_off] = np.minimum(-margin[cut_off], -np.finfo(np.float32).tiny)
    return SeedMasks(masks.seeds, torch.from_numpy(margins))


def drop_small(masks: SeedMasks, minimum_area: float) -> SeedMasks:
    """Drop masks of fewer pixels than that."""
    areas = masks.masks.flatten(1).count_nonzero(dim=1)
    return masks.only((areas >= minimum_area).cpu().numpy())


def mask_iou(masks: Tensor) -> Tensor:
    """Compute the IoU of every pair of masks, (K,h,w) bool: (K,K), 0 for two empty ones."""
    flat = masks.flatten(1).float()
    shared = flat @ flat.t()
    areas = shared.diagonal()
    return shared / (areas[:, None] + areas[None, :] - shared).clamp_min(1)


def mean_embeddings(embeddings: Tensor, masks: Tensor) -> Tensor:
    """
    Describe each mask by the mean of its pixels' embeddings.

    :param embeddings: (D,h,w) float32.
    :param masks: (K,h,w) bool, or how many pixels of each cell are inside.
    :return: (K,D) float32; 0 for an empty mask.
    """
    inside = masks.flatten(1).to(embeddings.dtype)
    return inside @ embeddings.flatten(1).t() / inside.sum(1, keepdim=True).clamp_min(1)


def drop_unlikely(masks: SeedMasks, scores: Tensor, minimum_mean_score: float) -> SeedMasks:
    """
    Drop masks whose pixels do not take themselves for parts of an object.

    A seed on an outline, where the class head is least sure, may grow over the background.

    :param scores: (h,w) float32, the seediness of each pixel.
    """
    means = mean_scores(scores, masks.masks)
    return masks.only((means >= minimum_mean_score).cpu().numpy())


def mean_scores(scores: Tensor, masks: Tensor) -> Tensor:
    """
    Average what pixels say of themselves over each mask.

    :param scores: (h,w) float32, their seediness.
    :param masks: (K,h,w) bool.
    :return: (K,) float32; 0 for an empty mask.
    """
    return mean_embeddings(scores[None], masks).squeeze(1)


def vote_classes(masks: SeedMasks, output: NetworkOutput) -> SeedMasks:
    """
    Let all pixels of a mask vote for its class, as its seed alone may err.

    :return: the masks, each of the class whose logit is highest in the mean over its pixels, at
        its own threshold. Scores stay those of the seeds.
    """
    if output.class_logits.shape[1] == 2:
        return masks
    thresholds = torch.tensor(output.similarity_thresholds, device=masks.margins.device)
    own = (masks.seeds.similarity_thresholds[:, None] - thresholds).abs().argmin(dim=1)
    logits = output.class_logits.flatten(0, 1)
    means = mean_embeddings(logits, masks.masks)
    if not means.isfinite().all():  # An infinite logit spoils the sums of all masks, as 0 * inf.
        means = mean_embeddings(logits.nan_to_num(LEAST_LOGIT, -LEAST_LOGIT, LEAST_LOGIT),
                                masks.masks)
    means = means.unflatten(1, output.class_logits.shape[:2])[:, :, 1:]
    votes = means.gather(1, own[:, None, None].expand(-1, 1, means.shape[2])).squeeze(1)
    return replace(masks, seeds=replace(masks.seeds, class_ids=votes.argmax(dim=1) + 1))


def name_masks(masks: SeedMasks, output: NetworkOutput) -> SeedMasks:
    """
    Name masks by an output of its own, where the network has one.

    :return: the masks, each of the name whose logit is highest in the mean over its pixels.
    """
    if output.name_logits is None:
        return masks
    names = mean_names(masks.masks, output.name_logits.to(masks.margins.device),
                       output.name_stride).argmax(dim=1)
    return replace(masks, seeds=replace(masks.seeds, class_ids=names + 1))


def mean_names(masks: Tensor, name_logits: Tensor, stride: int) -> Tensor:
    """
    Average name logits over masks.

    Of the mean logits the highest is that of the mean log probabilities, too.

    :param masks: (K,h,w) bool.
    :param name_logits: (N,h/stride,w/stride), rounded up.
    :param stride: how much coarser their map is.
    :return: (K,N); 0 for an empty mask.
    """
    height, width = masks.shape[1:]
    below, right = -height % stride, -width % stride
    inside = masks[:, None].float()  # A batch, as it may be empty.
    if below or right:
        inside = pad(inside, (0, right, 0, below))
    cells = avg_pool2d(inside, stride, divisor_override=1)
    means = mean_embeddings(name_logits, cells)
    if not means.isfinite().all():
        means = mean_embeddings(name_logits.nan_to_num(LEAST_LOGIT, -LEAST_LOGIT, LEAST_LOGIT),
                                cells)
    return means


def drop_duplicates(masks: SeedMasks, suppression_iou: float) -> SeedMasks:
    """
    Drop each mask that overlaps a better one that was kept (non-maximum suppression).

    :param suppression_iou: a mask is dropped if its IoU with a better one is above this.
    """
    duplicate = (mask_iou(masks.masks) > suppression_iou).cpu().numpy()
    kept = np.zeros(len(duplicate), bool)
    for index in range(len(duplicate)):
        kept[index] = not (duplicate[index] & kept).any()
    return masks.only(kept)
