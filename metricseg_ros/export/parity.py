# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a model's ONNX file does what its weights do: on photographs, down to the masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from metricseg_ros.backends import Backend
from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping import group, SeedMasks
from metricseg_ros.inputs.depth_files import usual_camera
from metricseg_ros.models import ModelDescription
from metricseg_ros.preprocess import (
    crop_to_content,
    DepthTensors,
    ImageGeometry,
    preprocess,
    preprocess_depth,
)
from metricseg_ros.structures import DepthImage, NetworkOutput
import numpy as np
from torch import Tensor

Stages = Callable[..., tuple[NetworkOutput, SeedMasks]]
"""From the network's input to its output and the masks on its grid."""

LARGEST_DIFFERENCE = 1e-3
"""Largest difference of embeddings, log odds and class scores that passes, in float32."""

SAME_MASK_IOU = 0.5
"""Two masks are of the same instance above this."""


@dataclass(frozen=True)
class Bounds:
    """
    What an export has to reach.

    :param difference: largest difference of any embedding's component, log odds or class score.
    :param found: least share of torch's instances that are found again, and the other way round.
    :param masks: least mean IoU of those masks.
    :param names: least share of those that are of the same class.
    """

    difference: float
    found: float
    masks: float
    names: float


BOUNDS = {'fp32': Bounds(LARGEST_DIFFERENCE, 0.98, 0.98, 0.98),
          'fp16': Bounds(0.5, 0.95, 0.95, 0.95), 'tf32': Bounds(0.5, 0.95, 0.95, 0.95)}
"""
Bounds by precision. Where convolutions are rounded to 10 bits of the mantissa (fp16, and what GPUs
do of fp32: tf32) a pixel on an edge may differ much, and one of two nearly equal seeds be picked
for the other, while the masks agree.
"""


@dataclass(frozen=True)
class Parity:
    """
    How far an ONNX file agrees with torch on some photographs.

    :param difference: largest difference of embeddings, log odds of an object and class scores.
    :param seeds: share of torch's instances whose seed is the very same pixel.
    :param found: the smaller of the shares of either side's instances that the other has too.
    :param masks: mean IoU of the masks of those.
    :param finite: whether every number that came out is one.
    """

    images: int
    difference: float
    mean_difference: float
    seeds: float
    found: float
    masks: float
    names: float
    instances: int
    finite: bool = True

    def __str__(self) -> str:
        return (f'on {self.images} photographs embeddings and scores differ from torch by '
                f'{self.mean_difference:.1e} in the mean, {self.difference:.1e} at most; of '
                f'{self.instances} instances {self.found:.1%} agree, with the same seed pixel '
                f'{self.seeds:.1%}, mean mask IoU {self.masks:.4f}, the same class '
                f'{self.names:.1%}')

    def faults(self, bounds: Bounds) -> list[str]:
        """Name the bounds that are not kept."""
        faults = []
        if not self.finite:
            faults.append('not every embedding and class score is a finite number')
        if not self.difference < bounds.difference:
            faults.append(f'a difference of {self.difference:.1e} is not below '
                          f'{bounds.difference:g}')
        if not self.found >= bounds.found:
            faults.append(f'only {self.found:.1%} of the instances agree, not {bounds.found:.0%}')
        if not self.masks >= bounds.masks:
            faults.append(f'the mean mask IoU is {self.masks:.4f}, not {bounds.masks:g}')
        if not self.names >= bounds.names:
            faults.append(f'only {self.names:.1%} of those are of the same class, not '
                          f'{bounds.names:.0%}')
        return faults


def grouped_by(backend: Backend) -> Stages:
    """Let a backend run the network, and group its output as the segmenter does."""
    def run(tensor: Tensor, geometry: ImageGeometry,
            depth: DepthTensors | None = None) -> tuple[NetworkOutput, SeedMasks]:
        output = crop_to_content(backend.run(tensor, depth), geometry)
        return output, group(output, GroupingConfig())
    return run


def compare(reference: Stages, exported: Stages, description: ModelDescription,
            images: Iterable[np.ndarray]) -> Parity:
    """Segment photographs in two ways, on the network's grid."""
    largest, means, pairs, seeds, counts = [], [], [], 0, np.zeros(2, int)
    names, finite = 0, True
    for inputs in chain.from_iterable(inputs_of(image, description) for image in images):
        (said, first), (says, second) = reference(*inputs), exported(*inputs)
        finite &= all(bool(part.isfinite().all()) for part in (
            says.embeddings, says.class_logits, says.name_logits) if part is not None)
        apart = differences(said, says)
        largest.append(max(float(part.max()) for part in apart))
        means.append(np.mean([float(part.mean()) for part in apart]))
        counts += len(first.seeds), len(second.seeds)
        found = matched(first, second)
        pairs += found
        seeds += sum(bool((first.seeds.positions[row] == second.seeds.positions[column]).all())
                     for row, column, _ in found)
        names += sum(bool(first.seeds.class_ids[row] == second.seeds.class_ids[column])
                     for row, column, _ in found)
    found = share(len(pairs), max(counts))
    return Parity(len(largest), max(largest), float(np.mean(means)), share(seeds, counts[0]),
                  found, float(np.mean([iou for _, _, iou in pairs])) if pairs else found,
                  share(names, len(pairs)), int(counts[0]), finite)


def inputs_of(image: np.ndarray, description: ModelDescription) -> Iterator[tuple[Any, ...]]:
    """
    Prepare a photograph for the network.

    :param image: (H,W,3) uint8 RGB.
    :return: image and geometry; for a model that takes depth also the same with made-up depth: a
        slanted plane on which what is bright stands out by up to a twentieth.
    """
    tensor, geometry = preprocess(image, description.input_size, description.size_multiple,
                                  description.mean, description.std)
    yield tensor, geometry
    if description.takes_depth:
        height, width = image.shape[:2]
        slant = np.linspace(0.8, 1.2, height, dtype=np.float32)[:, None]
        metres = (1 - image.mean(axis=2, dtype=np.float32) / 5100) / slant
        yield tensor, geometry, preprocess_depth(
            DepthImage(metres, usual_camera((height, width))), geometry)


def share(part: int, whole: int) -> float:
    """Divide; of nothing the share is 1, as nobody can disagree about it."""
    return float(part / whole) if whole else 1.0


def differences(first: NetworkOutput, second: NetworkOutput) -> tuple[Tensor, ...]:
    """
    Subtract what two networks say.

    :return: absolute differences of embeddings, of the log odds of an object, and of class scores.
        Logits of classes would differ much where their scores are next to nothing.
    """
    return tuple((one - other.to(one.device)).abs() for one, other in (
        (first.embeddings, second.embeddings),
        (object_log_odds(first.class_logits), object_log_odds(second.class_logits)),
        (first.class_logits.softmax(1), second.class_logits.softmax(1))))


def object_log_odds(class_logits: Tensor) -> Tensor:
    """Give ln P(c >= 1) / P(0), (T,h,w), of logits (T,C+1,h,w)."""
    return class_logits[:, 1:].logsumexp(1) - class_logits[:, 0]


def matched(first: SeedMasks, second: SeedMasks) -> list[tuple[int, int, float]]:
    """
    Pair the masks of the same instances.

    :param first: K masks.
    :param second: L masks on the same grid.
    :return: index into either, and the IoU, of each pair above :data:`SAME_MASK_IOU`; as
        duplicates are dropped, each mask is in one pair at most but for overlapping ones.
    """
    if not len(first.seeds) or not len(second.seeds):
        return []
    mine, theirs = (masks.masks.flatten(1).float().numpy() for masks in (first, second))
    shared = mine @ theirs.T
    ious = shared / (mine.sum(1)[:, None] + theirs.sum(1)[None] - shared).clip(1)
    from scipy.optimize import linear_sum_assignment
    rows, columns = linear_sum_assignment(ious, maximize=True)
    return [(int(row), int(column), float(ious[row, column]))
            for row, column in zip(rows, columns) if ious[row, column] > SAME_MASK_IOU]
