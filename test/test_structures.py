# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Structures: what does not fit together is refused, naming shapes."""

from __future__ import annotations

from metricseg_ros.structures import Instances, NetworkOutput, Seeds
import numpy as np
import pytest
import torch


def two_instances(**changes):
    """Two overlapping instances in a 4x6 image; any field can be replaced."""
    fields = {
        'image_size': (4, 6), 'ids': np.array([1, 2], np.uint16),
        'class_ids': np.array([1, 1], np.uint16), 'scores': np.array([0.9, 0.6], np.float32),
        'boxes': np.array([[0, 0, 3, 2], [2, 1, 5, 4]], np.int32),
        'crops': (np.ones((2, 3), bool), np.ones((3, 3), bool)),
        'seeds': np.array([[0, 1], [2, 3]], np.int32),
        'similarity_thresholds': np.array([0.5, 0.9], np.float32)}
    return Instances(**{**fields, **changes})


def test_label_map_gives_a_shared_pixel_to_the_higher_score():
    label_map = two_instances().label_map
    assert label_map.dtype == np.uint16
    assert label_map[1, 2] == 1
    assert (label_map == 1).sum() == 6
    assert (label_map == 2).sum() == 9 - 1
    assert (label_map == 0).sum() == 24 - 14


def test_label_map_gives_a_shared_pixel_to_the_first_of_equal_scores():
    instances = two_instances(scores=np.array([0.7, 0.7], np.float32))
    assert instances.label_map[1, 2] == 1


def test_mask_is_the_crop_at_its_box():
    instances = two_instances()
    assert instances.mask(1).sum() == instances.areas[1] == 9
    assert instances.mask(1)[1:4, 2:5].all()


@pytest.mark.parametrize('index', [slice(1, None), [1], np.array([False, True])])
def test_selected_instances_keep_all_that_is_theirs(index):
    both = two_instances(embeddings=np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
    second = both[index]
    assert (len(second), second.ids.tolist(), second.embeddings.tolist()) == (1, [2], [[3.0, 4.0]])
    np.testing.assert_array_equal(second.mask(0), both.mask(1))
    assert second.colours is None and second.image_size == both.image_size


def test_crop_that_does_not_fill_its_box_is_refused():
    with pytest.raises(ValueError, match=r'\(2, 2\)'):
        two_instances(crops=(np.ones((2, 2), bool), np.ones((3, 3), bool)))


def test_fields_of_different_length_are_refused():
    with pytest.raises(ValueError, match='scores'):
        two_instances(scores=np.array([0.9], np.float32))


@pytest.mark.parametrize(('embeddings', 'logits', 'thresholds'), [
    ((8, 4), (1, 2, 4, 6), 1), ((8, 4, 6), (2, 4, 6), 1), ((8, 4, 6), (1, 1, 4, 6), 1),
    ((8, 4, 6), (1, 2, 4, 5), 1), ((8, 4, 6), (1, 2, 4, 6), 2)])
def test_network_output_of_other_shapes_is_refused(embeddings, logits, thresholds):
    with pytest.raises(ValueError, match='got'):
        NetworkOutput(torch.zeros(embeddings), torch.zeros(logits), (0.5,) * thresholds)


def test_seeds_of_different_length_are_refused():
    with pytest.raises(ValueError, match='scores'):
        Seeds(torch.zeros(2, 2, dtype=torch.int64), torch.zeros(3), torch.ones(2), torch.ones(2))
