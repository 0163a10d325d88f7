# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training: it learns, and resumes where it was."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL, TrainingConfig, with_values
from metricseg_ros.training.augmentation import augment
from metricseg_ros.training.train import SceneStream, train, Trainer
import numpy as np
import pytest
import torch

SMALL = with_values(TrainingConfig(), {
    'network.backbone': 'resnet18', 'network.embedding_dim': 8, 'network.decoder_channels': 16,
    'height': 32, 'width': 64, 'batch_size': 2, 'steps': 4, 'checkpoint_steps': 2,
    'background_samples': 10})


def two_squares(rng):
    """Draw two squares of random colour on grey."""
    image = np.full((64, 96, 3), 128, np.uint8)
    label_map = np.zeros((64, 96), np.uint16)
    for label, left in ((1, 8), (2, 56)):
        image[16:48, left:left + 30] = rng.integers(0, 255, 3)
        label_map[16:48, left:left + 30] = label
    return image, label_map


def batch_of(config):
    """Give one batch of squares."""
    rng = np.random.default_rng(3)
    scenes = [augment(*two_squares(rng), (config.height, config.width), rng)
              for _ in range(config.batch_size)]
    images, label_maps = zip(*scenes)
    return (torch.from_numpy(np.stack(images)),
            torch.from_numpy(np.stack(label_maps).astype(np.int64)))


def test_loss_falls_on_a_batch_seen_again_and_again():
    config = with_values(SMALL, {'steps': 40, 'learning_rate': 0.003})
    trainer, batch = Trainer(config), batch_of(config)
    losses = [trainer.train_step(*batch)['embedding_loss'] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])


def test_training_leaves_a_checkpoint_it_resumes_from(tmp_path):
    first = train(with_values(SMALL, {'steps': 2}), [two_squares], tmp_path, workers=0)
    assert first.step == 2
    resumed = Trainer(SMALL)
    resumed.resume(tmp_path / 'checkpoint.pt')
    assert resumed.step == 2
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor)
    second = train(SMALL, [two_squares], tmp_path, workers=0)
    assert second.step == 4
    assert len((tmp_path / 'log.jsonl').read_text().splitlines()) == 4


def test_lambda_rises_from_zero_to_its_weight():
    trainer = Trainer(with_values(SMALL, {'steps': 100, 'classification_ramp': 0.5}))
    weights = []
    for trainer.step in (0, 25, 50, 99):
        weights.append(trainer.classification_weight())
    assert weights == pytest.approx([0, 0.1, 0.2, 0.2])


def test_average_follows_the_weights():
    trainer = Trainer(SMALL)
    before = {name: tensor.clone() for name, tensor in trainer.average.state.items()}
    trainer.train_step(*batch_of(SMALL))
    name = 'embedding_head.project.weight'
    moved = trainer.network.state_dict()[name] - before[name]
    # After one update the average has kept 2/11 of what was before.
    torch.testing.assert_close(trainer.average.state[name] - before[name], moved * 9 / 11)


def test_augmentation_moves_image_and_labels_together():
    rng = np.random.default_rng(0)
    image = np.zeros((60, 80, 3), np.uint8)
    label_map = np.zeros((60, 80), np.uint16)
    image[20:40, 30:60], label_map[20:40, 30:60] = 255, 5
    for _ in range(20):
        seen, labels = augment(image, label_map, (48, 64), rng)
        valid = labels != IGNORE_LABEL
        bright = seen.mean(axis=2) > 60
        disagreement = (bright != (labels == 5)) & valid
        assert disagreement.mean() < 0.06


def test_scenes_are_the_same_for_the_same_seed():
    streams = [iter(SceneStream([two_squares], (32, 64), rng_seed)) for rng_seed in (1, 1, 2)]
    first, again, other = (next(stream)[0] for stream in streams)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
