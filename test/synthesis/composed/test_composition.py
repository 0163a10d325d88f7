# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Composed scenes carry labels that agree with what is seen."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.synthesis.composed.composition import (
    compose,
    MIN_VISIBLE,
    paste,
    relabelled,
    visible,
)
from metricseg_ros.synthesis.composed.cutouts import Cutout
import numpy as np
import pytest

SIZE = (120, 160)
NAMES = ('red apple', 'green bottle', 'blue thing')  # fruit, bottle, object
BACKGROUNDS = [np.full((200, 200, 3), 120, np.uint8)]


def disc(colour: tuple[int, int, int], side: int = 64) -> Cutout:
    rows, cols = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = np.where(np.hypot(rows, cols) < side / 2 - 1, 255, 0)
    rgba = np.dstack([np.full((side, side, 3), colour), alpha]).astype(np.uint8)
    return Cutout(rgba, 'drawn', 'none', NAMES[int(np.argmax(colour))])


CUTOUTS = [disc((255, 0, 0)), disc((0, 255, 0)), disc((0, 0, 255))]


def scenes(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    made = [compose(BACKGROUNDS, CUTOUTS, SIZE, np.random.default_rng(i)) for i in range(count)]
    return [(scene.image, scene.label_map) for scene in made]


def test_labels_are_contiguous_and_visible() -> None:
    found = [np.unique(labels[labels != IGNORE_LABEL], return_counts=True)
             for _, labels in scenes(60)]
    for values, areas in found:
        assert values.tolist() == list(range(len(values))) or values[0] > 0
        assert (areas[values > 0] >= MIN_VISIBLE * SIZE[0] * SIZE[1]).all()
    assert max(len(values) for values, _ in found) > 5


def test_image_and_labels_have_the_size_and_type_asked_for() -> None:
    for image, labels in scenes(5):
        assert image.shape == (*SIZE, 3) and image.dtype == np.uint8
        assert labels.shape == SIZE and labels.dtype == np.uint16


def test_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    first, again, other = (compose(BACKGROUNDS, CUTOUTS, SIZE, np.random.default_rng(seed))
                           for seed in (4, 4, 5))
    assert np.array_equal(first.image, again.image) and first.names == again.names
    assert np.array_equal(first.label_map, again.label_map)
    assert not np.array_equal(first.image, other.image)


def test_each_instance_has_the_class_of_what_was_pasted() -> None:
    seen = set()
    for seed in range(20):
        scene = compose(BACKGROUNDS, CUTOUTS, SIZE, np.random.default_rng(seed))
        labels = scene.label_map[scene.label_map != IGNORE_LABEL]
        assert len(scene.names) == labels.max(initial=0)
        for label, name in enumerate(scene.names, 1):
            colour = scene.image[scene.label_map == label].mean(0)
            assert name == ('fruit', 'bottle', 'object')[int(colour.argmax())]
        seen.update(scene.names)
    assert seen == {'fruit', 'bottle', 'object'}


def test_instances_are_vivid_and_background_is_grey() -> None:
    for image, labels in scenes(20):
        vividness = np.ptp(image.astype(int), axis=2)
        inside = vividness[(labels > 0) & (labels != IGNORE_LABEL)]
        assert (inside > 40).sum() >= 0.95 * inside.size
        # Only the antialiased rim of a thing may colour what counts as background.
        assert (vividness[labels == 0] > 128).mean() < 0.01


def test_scenes_overlap_and_some_are_empty() -> None:
    counts = [int(((labels > 0) & (labels != IGNORE_LABEL)).sum()) for _, labels in scenes(200)]
    assert 0 < counts.count(0) < 20


def test_only_the_shadow_touches_the_background_beyond_the_thing() -> None:
    image, labels = np.full((*SIZE, 3), 120.0, np.float32), np.zeros(SIZE, np.uint16)
    rgba = CUTOUTS[0].rgba.astype(np.float32)
    paste(image, labels, rgba, (60, 80), 1, 0.0, np.random.default_rng(0))
    background = image[labels == 0]
    rows, cols = np.mgrid[:SIZE[0], :SIZE[1]]
    far = np.hypot(rows - 60, cols - 80) > 64
    assert (image[far] == 120).all()
    assert (background <= 120).all() and (background < 119).any()


def test_later_thing_covers_the_earlier() -> None:
    image, labels = np.full((*SIZE, 3), 120.0, np.float32), np.zeros(SIZE, np.uint16)
    for label, cutout in enumerate(CUTOUTS[:2], 1):
        paste(image, labels, cutout.rgba.astype(np.float32), (60, 70 + 20 * label), label, 0.0,
              np.random.default_rng(0))
    assert labels[60, 100] == 2 and labels[60, 62] == 1
    assert image[60, 100].argmax() == 1 and image[60, 62].argmax() == 0


def test_thing_outside_the_image_leaves_no_label() -> None:
    image, labels = np.full((*SIZE, 3), 120.0, np.float32), np.zeros(SIZE, np.uint16)
    paste(image, labels, CUTOUTS[0].rgba.astype(np.float32), (-500, 80), 1, 0.0,
          np.random.default_rng(0))
    assert not labels.any() and (image == 120).all()


def test_hardly_visible_instance_is_ignored_and_the_rest_renumbered() -> None:
    labels = np.zeros((240, 320), np.uint16)
    labels[0, :59], labels[10, :60], labels[20:40, :50] = 1, 2, 4
    new = relabelled(labels, visible(labels, 4))
    assert [new[0, 0], new[10, 0], new[20, 0]] == [IGNORE_LABEL, 1, 2]


def test_nothing_to_compose_is_refused() -> None:
    with pytest.raises(ValueError, match='cutouts must hold at least one'):
        compose(BACKGROUNDS, [], SIZE, np.random.default_rng(0))
    with pytest.raises(ValueError, match='backgrounds must hold at least one'):
        compose([], CUTOUTS, SIZE, np.random.default_rng(0))
