# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole method on an image: sizes, repetition, live parameters, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.config import GroupingConfig, SegmenterConfig, SupportConfig, with_values
from metricseg_ros.models import ModelError
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import DepthImage, Instances
import numpy as np
import pytest

EAGER = {'minimum_score': 1e-6, 'minimum_area': 0.0, 'maximum_seeds': 5}
"""Whatever random weights say, there are instances."""


def build(model: Path, **values: Any) -> InstanceSegmenter:
    own = {'model': str(model), 'backend.device_policy': 'cpu', 'backend.threads': 1}
    grouping = {f'grouping.{name}': value for name, value in EAGER.items()}
    return InstanceSegmenter.from_config(
        with_values(SegmenterConfig(), {**own, **grouping, **values}))


@pytest.fixture(scope='module')
def segmenter(small_model: Path) -> InstanceSegmenter:
    """Load the small model once."""
    return build(small_model)


def picture(height: int, width: int) -> np.ndarray:
    """Draw smooth colours that change everywhere."""
    coarse = np.random.default_rng(5).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def assert_equal(first: Instances, second: Instances) -> None:
    for name in ('ids', 'class_ids', 'scores', 'boxes', 'seeds', 'similarity_thresholds'):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for one, other in zip(first.crops, second.crops, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('size', [(1, 1), (1, 500), (720, 1280), (640, 360), (2160, 3840),
                                  (33, 47)])
def test_masks_have_the_size_of_the_image(segmenter: InstanceSegmenter,
                                          size: tuple[int, int]) -> None:
    instances = segmenter.segment(picture(*size))
    assert len(instances) > 0
    assert instances.image_size == size
    assert instances.label_map.shape == instances.mask(0).shape == size
    left, top, right, bottom = instances.boxes.T
    assert (left >= 0).all() and (right <= size[1]).all() and (left < right).all()
    assert (top >= 0).all() and (bottom <= size[0]).all() and (top < bottom).all()
    assert (instances.seeds >= 0).all() and (instances.seeds < size).all()


def test_instances_are_ordered_and_do_not_overlap(segmenter: InstanceSegmenter) -> None:
    instances = segmenter.segment(picture(240, 320))
    assert instances.ids.tolist() == list(range(1, len(instances) + 1))
    assert (np.diff(instances.scores) <= 0).all()
    claims = sum(instances.mask(index).astype(int) for index in range(len(instances)))
    assert claims.max() == 1
    np.testing.assert_array_equal(claims == 1, instances.label_map > 0)


def test_the_same_image_gives_the_same_instances(segmenter: InstanceSegmenter,
                                                 small_model: Path) -> None:
    image = picture(240, 320)
    first = segmenter.segment(image)
    segmenter.segment(picture(64, 64))
    assert_equal(first, segmenter.segment(image))
    assert_equal(first, build(small_model).segment(image))


def test_the_image_is_not_changed(segmenter: InstanceSegmenter) -> None:
    image = picture(64, 96)
    kept = image.copy()
    segmenter.segment(image)
    np.testing.assert_array_equal(image, kept)


def test_a_grouping_put_in_between_two_images_takes_effect(small_model: Path) -> None:
    segmenter, image = build(small_model), picture(96, 128)
    before = segmenter.segment(image)
    segmenter.grouping = GroupingConfig(minimum_score=1.0)
    assert len(segmenter.segment(image)) == 0
    segmenter.grouping = GroupingConfig(**{**EAGER, 'maximum_seeds': 1})
    assert len(segmenter.segment(image)) == 1
    segmenter.grouping = GroupingConfig(**EAGER)
    assert_equal(before, segmenter.segment(image))


def test_every_stage_is_timed(segmenter: InstanceSegmenter) -> None:
    stage_ms = segmenter.segment(picture(64, 96)).stage_ms
    assert list(stage_ms) == ['preprocess', 'network', 'grouping', 'masks']
    assert all(0 < value < 60_000 for value in stage_ms.values())


@pytest.mark.parametrize(('asked', 'box'), [
    ({}, (64, 96)), ({'input.height': 96, 'input.width': 160}, (96, 160)),
    ({'input.width': 128}, (64, 128))])
def test_the_network_sees_the_size_that_is_asked_for(
        small_model: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, int],
        box: tuple[int, int]) -> None:
    segmenter, seen = build(small_model, **asked), []
    run = segmenter.backend.run
    monkeypatch.setattr(segmenter.backend, 'run',
                        lambda tensor, depth: (seen.append(tuple(tensor.shape)), run(tensor))[1])
    segmenter.segment(picture(2 * box[0], 2 * box[1]))
    segmenter.segment(picture(3 * box[1], 3 * box[0]))
    # A portrait is not squeezed into the box: the box is turned.
    assert seen == [(1, 3, *box), (1, 3, box[1], box[0])]


@pytest.mark.parametrize(('image', 'got'), [
    (np.zeros((8, 8, 3), np.float32), 'float32'), (np.zeros((8, 8, 3), np.uint16), 'uint16'),
    (np.zeros((8, 8), np.uint8), r'\(8, 8\)'), (np.zeros((8, 8, 4), np.uint8), r'\(8, 8, 4\)'),
    (np.zeros((0, 8, 3), np.uint8), r'\(0, 8\)')])
def test_what_is_no_image_is_refused(segmenter: InstanceSegmenter, image: np.ndarray,
                                     got: str) -> None:
    with pytest.raises(ValueError, match=f'image.* must be .*got .*{got}'):
        segmenter.segment(image)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='no model at .*nowhere'):
        build(tmp_path / 'nowhere')


@pytest.mark.parametrize('sizes', [[(60, 80), (60, 80)], [(60, 80), (9, 80), (60, 80)], []])
def test_several_images_are_embedded_as_each_alone(
        small_model: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[tuple[int, int]]) -> None:
    segmenter = build(small_model, **{'backend.name': 'torch'})
    alone = [segmenter.embed(picture(*size)) for size in sizes]
    batches = []
    run_batch = segmenter.backend.run_batch
    monkeypatch.setattr(segmenter.backend, 'largest_batch', 4)
    monkeypatch.setattr(segmenter.backend, 'run_batch',
                        lambda *inputs: batches.append(len(inputs[0])) or run_batch(*inputs))
    together = segmenter.embed_all([picture(*size) for size in sizes])
    # One batch where all are of one size, else one after the other.
    assert batches == ([2] if len(sizes) == 2 else [1] * len(sizes))
    for one, other in zip(alone, together, strict=True):
        assert one.image_size == other.image_size
        np.testing.assert_allclose(one.output.embeddings, other.output.embeddings, atol=1e-5)
        np.testing.assert_allclose(one.output.class_logits, other.output.class_logits, atol=1e-5)


@pytest.mark.parametrize('size', [(1, 1), (480, 640), (640, 360), (33, 47)])
def test_looked_at_again_from_near_the_same_objects_are_found(
        segmenter: InstanceSegmenter, small_model: Path, size: tuple[int, int]) -> None:
    image = picture(*size)
    plain = segmenter.segment(image)
    near = build(small_model, **{'grouping.zoom': True}).segment(image)
    assert near.label_map.shape == size
    assert set(map(tuple, near.seeds.tolist())) <= set(map(tuple, plain.seeds.tolist()))
    assert near.stage_ms['masks'] > 0


def test_depth_of_another_size_is_refused(segmenter: InstanceSegmenter) -> None:
    depth = DepthImage(np.ones((32, 48), np.float32), Intrinsics(50, 50, 24, 16))
    with pytest.raises(ValueError, match=r'depth must be \(64, 96\) like its image.*32, 48'):
        segmenter.segment(picture(64, 96), depth)


def test_a_flat_wall_of_masks_is_dropped_with_depth_alone(segmenter: InstanceSegmenter) -> None:
    image, camera = picture(64, 96), Intrinsics(20, 20, 48, 32)  # A wall 5 m wide.
    wall = DepthImage(np.ones((64, 96), np.float32), camera)
    without, dropped = segmenter.segment(image), segmenter.segment(image, wall)
    assert len(without) and len(dropped) < len(without) and dropped.dropped_support
    segmenter.support = SupportConfig(enabled=False)
    try:
        assert_equal(segmenter.segment(image, wall), without)
    finally:
        segmenter.support = SupportConfig()
