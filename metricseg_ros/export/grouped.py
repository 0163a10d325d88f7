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
from metricseg_ros.grouping import seediness, SeedMasks
from metricseg_ros.grouping.dense_seeds import dense_seeds
from metricseg_ros.grouping.masks import mask_iou
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
            decreasing score: scores (K,), 0 of those that are none or whose mask is too small or
            a duplicate; class ids (K,) int64; positions (K,2) int64, (row, col); similarity
            thresholds (K,); margins (K,h',w'), not negative inside the mask.
        """
        embeddings, class_logits = self.network(image)
        thresholds = self.network.config.similarity_thresholds
        best = seediness(NetworkOutput(embeddings[0], class_logits[0], thresholds))
        candidates = torch.where(best.scores >= self.config.minimum_score, best.scores, 0)
        picked = dense_seeds(embeddings[0].flatten(1), candidates.flatten(),
                             self.config.maximum_seeds, self.config.diversity_weight)
        index = picked.clamp_min(0)
        scores = torch.where(picked >= 0, best.scores.flatten()[index], 0)
        scores, order = scores.topk(self.config.maximum_seeds)
        index = index[order]
        radii = squared_radii(best.similarity_thresholds.flatten()[index])
        points = embeddings[0].flatten(1)
        distances = squared_distances(points.index_select(1, index).t(), points.t())
        margins = (radii[:, None] - distances).unflatten(1, embeddings.shape[2:])
        width = embeddings.shape[3]
        return (embeddings, class_logits, self._without_duplicates(scores, margins),
                best.class_ids.flatten()[index],
                torch.stack([index // width, index % width], dim=1),
                best.similarity_thresholds.flatten()[index], margins)

    def _without_duplicates(self, scores: Tensor, margins: Tensor) -> Tensor:
        masks = margins >= 0
        areas = masks.flatten(1).float().sum(1)
        kept = (scores > 0) & (areas >= self.config.minimum_area * margins[0].numel())
        similar = (mask_iou(masks) > self.config.suppression_iou).float().tril(-1)
        flags = kept.float()
        for row in range(1, self.config.maximum_seeds):
            # Better ones come first and are decided already.
            overlapped = (similar[row] * flags).sum()
            flags = torch.cat([flags[:row], flags[row:row + 1] * (overlapped < 0.5),
                               flags[row + 1:]])
        return scores * flags


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
