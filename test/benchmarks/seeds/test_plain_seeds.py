# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What grouping is compared with is the paper's choice of seeds."""

from __future__ import annotations

from benchmarks.seeds.plain_seeds import plain_seeds
import numpy as np
import pytest
import torch

THREE_BLOBS = torch.tensor([[0.0, 0.0, 0.1, 4.0, 4.1, 9.0]]).reshape(1, 2, 3)
"""One-dimensional embeddings of a 2x3 image."""


@pytest.mark.parametrize('expanded', [True, False])
def test_plain_seeds_are_good_and_far_apart(expanded: bool) -> None:
    scores = torch.tensor([[0.9, 0.5, 0.5], [0.8, 0.5, 0.5]])
    # With a large weight distance decides: 9 is farthest from 0, then 4 from both (to 4.1, which
    # is farther from 0 but as near to 9, the score gives the lead).
    seeds = plain_seeds(THREE_BLOBS, scores, 3, 2.0, expanded)
    assert seeds.tolist() == [[0, 0], [1, 2], [1, 0]]


@pytest.mark.parametrize('expanded', [True, False])
def test_plain_seeds_end_with_the_candidates(expanded: bool) -> None:
    scores = torch.tensor([[0.9, 0.1, 0.1], [0.8, 0.1, 0.0]])
    seeds = plain_seeds(THREE_BLOBS, scores, 10, 0.3, expanded, minimum_score=0.5)
    assert seeds.tolist() == [[0, 0], [1, 0]]


def test_both_plain_forms_pick_the_same_seeds(rng: np.random.Generator) -> None:
    embeddings = torch.from_numpy(rng.normal(size=(8, 20, 30)))
    scores = torch.from_numpy(rng.uniform(size=(20, 30)))
    assert torch.equal(plain_seeds(embeddings, scores, 50, 0.3, True),
                       plain_seeds(embeddings, scores, 50, 0.3, False))
