# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Network and grouping in one graph of fixed shapes, so that one engine turns an image into masks.

It picks a fixed number of seeds, grows their masks and drops duplicates. What needs the image's
own size, connected parts and the resolution of overlaps, is left to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from metricseg_ros.backends.backend import INPUT, OUTPUTS
from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping import at_threshold, Seediness, seediness, SeedMasks
from metricseg_ros.grouping.dense_seeds import dense_seeds
from metricseg_ros.grouping.masks import mask_iou, mean_scores, vote_classes
from metricseg_ros.grouping.mean_shift import shift_to_mean
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.preprocess import ImageGeometry
from metricseg_ros.similarity import squared_distances, squared_radii
from metricseg_ros.structures import NetworkOutput, Seeds
import torch
from torch import nn, Tensor

MASK_OUTPUTS = ('scores', 'class_ids', 'positions', 'similarity_thresholds', 'margins')


class GroupedNetwork(nn.Module):
    """The network, and of its output the seeds and their masks."""

    def __init__(self, network: MetricSegmentationNetwork, config: GroupingConfig) -> None:
        """
        Put the parts together.

        :param network: with its weights.
        :param config: how to group; its `maximum_seeds` is the number K of seeds.
        """
        super().__init__()
        self.network = network
        self.config = config

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Segment an image on the network's grid.

        :param image: (1,3,h,w), normalised.
        :return: embeddings (1,D,h',w'); class logits (1,T,C+1,h',w'); then of K seeds by
            decreasing score: scores (K,), 0 of those that are none or whose mask is dropped;
            class ids (K,) int64; positions (K,2) int64, (row, col); similarity thresholds (K,);
            margins (K,h',w'), not negative inside the mask.
        """
        embeddings, class_logits = self.network(image)
        config, points = self.config, embeddings[0].flatten(1)
        output = at_threshold(NetworkOutput(
            embeddings[0], class_logits[0], self.network.config.similarity_thresholds),
            config.similarity_threshold)
        best = seediness(output)
        candidates = torch.where(best.scores >= config.minimum_score, best.scores, 0)
        picked = dense_seeds(points, candidates.flatten(), config.maximum_seeds,
                             config.diversity_weight)
        index = picked.clamp_min(0)
        scores, order = torch.where(picked >= 0, best.scores.flatten()[index], 0).topk(len(index))
        seeds = seeds_at(best, index[order], scores)
        distances = squared_distances(points.index_select(1, index[order]).t(), points.t())
        margins = squared_radii(seeds.similarity_thresholds)[:, None] - distances
        masks = shift_to_mean(SeedMasks(seeds, margins.unflatten(1, best.scores.shape)),
                              embeddings[0], config.mean_shift_steps)
        seeds = vote_classes(masks, output).seeds
        return (embeddings, class_logits, self._scores(masks, best.scores), seeds.class_ids,
                seeds.positions, seeds.similarity_thresholds, masks.margins)

    def _scores(self, grown: SeedMasks, seediness: Tensor) -> Tensor:
        """Give the scores of the masks that are kept, and 0 to those that are dropped."""
        scores, masks = grown.seeds.scores, grown.masks
        areas = masks.flatten(1).float().sum(1)
        kept = ((scores > 0) & (areas >= self.config.minimum_area * seediness.numel())
                & (mean_scores(seediness, masks) >= self.config.minimum_mean_score))
        return scores * self._without_duplicates(kept.float(), masks)

    def _without_duplicates(self, flags: Tensor, masks: Tensor) -> Tensor:
        """Set to 0 the flags (K,) of masks that overlap a better one whose flag is 1."""
        similar = (mask_iou(masks) > self.config.suppression_iou).float().tril(-1)
        for row in range(1, self.config.maximum_seeds):
            # Better ones come first and are decided already.
            overlapped = (similar[row] * flags).sum()
            flags = torch.cat([flags[:row], flags[row:row + 1] * (overlapped < 0.5),
                               flags[row + 1:]])
        return flags


def seeds_at(best: Seediness, index: Tensor, scores: Tensor) -> Seeds:
    """
    Make seeds of pixels.

    :param best: the seediness of an image.
    :param index: (K,) int64, which pixels, row by row.
    :param scores: (K,) of the seeds.
    :return: K seeds.
    """
    width = best.scores.shape[1]
    return Seeds(torch.stack([index // width, index % width], dim=1), scores,
                 best.class_ids.flatten()[index], best.similarity_thresholds.flatten()[index])


def export_grouped(network: GroupedNetwork, path: Path, input_size: tuple[int, int],
                   precision: str) -> None:
    """
    Write network and grouping as one ONNX file.

    :param network: with its weights.
    :param path: where.
    :param input_size: (height, width) it takes, multiples of the network's.
    :param precision: fp32, or fp16 for the convolutions.
    """
    from metricseg_ros.export.half import to_half
    from metricseg_ros.export.onnx import save, traced

    model = traced(network, input_size, (*OUTPUTS, *MASK_OUTPUTS))
    save(to_half(model) if precision == 'fp16' else model, path)


def padded_to(run: Callable[[Tensor], Sequence[Tensor]], input_size: tuple[int, int],
              thresholds: tuple[float, ...]) -> Callable[..., tuple[NetworkOutput, SeedMasks]]:
    """
    Let a graph of one input size take smaller inputs, and give structures.

    :param run: from (1,3,h,w) to what :meth:`GroupedNetwork.forward` gives.
    :param input_size: (h, w).
    :param thresholds: similarity thresholds of the network.
    :return: a function for :func:`metricseg_ros.export.parity.compare`.
    """
    def padded(tensor: Tensor, _geometry: ImageGeometry) -> tuple[NetworkOutput, SeedMasks]:
        below, right = (size - given for size, given in zip(input_size, tensor.shape[2:]))
        if below < 0 or right < 0:
            raise ValueError(f'the graph takes inputs of {input_size[0]}x{input_size[1]}, got '
                             f'{tensor.shape[2]}x{tensor.shape[3]}: choose photographs of its '
                             'proportions')
        embeddings, logits, scores, classes, positions, taus, margins = run(
            nn.functional.pad(tensor, (0, right, 0, below), mode='replicate'))
        masks = SeedMasks(Seeds(positions, scores, classes, taus), margins)
        return NetworkOutput(embeddings[0], logits[0], thresholds), masks[scores > 0]
    return padded


def onnx_session(path: Path) -> Callable[[Tensor], list[Tensor]]:
    """
    Open a file of :func:`export_grouped` in ONNX Runtime on the CPU.

    :param path: the file.
    :return: from (1,3,h,w) to its outputs.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return lambda tensor: [torch.from_numpy(output) for output in session.run(
        [*OUTPUTS, *MASK_OUTPUTS], {INPUT: tensor.numpy()})]
