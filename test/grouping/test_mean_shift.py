# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Mean shift on a line of pixels whose embeddings are their places: counted by hand."""

from __future__ import annotations

from metricseg_ros.grouping.masks import grow_masks
from metricseg_ros.grouping.mean_shift import shift_to_mean
from metricseg_ros.structures import Seeds
import pytest
import torch

SEED = Seeds(torch.tensor([[0, 0]]), torch.tensor([0.9]), torch.tensor([1]), torch.tensor([0.5]))
"""Its mask reaches to sqrt(ln 3) = 1.048 from where it is grown."""


def shifted(places: list[float], steps: int) -> list[bool]:
    embeddings = torch.tensor(places).view(1, 1, -1)
    masks = grow_masks(embeddings, SEED)
    return shift_to_mean(masks, embeddings, steps).masks[0, 0].tolist()


def test_no_step_changes_nothing():
    embeddings = torch.randn(4, 6, 7)
    masks = grow_masks(embeddings, SEED)
    assert shift_to_mean(masks, embeddings, 0).margins is masks.margins


@pytest.mark.parametrize(('steps', 'expected'), [
    (0, [True, True, True, False, False]),
    # The mean of 0, 0.5 and 1 is 0.5, from where 1.5 is in reach.
    (1, [True, True, True, True, False]),
    # That of 0, 0.5, 1 and 1.5 is 0.75, which reaches no further pixel.
    (2, [True, True, True, True, False])])
def test_mask_is_grown_around_the_mean_of_the_mask_before(steps, expected):
    assert shifted([0, 0.5, 1, 1.5, 5], steps) == expected


def test_seed_stays_in_its_mask_though_the_mean_goes_away():
    # Means are 3 / 5, then (3 + 8 * 1.6) / 13 = 1.215, from where 0 is out of reach.
    places = [0, 1, 1, 1, *[1.6] * 8, 0]
    assert shifted(places, 2) == [True] * 12 + [False]
