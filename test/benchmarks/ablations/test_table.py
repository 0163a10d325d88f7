# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Variants are compared image by image, over the sets in which the figure means something."""

from __future__ import annotations

from benchmarks.ablations.table import difference, markdown_table
import numpy as np
import pytest


def report_of(values, recall_only=False):
    """Make what is read of a data set's report."""
    return {'recall_only': recall_only,
            'figures': {'overlap_f': float(np.mean(values)), 'boundary_f': 0.5, 'found': 0.5,
                        'apr_50': None, 'coco_ap': 0.25},
            'stage_ms': {'grouping': {'p50': 3.0}},
            'images': {f'{index}': {'overlap_f': value} for index, value in enumerate(values)}}


def test_the_same_gain_on_every_image_has_no_spread(rng):
    values = rng.random(20)
    first, other = {'desk': report_of(values)}, {'desk': report_of(values + 0.1)}
    found = difference(first, other, rng_seed=0)
    assert found['mean'] == pytest.approx(0.1)
    assert found['interval'] == pytest.approx((0.1, 0.1))


def test_sets_weigh_the_same_however_many_images_they_have(rng):
    many, few = rng.random(30), rng.random(2)
    found = difference({'a': report_of(many), 'b': report_of(few)},
                       {'a': report_of(many + 0.4), 'b': report_of(few)}, rng_seed=0)
    assert found['mean'] == pytest.approx(0.2)


def test_interval_is_that_of_a_mean_over_images(rng):
    noise = rng.normal(size=400)
    found = difference({'a': report_of(np.zeros(400))}, {'a': report_of(noise)}, rng_seed=0)
    low, high = found['interval']
    # Normal: 1.96 standard errors to each side.
    assert high - low == pytest.approx(2 * 1.96 * noise.std() / 20, rel=0.1)
    assert low < found['mean'] < high


def test_a_set_where_only_recall_can_be_read_takes_no_part(rng):
    values = rng.random(5)
    first = {'a': report_of(values, recall_only=True)}
    assert difference(first, first, rng_seed=0) == {'mean': None, 'interval': None}
    both = {**first, 'b': report_of(values)}
    raised = {'a': report_of(values + 1, recall_only=True), 'b': report_of(values + 0.1)}
    assert difference(both, raised, rng_seed=0)['mean'] == pytest.approx(0.1)


def test_the_table_has_a_row_for_each_variant(rng):
    reports = {'a': report_of([0.25, 0.75])}
    same = {'mean': 0.0, 'interval': (-0.01, 0.02)}
    table = markdown_table({'first': {'datasets': reports, 'difference': same},
                            'second': {'datasets': reports, 'difference': same}}, 'm')
    assert table.splitlines()[-1] == (
        '| second | 0.500 | 0.500 | 0.500 | - | 0.250 | +0.000 [-0.010, +0.020] | 3.0 |')
    assert table.splitlines()[-2].startswith('| first |')
