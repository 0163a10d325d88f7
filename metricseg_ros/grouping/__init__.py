# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From the network's output to masks on its grid: seeds, their masks, and what becomes of them."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping.masks import (
    drop_duplicates,
    drop_small,
    drop_unlikely,
    grow_masks,
    keep_connected,
    mean_embeddings,
    name_masks,
    SeedMasks,
    vote_classes,
)
from metricseg_ros.grouping.mean_shift import shift_to_mean
from metricseg_ros.grouping.seediness import at_threshold, Seediness, seediness
from metricseg_ros.grouping.seeds import select_seeds
from metricseg_ros.similarity import squared_radii
from metricseg_ros.structures import NetworkOutput, Seeds
from metricseg_ros.threads import single_threaded

__all__ = ['at_threshold', 'group', 'mean_embeddings', 'Seediness', 'seediness', 'SeedMasks',
           'select_seeds']


@single_threaded()
def group(output: NetworkOutput, config: GroupingConfig) -> SeedMasks:
    """
    Group pixels around seeds (arXiv 1703.10277, section 3.3).

    :return: the seeds that were kept, by decreasing score, with their masks. They are on the CPU,
        which is better at what is left to do; embeddings stay where they are.
    """
    minimum_area = config.minimum_area * output.embeddings[0].numel()
    best = seediness(at_threshold(output, config.similarity_threshold))
    masks = grow_masks(output.embeddings, find_seeds(output, best, config, minimum_area))
    masks = shift_to_mean(masks, output.embeddings, config.mean_shift_steps)
    masks = vote_classes(masks, output).cpu()
    if config.connected:
        masks = keep_connected(masks)
    masks = drop_small(masks, minimum_area)
    masks = drop_unlikely(masks, best.scores.cpu(), config.minimum_mean_score)
    return name_masks(drop_duplicates(masks, config.suppression_iou), output)


def find_seeds(output: NetworkOutput, best: Seediness, config: GroupingConfig,
               unexplained_rest: float) -> Seeds:
    """
    Pick the seeds of one image.

    :param unexplained_rest: pixels that may stay outside all masks when picking ends.
    :return: the seeds, in the order picked.
    """
    radii = squared_radii(best.similarity_thresholds)
    positions = select_seeds(output.embeddings, best.scores, config.maximum_seeds,
                             config.diversity_weight, config.resolved().minimum_score, radii,
                             int(unexplained_rest))
    rows, columns = positions.unbind(1)
    return Seeds(positions, best.scores[rows, columns], best.class_ids[rows, columns],
                 best.similarity_thresholds[rows, columns])
