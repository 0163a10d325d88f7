# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Augmentation moves image and labels together, and keeps track of who is who."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.augmentation import (
    augment,
    random_window,
    warp_and_recolour,
    without_grounds,
)
from metricseg_ros.datasets.labelled_image import LabelledImage
import numpy as np
import pytest
import torch

SIZE = (96, 128)
SCALES = (0.6, 1.4)
BLACK, WHITE = 20, 235


@pytest.fixture
def sample():
    """Make a dark room with one large bright object, label 3 of class 7, and a hidden one."""
    image, label_map = np.full((150, 200, 3), BLACK, np.uint8), np.zeros((150, 200), np.uint16)
    image[40:110, 60:140], label_map[40:110, 60:140] = WHITE, 3
    return LabelledImage(image, label_map, np.array([0, 4, 5, 7], np.uint16), False, 'room')


def labelled(image, label_map):
    """Make a labelled image of one object."""
    return LabelledImage(image, label_map, np.array([0, 1], np.uint16))


def interior(mask):
    """Leave out a mask's outermost pixels, where bilinear and nearest sampling may differ."""
    padded = np.pad(mask, 3, constant_values=False)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (7, 7))
    return windows.all(axis=(2, 3))


def test_labels_stay_on_what_they_name(sample):
    rng = np.random.default_rng(0)
    for _ in range(20):
        changed = augment(sample, SIZE, rng, SCALES)
        brightness = changed.image.astype(float).mean(axis=2)
        inside = interior(changed.label_map == 1)
        outside = interior(changed.label_map == 0)
        assert inside.sum() > 100 and outside.sum() > 100
        middle = (np.median(brightness[inside]) + np.median(brightness[outside])) / 2
        assert (brightness[inside] > middle).mean() > 0.99
        assert (brightness[outside] < middle).mean() > 0.99


def test_the_warp_of_labels_is_that_of_the_image():
    # Where the image is its own label map, both must agree after any warp.
    label_map = np.zeros(SIZE, np.uint16)
    label_map[20:70, 30:100] = 1
    image = np.repeat(label_map[..., None].astype(np.uint8) * 255, 3, axis=2)
    turned = 0
    for seed in range(20):
        torch.manual_seed(seed)
        changed = warp_and_recolour(labelled(image, label_map))
        labels = changed.label_map
        bright = changed.image.astype(float).mean(axis=2)
        known = labels != IGNORE_LABEL
        mask = bright > (bright[interior(labels == 1)].mean() + bright[interior(labels == 0)]
                         .mean()) / 2
        wrong = (mask != (labels == 1)) & known
        assert wrong.sum() < 0.015 * wrong.size
        turned += int((~known).any())
    assert 2 <= turned <= 12  # The warp looks outside where the image is turned: in 3 of 10.


def test_the_same_generator_gives_the_same_result(sample):
    first, again, other = (augment(sample, SIZE, np.random.default_rng(seed), SCALES)
                           for seed in (5, 5, 6))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.label_map, again.label_map)
    assert not np.array_equal(first.image, other.image)


def test_randomness_of_torch_outside_is_left_alone(sample):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    augment(sample, SIZE, np.random.default_rng(0), SCALES)
    assert torch.equal(torch.rand(3), expected)


def test_class_ids_follow_their_instances_and_labels_have_no_gaps(rng):
    label_map = np.repeat(np.arange(1, 11, dtype=np.uint16), 20)[None].repeat(60, axis=0)
    image = np.repeat((label_map * 20).astype(np.uint8)[..., None], 3, axis=2)
    class_ids = np.arange(0, 110, 10).astype(np.uint16)
    for _ in range(10):
        changed = augment(LabelledImage(image, label_map, class_ids), SIZE, rng, SCALES)
        labels = np.setdiff1d(changed.label_map, [0, IGNORE_LABEL])
        assert labels.tolist() == list(range(1, changed.instance_count + 1))
        assert set(changed.class_ids[1:].tolist()) <= set(class_ids[1:].tolist())
        # Stripes stay in order, so their classes come as 10 n, 10 (n + 1), ...
        assert set(np.diff(changed.class_ids[1:].astype(int))) <= {10}


def test_what_is_known_of_a_sample_is_kept(sample, rng):
    changed = augment(sample, SIZE, rng, SCALES)
    assert (changed.background_known, changed.name) == (False, 'room')
    assert changed.class_ids.tolist() == [0, 7]
    assert changed.image.shape == (*SIZE, 3)


@pytest.mark.parametrize('size', [(1, 1), (480, 30), (30, 480), (150, 200)])
def test_any_size_of_image_fills_the_window(size, rng):
    image, label_map = np.full((*size, 3), 90, np.uint8), np.ones(size, np.uint16)
    for _ in range(10):
        changed = random_window(labelled(image, label_map), SIZE, rng, SCALES)
        window, labels = changed.image, changed.label_map
        assert window.shape == (*SIZE, 3) and labels.shape == SIZE
        assert (window == 90).all()
        assert set(np.unique(labels)) <= {1, IGNORE_LABEL} and (labels == 1).any()


def test_windows_are_of_many_scales_and_places(rng):
    label_map = np.zeros((96, 128), np.uint16)
    label_map[40:56, 56:72] = 1
    image = np.zeros((96, 128, 3), np.uint8)
    sample = labelled(image, label_map)
    areas = [(random_window(sample, SIZE, rng, SCALES).label_map == 1).sum() / 256
             for _ in range(60)]
    assert 0.3 < min(areas) < 0.5 and 1.6 < max(areas) < 2.1


def test_what_fills_the_view_is_ground_and_what_nearly_does_is_ignored():
    labels = np.zeros((8, 10), np.uint16)
    labels[:, :] = 1  # all four sides
    labels[2:4, 2:4] = 2  # inside
    assert np.array_equal(without_grounds(labels), np.where(labels == 2, 2, 0))
    labels[0] = 3  # the ground is left with three sides, label 3 with three
    assert np.unique(without_grounds(labels)).tolist() == [2, IGNORE_LABEL]
    labels[:, 5:] = 0
    assert set(np.unique(without_grounds(labels))) == {0, 1, 2, 3}


def test_scales_are_within_their_range(rng):
    image = np.zeros((40, 40, 3), np.uint8)
    labels = np.zeros((40, 40), np.uint16)
    labels[10:30, 10:30] = 1
    windows = [random_window(labelled(image, labels), (160, 160), rng, (0.3, 0.6))
               for _ in range(20)]
    sides = [np.sqrt((window.label_map == 1).sum()) for window in windows]
    assert min(sides) > 0.28 * 80 and max(sides) < 0.62 * 80
