# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A labelled image whose parts do not fit together cannot be made."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
import numpy as np
import pytest


def make(**changed):
    """Make an image of two instances, with some parts changed."""
    label_map = np.array([[0, 1, 2], [0, IGNORE_LABEL, 2]], np.uint16)
    parts = {'image': np.zeros((2, 3, 3), np.uint8), 'label_map': label_map,
             'class_ids': np.array([0, 5, 0], np.uint16), 'name': 'desk'}
    return LabelledImage(**{**parts, **changed})


def test_labels_count_from_one_and_may_be_ignored():
    assert make().instance_count == 2
    assert make().background_known


def test_an_instance_without_pixels_is_allowed():
    assert make(class_ids=np.zeros(9, np.uint16)).instance_count == 8


@pytest.mark.parametrize(('changed', 'reason'), [
    ({'image': np.zeros((2, 3), np.uint8)}, r'image must be uint8 of shape \(2, 3, 3\)'),
    ({'image': np.zeros((2, 3, 3), np.float32)}, 'got float32'),
    ({'label_map': np.zeros((3, 2), np.uint16)}, r'shape \(2, 3\), got uint16 of shape \(3, 2\)'),
    ({'label_map': np.zeros((2, 3), np.int64)}, 'label_map must be uint16'),
    ({'class_ids': np.zeros(3, np.int64)}, 'class_ids must be uint16'),
    ({'class_ids': np.zeros((3, 1), np.uint16)}, r'class_ids must be uint16 of shape \(3,\)'),
    ({'class_ids': np.zeros(0, np.uint16)}, r'class_ids must be uint16 of shape \(1,\)'),
    ({'class_ids': np.array([1, 1, 1], np.uint16)}, 'begin with the background, 0, got 1'),
    ({'class_ids': np.array([0, 1], np.uint16)}, r'labels up to 1, .* got 2 \(desk\)')])
def test_parts_that_do_not_fit_are_refused_with_the_reason(changed, reason):
    with pytest.raises(ValueError, match=reason):
        make(**changed)
