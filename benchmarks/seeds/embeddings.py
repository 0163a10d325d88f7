# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings to group: random ones, and those of the model on a photograph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.config import GroupingConfig, SegmenterConfig
from metricseg_ros.grouping import seediness, select_seeds
from metricseg_ros.grouping.seediness import Seediness
from metricseg_ros.inputs import open_input
from metricseg_ros.similarity import squared_radii
from metricseg_ros.structures import NetworkOutput
from metricseg_ros.threads import single_threaded
import torch
from torch.nn.functional import interpolate

RANDOM_DIMENSIONS = 64
RANDOM_THRESHOLDS = (0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class GroupingScene:
    """
    What a network could say of one image.

    :param kind: 'random' or 'real'.
    :param output: embeddings and class scores.
    :param config: how they are grouped.
    """

    kind: str
    output: NetworkOutput
    config: GroupingConfig

    @property
    def grid(self) -> str:
        """Give height and width of the grid, for people."""
        return 'x'.join(map(str, self.output.grid_size))

    @cached_property
    def best(self) -> Seediness:
        """Give the seediness of each pixel, and the threshold its mask would be grown at."""
        return seediness(self.output)

    @single_threaded()
    def pick(self, count: int, early: bool) -> torch.Tensor:
        """
        Pick seeds as the segmenter does.

        :param count: most seeds.
        :param early: whether to end once everything is explained, with the smallest score and
            area of the configuration; else all pixels are candidates.
        :return: (K,2) int64, (row, col).
        """
        embeddings, scores = self.output.embeddings, self.best.scores
        if not early:
            return select_seeds(embeddings, scores, count, self.config.diversity_weight)
        radii = squared_radii(self.best.similarity_thresholds)
        return select_seeds(embeddings, scores, count, self.config.diversity_weight,
                            self.config.resolved().minimum_score, radii,
                            int(self.config.minimum_area * scores.numel()))


def make_scenes(grids: Iterable[tuple[int, int]], config: SegmenterConfig,
                image: Path) -> Iterator[GroupingScene]:
    """
    Make a random and a real scene for each grid.

    :param grids: (height, width) of each.
    :param config: which model gives the real ones.
    """
    real = network_output(config, image)
    for grid in grids:
        yield GroupingScene('random', random_output(grid), config.grouping)
        yield GroupingScene('real', enlarged(real, grid), config.grouping)


def random_output(grid: tuple[int, int]) -> NetworkOutput:
    """
    Draw normally distributed embeddings and class logits, the same ones each time.

    :param grid: (height, width).
    :return: 64 dimensions, 4 thresholds, one class.
    """
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(RANDOM_DIMENSIONS, *grid, generator=generator)
    logits = torch.randn(len(RANDOM_THRESHOLDS), 2, *grid, generator=generator)
    return NetworkOutput(embeddings, logits, RANDOM_THRESHOLDS)


def network_output(config: SegmenterConfig, image: Path) -> NetworkOutput:
    """
    Run the model on a photograph.

    :param config: which model, and where it runs.
    :return: what the network says, on the CPU.
    """
    segmenter = open_segmenter(config)
    frame = next(iter(open_input(image)))
    output = segmenter.embed(frame.image).output
    output = NetworkOutput(output.embeddings.cpu().clone(), output.class_logits.cpu().clone(),
                           output.similarity_thresholds)
    segmenter.close()
    return output


def enlarged(output: NetworkOutput, grid: tuple[int, int]) -> NetworkOutput:
    """
    Interpolate a network's output.

    :param grid: (height, width) wanted.
    :return: the same on that grid.
    """
    def resized(values: torch.Tensor) -> torch.Tensor:
        return interpolate(values, grid, mode='bilinear', align_corners=False)
    return NetworkOutput(resized(output.embeddings[None])[0].contiguous(),
                         resized(output.class_logits), output.similarity_thresholds)
