# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Boundary measures: against a plain evaluation pixel by pixel, and by hand."""

from __future__ import annotations

import math

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.evaluation.boundary import boundary, boundary_pixels, disk
from metricseg_ros.evaluation.overlap import overlap
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment


def edge(mask):
    """Mark boundary pixels one by one."""
    height, width = mask.shape
    marked = np.zeros(mask.shape, bool)
    for y in range(height):
        for x in range(width):
            below, right = min(y + 1, height - 1), min(x + 1, width - 1)
            marked[y, x] = mask[y, x] != mask[below, x] or mask[y, x] != mask[y, right] or \
                mask[y, x] != mask[below, right]
    return marked


def plain(predicted, true):
    """Evaluate overlap and boundary pair by pair, by exact distances in place of dilation."""
    radius = math.ceil(0.003 * math.hypot(*true.shape))
    masks = [[image == label for label in np.unique(image) if label] for image in
             (true, predicted)]
    f = np.array([[2 * (t & p).sum() / (t.sum() + p.sum()) for p in masks[1]] for t in masks[0]])
    pairs = list(zip(*linear_sum_assignment(-f)))
    area = sum((masks[0][t] & masks[1][p]).sum() for t, p in pairs)
    edges = [[edge(mask) for mask in side] for side in masks]
    near = [[distance_transform_edt(~one) <= radius for one in side] for side in edges]
    found = sum((edges[1][p] & near[0][t]).sum() for t, p in pairs)
    recalled = sum((edges[0][t] & near[1][p]).sum() for t, p in pairs)
    ratios = (area / (predicted > 0).sum(), area / (true > 0).sum(),
              found / sum(e.sum() for e in edges[1]), recalled / sum(e.sum() for e in edges[0]))
    return [*ratios, *(2 * a * b / (a + b) for a, b in (ratios[:2], ratios[2:])),
            sum(f[pair] > 0.75 for pair in pairs) / len(masks[0])]


@pytest.mark.parametrize('seed', range(5))
def test_figures_are_those_of_a_plain_evaluation(seed):
    rng = np.random.default_rng(seed)
    true, predicted = np.zeros((2, 60, 80), np.uint16)
    for label in range(1, 6):
        top, left = rng.integers(0, 40, 2)
        height, width = rng.integers(8, 25, 2)
        true[top:top + height, left:left + width] = label
        top, left = np.maximum(0, (top, left) + rng.integers(-3, 4, 2))
        predicted[top:top + height, left:left + width] = 10 * (6 - label)
    measured, edges = overlap(predicted, true), boundary(predicted, true)
    expected = plain(predicted, true)
    assert 0 < expected[5] < 1
    assert [measured.precision, measured.recall, edges.precision, edges.recall, measured.f,
            edges.f, measured.found] == pytest.approx(expected)


def test_equal_maps_are_perfect():
    label_map = np.zeros((20, 30), np.uint16)
    label_map[4:9, 5:15], label_map[9:15, 5:15] = 3, 8
    result = boundary(label_map, label_map)
    assert (result.precision, result.recall, result.f) == (1, 1, 1)


def test_the_boundary_of_a_rectangle_is_counted_by_hand():
    mask = np.zeros((20, 30), bool)
    mask[4:9, 5:15] = True
    # Columns 4 and 14 by rows 3..8, and rows 3 and 8 by columns 4..14, the corners once.
    assert boundary_pixels(mask).sum() == 2 * 6 + 2 * 11 - 4


def test_the_frame_of_the_image_is_no_boundary():
    assert not boundary_pixels(np.ones((5, 7), bool)).any()


@pytest.mark.parametrize(('shift', 'expected'), [(1, 1.0), (3, 0.0)])
def test_lines_count_as_near_within_the_tolerance(shift, expected):
    # Two halves of an image whose diagonal times 0.003 rounds up to 1.
    true, predicted = np.zeros((2, 60, 80), np.uint16)
    true[:, :40], predicted[:, :40 + shift] = 1, 1
    assert boundary(predicted, true).f == expected


def test_the_disk_holds_what_is_within_its_radius():
    assert disk(1).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert disk(2).sum() == 13 and disk(3).sum() == 29


def test_boundaries_on_ignored_pixels_count_for_nothing():
    true, predicted = np.zeros((2, 60, 80), np.uint16)
    true[10:50, 10:40], predicted[10:50, 10:60] = 1, 1
    true[:, 38:] = IGNORE_LABEL
    assert boundary(predicted, true).f == 1


@pytest.mark.parametrize(('predicted', 'true', 'expected'), [
    (0, 0, (1, 1, 1)), (0, 1, (1, 0, 0)), (1, 0, (0, 1, 0))])
def test_empty_sides_follow_the_convention(predicted, true, expected):
    maps = [np.full((9, 9), label, np.uint16) for label in (predicted, true)]
    result = boundary(*maps)
    assert (result.precision, result.recall, result.f) == expected
