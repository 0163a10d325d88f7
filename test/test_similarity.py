# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Similarity: the paper's formula, and its stable logarithms."""

from __future__ import annotations

import math

from metricseg_ros.similarity import (
    log_dissimilarity,
    log_similarity,
    similarity,
    SMALLEST_DISTANCE,
    squared_distances,
    squared_radii,
    squared_radius,
)
import pytest
import torch

HUGE = [0.0, 1e-12, 1e-6, 1e-3, 1.0, 50.0, 1e3, 1e6]


def test_similarity_is_the_formula_of_the_paper():
    distances = torch.tensor([0.0, 0.5, 1.0, 3.0])
    expected = torch.tensor([2 / (1 + math.exp(d)) for d in distances.tolist()])
    torch.testing.assert_close(similarity(distances), expected)


@pytest.mark.parametrize('threshold', [0.25, 0.5, 0.75, 0.9, 1.0])
def test_similarity_at_the_radius_is_the_threshold(threshold):
    radius = torch.tensor(squared_radius(threshold), dtype=torch.float64)
    assert similarity(radius).item() == pytest.approx(threshold, abs=1e-12)


@pytest.mark.parametrize(('threshold', 'radius'), [(0.25, 1.946), (0.5, 1.099), (0.75, 0.511),
                                                   (0.9, 0.201)])
def test_radius_has_the_values_known_of_the_papers_thresholds(threshold, radius):
    assert squared_radius(threshold) == pytest.approx(radius, abs=1e-3)


@pytest.mark.parametrize('threshold', [0.0, -0.1, 1.1, math.nan])
def test_radius_refuses_what_is_no_threshold(threshold):
    with pytest.raises(ValueError, match='similarity_threshold'):
        squared_radius(threshold)


def test_radii_of_many_thresholds_are_those_of_each():
    thresholds = [0.25, 0.5, 0.75, 0.9, 1.0]
    assert squared_radii(torch.tensor(thresholds)).tolist() == pytest.approx(
        [squared_radius(threshold) for threshold in thresholds], abs=1e-6)


def test_logarithms_agree_with_the_plain_formula_where_that_is_exact():
    distances = torch.tensor([0.01, 0.1, 1.0, 5.0, 15.0], dtype=torch.float64)
    sigma = 2 / (1 + distances.exp())
    torch.testing.assert_close(log_similarity(distances), sigma.log())
    torch.testing.assert_close(log_dissimilarity(distances).double(), (1 - sigma).log(),
                               rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('function', [log_similarity, log_dissimilarity])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_logarithms_and_their_gradients_are_finite_everywhere(function, dtype):
    distances = torch.tensor([d for d in HUGE if d < torch.finfo(dtype).max], dtype=dtype,
                             requires_grad=True)
    values = function(distances)
    values.sum().backward()
    assert values.isfinite().all()
    assert distances.grad.isfinite().all()


def test_gradient_of_log_dissimilarity_is_one_over_sinh():
    distances = torch.tensor([SMALLEST_DISTANCE * 2, 0.1, 1.0, 4.0], requires_grad=True)
    log_dissimilarity(distances).sum().backward()
    torch.testing.assert_close(distances.grad, 1 / torch.sinh(distances.detach()), rtol=1e-3,
                               atol=0)


def test_squared_distances_are_those_of_every_pair():
    first, second = torch.randn(2, 5, 8), torch.randn(2, 7, 8)
    expected = (first[:, :, None] - second[:, None]).square().sum(-1)
    torch.testing.assert_close(squared_distances(first, second), expected, rtol=1e-4, atol=1e-4)


def test_squared_distances_are_never_negative():
    points = torch.full((100, 16), 1000.0) + torch.randn(100, 16) * 1e-4
    assert (squared_distances(points, points) >= 0).all()
