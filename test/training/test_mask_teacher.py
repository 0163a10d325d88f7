# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning a teacher's masks on some images, so that going on with others forgets nothing."""

from __future__ import annotations

import math
from pathlib import Path

from metricseg_ros.config import TrainingConfig, with_values
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import CheckpointError
from metricseg_ros.training.losses import answer_loss
from metricseg_ros.training.scenes import open_source, SceneDataset, Source
from metricseg_ros.training.train import train, Trainer
import numpy as np
import pytest
from safetensors.torch import save_file
import torch
from torch.utils.data import default_collate
from training_fixtures import write_scenes

SMALL = with_values(TrainingConfig(), {
    'network.backbone': 'resnet18', 'network.embedding_dim': 4, 'network.decoder_channels': 8,
    'network.depth': True, 'pretrained': 'none', 'height': 32, 'width': 64, 'batch_size': 2,
    'background_samples': 10, 'learning_rate': 0.01, 'warmup_steps': 0})


def noise(rng: np.random.Generator) -> LabelledImage:
    image = rng.integers(0, 255, (32, 64, 3), np.uint8)
    return LabelledImage(image, np.zeros((32, 64), np.uint16), np.zeros(1, np.uint16), False)


@pytest.fixture
def taught(tmp_path: Path) -> TrainingConfig:
    """Write a teacher and return a training that it teaches."""
    torch.manual_seed(7)
    teacher = MetricSegmentationNetwork(with_values(SMALL.network, {'depth': False}))
    save_file(teacher.state_dict(), tmp_path / 'teacher.safetensors')
    return with_values(SMALL, {'mask_teacher': str(tmp_path / 'teacher.safetensors')})


def test_answer_loss_has_the_value_of_the_formula() -> None:
    # Two pixels: sigma = 2 / (1 + exp(ln 3)) = 1/2 for the teacher, 2 / (1 + 7) = 1/4 for us.
    theirs, own = (torch.tensor([[0.0], [math.sqrt(math.log(n))]]) for n in (3, 7))
    logits, taught = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
    # Of two pairs of a pixel with itself nothing is to be learnt, and 2 of 4 are left.
    similar = (math.log(0.5 / 0.25) + math.log(0.5 / 0.75)) / 2 * 2 / 4
    assert answer_loss((own, logits), (theirs, taught)).item() == pytest.approx(similar, abs=1e-5)
    # P = (1/4, 3/4) at one of two pixels, where the teacher says (1/2, 1/2).
    logits[0, 1, 0] = math.log(3)
    scores = (math.log(0.5 / 0.25) + math.log(0.5 / 0.75)) / 2 / 2
    assert answer_loss((theirs, logits), (theirs, taught)).item() == pytest.approx(scores)


def test_embeddings_that_are_turned_answer_alike() -> None:
    embeddings, logits = torch.randn(9, 3), torch.randn(2, 2, 9)
    turned = embeddings[:, [1, 2, 0]] * torch.tensor([1.0, -1.0, 1.0]) + 5
    assert answer_loss((turned, logits), (embeddings, logits)).item() == pytest.approx(0, abs=1e-4)


def test_a_network_learns_what_its_teacher_answers_to_taught_images(
        taught: TrainingConfig) -> None:
    trainer = Trainer(taught)
    assert not any(parameter.requires_grad for parameter in trainer.mask_teacher.parameters())
    scenes = SceneDataset([Source(noise, ('object',), taught=True)], taught)
    batch = default_collate([scenes[0], scenes[1]])
    losses = [trainer.train_step(batch)['taught_loss'] for _ in range(30)]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


def test_of_other_images_nothing_is_learnt_of_the_teacher(taught: TrainingConfig) -> None:
    trainer = Trainer(taught)
    images = [SceneDataset([Source(noise, ('object',), taught=asked)], taught)[0]
              for asked in (False, True)]
    losses = [trainer.losses(default_collate([images[0], images[number]]))['taught_loss']
              for number in (0, 1)]
    assert losses[0] == 0
    assert losses[1] > 0


@pytest.mark.parametrize(('name', 'value', 'message'), [
    ('network.decoder_channels', 16, 'does not fit'), ('network.class_count', 3, 'does not fit'),
    ('mask_teacher', 'none', 'no weights at none')])
def test_a_teacher_that_cannot_answer_is_refused(taught: TrainingConfig, name: str, value: object,
                                                 message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        Trainer(with_values(taught, {name: value}))


def test_a_teacher_without_images_and_images_without_a_teacher_are_refused(
        taught: TrainingConfig, tmp_path: Path) -> None:
    sources = {asked: [Source(noise, ('object',), taught=asked)] for asked in (False, True)}
    for config, asked in ((taught, False), (SMALL, True)):
        with pytest.raises(ValueError, match='mask_teacher teaches the images of data with'):
            train(config, tmp_path / 'run', 0, 'cpu', sources[asked])


def test_an_entry_of_data_is_taught_when_it_says_so(tmp_path: Path) -> None:
    entry = {'source': f'folder:{write_scenes(tmp_path / "scenes", 1)}'}
    assert not open_source(entry, SMALL).taught
    assert open_source({**entry, 'taught': True}, SMALL).taught
