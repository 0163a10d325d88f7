# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The configuration: defaults within their own ranges, and errors that name the parameter."""

from __future__ import annotations

import math

from metricseg_ros.config import (
    check_value,
    dotted_fields,
    from_dict,
    NetworkConfig,
    NodeConfig,
    parse_value,
    SegmenterConfig,
    TrainingConfig,
    with_values,
)
import pytest


@pytest.mark.parametrize('config', [NodeConfig(), SegmenterConfig(), TrainingConfig()])
def test_every_default_is_within_its_own_range(config):
    for name, value, info in dotted_fields(config):
        assert check_value(name, value, type(value), info) == value
        assert info.description.endswith('.')


def test_nested_and_dotted_values_mean_the_same():
    nested = from_dict(SegmenterConfig, {'grouping': {'minimum_score': 0.25}})
    dotted = from_dict(SegmenterConfig, {'grouping.minimum_score': 0.25})
    assert nested == dotted
    assert nested.grouping.minimum_score == 0.25


def test_with_values_leaves_the_original_unchanged():
    config = SegmenterConfig()
    with_values(config, {'grouping.maximum_seeds': 7})
    assert config == SegmenterConfig()


def test_unknown_key_is_named_with_the_nearest_known_one():
    with pytest.raises(ValueError, match="'grouping.minimum_scor'.*'grouping.minimum_score'"):
        from_dict(SegmenterConfig, {'grouping': {'minimum_scor': 0.5}})


@pytest.mark.parametrize('value', [-0.01, 1.01, math.nan, math.inf])
def test_value_out_of_range_is_refused_with_range_and_value(value):
    with pytest.raises(ValueError, match=r'grouping.minimum_score must be in \[0, 1\], got'):
        with_values(SegmenterConfig(), {'grouping.minimum_score': value})


@pytest.mark.parametrize(('name', 'value'), [
    ('grouping.maximum_seeds', 1.5), ('grouping.connected', 1), ('model', 3),
    ('grouping.minimum_score', '0.5'), ('grouping.maximum_seeds', True)])
def test_value_of_another_type_is_refused(name, value):
    with pytest.raises(TypeError, match=name):
        with_values(SegmenterConfig(), {name: value})


def test_value_outside_the_choices_is_refused_with_the_choices():
    with pytest.raises(ValueError, match='prefer_gpu.*got .tpu'):
        with_values(SegmenterConfig(), {'backend.device_policy': 'tpu'})


def test_whole_number_is_taken_where_a_float_is_meant():
    assert with_values(SegmenterConfig(), {'grouping.minimum_score': 1}).grouping == (
        with_values(SegmenterConfig(), {'grouping.minimum_score': 1.0}).grouping)


def test_list_from_json_becomes_a_tuple():
    config = from_dict(NetworkConfig, {'similarity_thresholds': [0.5, 0.9]})
    assert config.similarity_thresholds == (0.5, 0.9)


@pytest.mark.parametrize(('text', 'kind', 'value'), [
    ('true', bool, True), ('False', bool, False), ('3', int, 3), ('0.5', float, 0.5),
    ('name', str, 'name'), ('0.25,0.5', tuple, (0.25, 0.5)),
    ('folder:a,coco:b:c', tuple, ('folder:a', 'coco:b:c'))])
def test_text_is_read_as_the_parameters_type(text, kind, value):
    assert parse_value('x', text, kind) == value


@pytest.mark.parametrize(('text', 'kind'), [('yes', bool), ('3.5', int), ('x', float)])
def test_text_of_another_type_is_refused_by_name(text, kind):
    with pytest.raises(ValueError, match='grouping.x'):
        parse_value('grouping.x', text, kind)
