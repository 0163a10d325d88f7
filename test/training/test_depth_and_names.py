# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training with depth and with names from one trunk, and what is drawn where instances touch."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL, TrainingConfig, with_values
from metricseg_ros.datasets.augmentation import augment, random_window
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import CheckpointError
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.planes import fit_dominant_plane
from metricseg_ros.structures import DepthImage
from metricseg_ros.training.losses import naming_loss, pair_weights
from metricseg_ros.training.objective import draw_pixels
from metricseg_ros.training.sampling import contacts, touching
from metricseg_ros.training.scenes import GREY, open_source, SceneDataset, Source
from metricseg_ros.training.schedule import rate_factor
from metricseg_ros.training.train import train, Trainer
import numpy as np
import pytest
from safetensors.torch import save_file
import torch
from torch.utils.data import default_collate
from training_fixtures import write_scenes

SMALL = with_values(TrainingConfig(), {
    'network.backbone': 'resnet18', 'network.embedding_dim': 4, 'network.decoder_channels': 8,
    'network.depth': True, 'network.name_backbone': 'shared', 'network.class_count': 2,
    'pretrained': 'none', 'height': 32, 'width': 64, 'batch_size': 2, 'steps': 4,
    'checkpoint_steps': 2, 'background_samples': 10, 'contact_samples': 4, 'contact_weight': 2.0})
CAMERA = Intrinsics(80.0, 80.0, 47.5, 31.5)


def on_a_slope(rng: np.random.Generator) -> LabelledImage:
    """Draw two boxes that touch, on a plane of z = 1 / (1 - y / 2)."""
    image, labels = np.full((64, 96, 3), 200, np.uint8), np.zeros((64, 96), np.uint16)
    rows = (np.arange(64) - CAMERA.cy) / CAMERA.fy
    metres = np.repeat((1 / (1 - rows / 2))[:, None], 96, 1).astype(np.float32)
    for label, left in ((1, 20), (2, 45)):
        image[16:48, left:left + 25] = rng.integers(0, 255, 3)
        labels[16:48, left:left + 25] = label
        metres[16:48, left:left + 25] *= 0.9
    return LabelledImage(image, labels, np.array([0, 1, 2], np.uint16),
                         depth=DepthImage(metres, CAMERA))


SOURCES = [Source(on_a_slope, ('box', 'can'))]


def test_resumed_training_with_depth_and_names_equals_the_whole_one(tmp_path: Path) -> None:
    # Of a constant schedule the rate does not depend on how many steps there will be.
    constant = with_values(SMALL, {'schedule': 'constant'})
    one = train(constant, tmp_path / 'one', 0, 'cpu', SOURCES)
    train(with_values(constant, {'steps': 2}), tmp_path / 'two', 0, 'cpu', SOURCES)
    two = train(constant, tmp_path / 'two', 0, 'cpu', SOURCES)
    assert all(torch.equal(two.module.state_dict()[name], tensor)
               for name, tensor in one.module.state_dict().items())


def test_constant_schedule_falls_over_its_last_steps_alone() -> None:
    config = with_values(TrainingConfig(), {'schedule': 'constant', 'steps': 100,
                                            'warmup_steps': 10, 'cooldown_steps': 20})
    factors = [rate_factor(step, config) for step in (0, 9, 50, 80, 90, 99)]
    assert factors == pytest.approx([0.1, 1, 1, 1, 0.5, 0.05])


def test_depth_or_colour_is_left_out_of_the_same_scenes_each_time() -> None:
    scenes = [SceneDataset(SOURCES, SMALL) for _ in range(2)]
    without, grey = 0, 0
    for index in range(120):
        one, other = (dataset[index] for dataset in scenes)
        assert all(torch.equal(*parts) for parts in zip(one, other, strict=True))
        assert one.depth.any() == one.camera.any()
        without += not one.depth.any()
        grey += bool((one.image == GREY).all())
    # 0.3 of 120 and 0.07 of the others; three standard deviations.
    assert abs(without - 36) <= 15 and 1 <= grey <= 14
    colour = SceneDataset(SOURCES, with_values(SMALL, {'network.depth': False}))
    assert not any(colour[index].depth.any() for index in range(10))


def test_focal_length_and_plane_follow_the_window(rng: np.random.Generator) -> None:
    sample = on_a_slope(rng)
    true = fit_dominant_plane(sample.depth.metres, CAMERA)
    for _ in range(10):
        window = random_window(sample, (48, 64), rng, (1.0, 2.0))
        scale = window.depth.camera.fx / CAMERA.fx
        assert 0.66 < scale < 1.34 * 1.02
        found = fit_dominant_plane(window.depth.metres, window.depth.camera)
        assert found.normal @ true.normal > 0.999
        # Close up the tops of the boxes are the largest plane, at 0.9 of the way.
        share = found.offset / true.offset
        assert min(abs(share - 1), abs(share - 0.9)) < 0.01


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_depth_stays_with_the_image_through_every_change(rng: np.random.Generator) -> None:
    labels = np.zeros((64, 96), np.uint16)
    labels[20:40, 20:45] = 1
    metres = np.where(labels == 1, np.float32(0.5), np.float32(1.0))
    sample = LabelledImage(np.zeros((64, 96, 3), np.uint8), labels, np.array([0, 1], np.uint16),
                           depth=DepthImage(metres, CAMERA))
    outside = 0
    for _ in range(20):
        changed = augment(sample, (48, 64), rng, (0.7, 1.3))
        ignored, metres = changed.label_map == IGNORE_LABEL, changed.depth.metres
        assert set(np.unique(metres)) <= {0.0, 0.5, 1.0}  # No surfaces are mixed.
        # On a border, of pixels that become one, the label is the middle's, depth the nearest's.
        assert ((metres == 0.5) == (changed.label_map == 1))[~ignored].mean() > 0.95
        assert (metres[ignored] == 0).sum() >= 0.95 * ignored.sum()
        outside += ignored.any()
    assert outside > 3


def test_contacts_are_pixels_of_instances_beside_another_instance() -> None:
    labels = torch.zeros(1, 5, 12, dtype=torch.int64)
    labels[0, :, 1:5], labels[0, :, 5:9], labels[0, :, 9] = 1, 2, IGNORE_LABEL
    near = contacts(labels)[0]
    assert near[0].tolist() == [False] * 3 + [True] * 4 + [False] * 5
    pairs = touching(labels[0])
    assert pairs.nonzero().tolist() == [[1, 2], [2, 1]]
    assert not touching(torch.zeros(6, 6, dtype=torch.int64)).any()


def test_more_pixels_are_drawn_where_instances_touch_and_none_twice() -> None:
    labels = torch.zeros(40, 40, dtype=torch.int64)
    labels[:, :20], labels[:, 20:30] = 1, 2
    config = with_values(SMALL, {'samples_per_instance': 10, 'contact_samples': 6})
    pixels, own = draw_pixels(labels, True, 3, config)
    assert len(pixels.unique()) == len(pixels) == 2 * 16 + 10
    near = contacts(labels[None]).flatten()[pixels]
    assert near.sum() >= 12 and torch.equal(labels.flatten()[pixels], own)
    again, _ = draw_pixels(labels, True, 3, config)
    assert torch.equal(again, pixels)


def test_pairs_of_instances_that_touch_weigh_more() -> None:
    labels = torch.tensor([1, 1, 2, 3])
    factors = 1 + 2.0 * touching(torch.tensor([[1, 1, 2, 2, 0, 0, 3, 3]] * 8))[labels][:, labels]
    weights = pair_weights(labels, factors=factors)
    assert weights.sum() == pytest.approx(1)
    assert weights[0, 2] == pytest.approx(3 * weights[0, 3].item())


def test_naming_loss_has_the_value_of_the_formula() -> None:
    labels = torch.zeros(2, 4, 4, dtype=torch.int64)
    labels[0, :2, :2], labels[1, :, 2:], labels[1, 0, 0] = 1, 1, IGNORE_LABEL
    classes = torch.zeros_like(labels)
    classes[0, :2, :2] = 2  # Of the other image's instance the class is not known.
    logits, taught = torch.zeros(2, 2, 2, 2), torch.zeros(2, 2, 2, 2)
    logits[0, 1, 0, 0] = math.log(3)  # P = (1/4, 3/4) on all of the first instance.
    expected = -math.log(3 / 4)
    assert naming_loss(logits, labels, classes).item() == pytest.approx(expected)
    # The teacher says (1/2, 1/2) of both; the second is named so.
    divergence = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert naming_loss(logits, labels, classes, taught).item() == pytest.approx(
        expected + divergence / 2)
    nothing = naming_loss(logits.requires_grad_(), torch.zeros_like(labels), classes, taught)
    nothing.backward()
    assert nothing == 0 and not logits.grad.any()


@pytest.mark.parametrize('trunk', ['efficientnet_lite0', 'shared'])
def test_shared_trunk_learns_the_names_that_another_model_tells(tmp_path: Path,
                                                                trunk: str) -> None:
    teacher = MetricSegmentationNetwork(with_values(SMALL.network, {
        'name_backbone': trunk, 'depth': False}))
    save_file(teacher.state_dict(), tmp_path / 'teacher.safetensors')
    config = with_values(SMALL, {'name_teacher': str(tmp_path / 'teacher.safetensors'),
                                 'learning_rate': 0.01, 'name_weight': 1.0, 'steps': 30,
                                 'warmup_steps': 0})
    trainer = Trainer(config)
    assert not any(parameter.requires_grad for parameter in trainer.name_teacher.parameters())
    scenes = SceneDataset([Source(on_a_slope, ('object',))], config)
    batch = default_collate([scenes[0], scenes[1]])
    losses = [trainer.train_step(batch)['naming_loss'] for _ in range(25)]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]
    with pytest.raises(CheckpointError, match='names nothing'):
        save_file({'x': torch.zeros(1)}, tmp_path / 'no.safetensors')
        Trainer(with_values(config, {'name_teacher': str(tmp_path / 'no.safetensors')}))


def test_frozen_stages_stay_as_they_are() -> None:
    trainer = Trainer(with_values(SMALL, {'frozen_stages': 1}))
    before = {name: tensor.clone() for name, tensor in trainer.module.state_dict().items()}
    scenes = SceneDataset(SOURCES, SMALL)
    trainer.train_step(default_collate([scenes[0], scenes[1]]))
    changed = {name for name, tensor in trainer.module.state_dict().items()
               if not torch.equal(tensor, before[name])}
    assert not any(name.startswith(('backbone.conv1', 'backbone.bn1', 'backbone.layer1'))
                   for name in changed)
    assert any(name.startswith('backbone.layer2') for name in changed)


def test_an_entry_of_data_may_leave_names_out_and_have_its_depth_sensed(tmp_path: Path) -> None:
    root = write_scenes(tmp_path / 'scenes', 1)
    (root / 'index.json').write_text('[{"key": "scene0", "names": ["cup", "book"]}]')
    assert open_source(f'folder:{root}', SMALL).classes == ('book', 'cup')
    assert open_source({'source': f'folder:{root}', 'named': False}, SMALL).classes == ('object',)
    (root / 'depth').mkdir()
    cv2.imwrite(str(root / 'depth' / 'scene0.png'), np.full((64, 96), 900, np.uint16))
    exact, seen = (open_source({'source': f'folder:{root}', 'sensed': sensed}, SMALL).draw(
        np.random.default_rng(1)).depth.metres for sensed in (False, True))
    assert np.allclose(exact, 0.9) and (seen != exact).mean() > 0.1
    with pytest.raises(ValueError, match='sensed of .* must be true or false'):
        open_source({'source': f'folder:{root}', 'sensed': 3}, SMALL)
