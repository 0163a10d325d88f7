# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of groupings is with the right thing."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.clusterings import time_clusterings
from benchmarks.command import main
from benchmarks.plain_seeds import plain_seeds
from metricseg_ros.cli.exit_codes import BAD_USAGE
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


def test_grouping_is_compared_with_the_formula(report_of: Callable) -> None:
    report = report_of('grouping', '--grid', '48x64', '--seeds', '20', '--runs', '2',
                       '--clustering-limit', '0')
    assert [(row['kind'], row['ends']) for row in report['rows']] == [
        ('random', 'at 20'), ('real', 'at 20'), ('real', 'once explained')]
    for row in report['rows']:
        assert row['grid'] == '48x64' and row['seeds_identical']
        assert row['plain_ms'] > 0 and row['ours_ms'] > 0 and row['speedup'] > 0
    assert report['rows'][0]['seeds'] == 20 and report['rows'][0]['dimensions'] == 64
    assert {'cpu', 'cores', 'torch_threads', 'versions'} <= set(report['machine'])


def test_clustering_ends_at_its_limit(rng: np.random.Generator) -> None:
    points = np.concatenate([rng.normal(center, 0.01, (50, 4)) for center in (0, 5, 9)])
    points = points.astype(np.float32)
    rows = {row['method']: row for row in time_clusterings(points, 3, 1.0, 250,
                                                           skip=['DBSCAN', 'MeanShift'])}
    assert rows['KMeans']['clusters'] == 3 and rows['KMeans']['ms'] > 0
    assert 'not run' in rows['DBSCAN']['stopped']
    late = next(time_clusterings(points, 3, 1.0, 0.01))
    assert late['stopped'] == 'after 0.01 s'


@pytest.mark.parametrize('words', [['--runs', '0'], ['--grid', '240']])
def test_nonsense_is_refused(words: list[str]) -> None:
    assert main('grouping', words) == BAD_USAGE
