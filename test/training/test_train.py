# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training: it learns, resumes exactly, and draws the same scenes however it is divided."""

from __future__ import annotations

from metricseg_ros.config import TrainingConfig, with_values
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.training.crops import composed_size, crop_sizes
from metricseg_ros.training.scenes import (
    class_names,
    open_source,
    SceneDataset,
    Source,
    StepBatches,
)
from metricseg_ros.training.schedule import classification_weight, rate_factor
from metricseg_ros.training.train import train, Trainer
import numpy as np
import pytest
import torch
from torch.utils.data import default_collate
from training_fixtures import write_scenes

SMALL = with_values(TrainingConfig(), {
    'network.backbone': 'resnet18', 'network.embedding_dim': 8, 'network.decoder_channels': 16,
    'pretrained': 'none', 'height': 32, 'width': 64, 'batch_size': 2, 'steps': 4,
    'checkpoint_steps': 2, 'background_samples': 10})


def two_squares(rng):
    """Draw two squares of random colour on grey."""
    image = np.full((64, 96, 3), 128, np.uint8)
    label_map = np.zeros((64, 96), np.uint16)
    for label, left in ((1, 8), (2, 56)):
        image[16:48, left:left + 30] = rng.integers(0, 255, 3)
        label_map[16:48, left:left + 30] = label
    return LabelledImage(image, label_map, np.array([0, 1, 1], np.uint16))


SOURCES = [Source(two_squares, ('object',))]


def batch_of(config):
    """Give one batch of squares."""
    scenes = SceneDataset(SOURCES, config)
    return default_collate([scenes[index] for index in range(config.batch_size)])


def test_loss_falls_on_a_batch_seen_again_and_again():
    config = with_values(SMALL, {'steps': 40, 'learning_rate': 0.003})
    trainer, batch = Trainer(config), batch_of(config)
    losses = [trainer.train_step(batch)['embedding_loss'] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])


def test_resumed_training_equals_the_uninterrupted_one_bit_for_bit(tmp_path):
    whole = train(SMALL, tmp_path / 'whole', 0, 'cpu', SOURCES)
    half = Trainer(SMALL)
    scenes = SceneDataset(SOURCES, SMALL)
    for numbers in StepBatches(with_values(SMALL, {'steps': 2}), 0):
        half.train_step(default_collate([scenes[number] for number in numbers]))
    (tmp_path / 'parts').mkdir()
    half.save(tmp_path / 'parts' / 'checkpoint.pt')
    resumed = train(SMALL, tmp_path / 'parts', 0, 'cpu', SOURCES)
    for first, second in ((whole.module.state_dict(), resumed.module.state_dict()),
                          (whole.average.state, resumed.average.state)):
        assert all(torch.equal(second[name], tensor) for name, tensor in first.items())
    one, other = (trainer.optimiser.state_dict()['state'] for trainer in (whole, resumed))
    assert all(torch.equal(other[key]['exp_avg'], one[key]['exp_avg']) for key in one)


def test_processes_share_the_scenes_of_one_process():
    config = with_values(SMALL, {'batch_size': 4, 'steps': 3})
    alone = list(StepBatches(config, 1))
    parts = [list(StepBatches(config, 1, rank, 2)) for rank in (0, 1)]
    assert alone == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert [first + second for first, second in zip(*parts)] == alone
    with pytest.raises(ValueError, match='multiple of the 3 processes, got 4'):
        StepBatches(config, 0, 0, 3)


def test_lambda_rises_from_zero_to_its_weight():
    config = with_values(SMALL, {'steps': 100, 'classification_ramp': 0.5})
    weights = [classification_weight(step, config) for step in (0, 25, 50, 99)]
    assert weights == pytest.approx([0, 0.1, 0.2, 0.2])


def test_poly_schedule_is_deeplabs():
    config = with_values(SMALL, {'steps': 100, 'schedule': 'poly', 'warmup_steps': 0})
    assert rate_factor(50, config) == pytest.approx(0.5 ** 0.9)


def test_average_follows_the_weights():
    trainer = Trainer(SMALL)
    before = {name: tensor.clone() for name, tensor in trainer.average.state.items()}
    trainer.train_step(batch_of(SMALL))
    name = 'embedding_head.project.weight'
    moved = trainer.module.state_dict()[name] - before[name]
    # After one update the average has kept 2/11 of what was before.
    torch.testing.assert_close(trainer.average.state[name] - before[name], moved * 9 / 11)


def test_a_step_is_as_long_as_the_clipped_gradient():
    config = with_values(SMALL, {
        'optimiser': 'sgd', 'momentum': 0.0, 'weight_decay': 0.0, 'learning_rate': 1.0,
        'backbone_rate': 1.0, 'warmup_steps': 0, 'gradient_norm': 0.1})
    trainer = Trainer(config)
    before = [parameter.detach().clone() for parameter in trainer.module.parameters()]
    assert trainer.train_step(batch_of(config))['gradient_norm'] > 0.1
    moved = [new - old for new, old in zip(trainer.module.parameters(), before)]
    assert torch.cat([part.flatten() for part in moved]).norm().item() == pytest.approx(
        0.1, rel=0.01)


def test_everything_random_follows_from_the_seed():
    first, second = Trainer(SMALL), Trainer(SMALL)
    other = with_values(SMALL, {'rng_seed': 1})
    weights = [torch.cat([parameter.flatten() for parameter in trainer.module.parameters()])
               for trainer in (first, second, Trainer(other))]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    batches = [batch_of(SMALL), batch_of(SMALL), batch_of(other)]
    assert all(torch.equal(*pair) for pair in zip(*batches[:2]))
    assert not torch.equal(batches[0].image, batches[2].image)
    assert first.train_step(batches[0]) == second.train_step(batches[1])


def test_mixed_precision_computes_the_losses_of_the_full_one():
    full, mixed = (Trainer(with_values(SMALL, {'precision': precision}))
                   for precision in ('32-true', 'bf16-mixed'))
    expected, values = (trainer.train_step(batch_of(SMALL)) for trainer in (full, mixed))
    # A bfloat16 has 8 bits, and ten layers add up what each rounds.
    assert values['embedding_loss'] == pytest.approx(expected['embedding_loss'], rel=0.05)
    assert values['classification_loss'] == pytest.approx(expected['classification_loss'],
                                                          rel=0.05)
    assert all(parameter.dtype == torch.float32 and parameter.isfinite().all()
               for parameter in mixed.module.parameters())


def test_gradient_that_is_not_finite_changes_nothing():
    trainer = Trainer(with_values(SMALL, {'batch_norm': 'frozen'}))
    before = {name: tensor.clone() for name, tensor in trainer.module.state_dict().items()}
    trainer.losses = lambda scenes: {
        'embedding_loss': trainer.module.embedding_head.project.weight.sum() * np.nan}
    trainer.train_step(batch_of(SMALL))
    assert all(torch.equal(trainer.module.state_dict()[name], before[name]) for name in before)


def test_no_background_is_drawn_where_it_is_not_known():
    config = with_values(SMALL, {'background_samples': 50})
    trainer, scenes = Trainer(config), batch_of(config)
    all_background = scenes._replace(labels=torch.zeros_like(scenes.labels),
                                     background_known=torch.tensor([False, False]))
    losses = trainer.losses(all_background)
    assert losses['embedding_loss'].item() == losses['classification_loss'].item() == 0
    known = all_background._replace(background_known=torch.tensor([True, True]))
    assert trainer.losses(known)['classification_loss'] > 0


def test_what_is_said_of_a_background_wins_over_the_data(tmp_path):
    root = write_scenes(tmp_path / 'scenes', 1)
    (root / 'meta.json').write_text('{"partial_labels": true}')
    assert not open_source(f'folder:{root}', SMALL).background_known
    source = open_source({'source': f'folder:{root}', 'background_known': True}, SMALL)
    assert source.background_known
    assert source.draw(np.random.default_rng(0)).background_known


def test_household_network_keeps_its_classes_on_objects_of_unknown_class():
    config = with_values(SMALL, {'network.class_count': len(HOUSEHOLD_CLASSES)})
    assert class_names(SOURCES, len(HOUSEHOLD_CLASSES)) == HOUSEHOLD_CLASSES
    assert not batch_of(config).classes.any()


def test_data_that_does_not_fit_is_refused():
    cups = Source(two_squares, ('cup', 'book'))
    assert class_names([cups, *SOURCES], 2) == ('cup', 'book')
    with pytest.raises(ValueError, match=r'class_count must be 2, .* got 3'):
        class_names([cups], 3)
    with pytest.raises(ValueError, match='same classes'):
        class_names([cups, Source(two_squares, ('book', 'cup'))], 2)
    with pytest.raises(ValueError, match='mappings of source, weight'):
        open_source({'source': 'folder:x', 'wait': 2}, SMALL)


def test_crops_of_a_step_are_of_one_size_and_of_large_ones_there_are_fewer():
    sizes = ('32x64', '64x96', '96x128')
    config = with_values(SMALL, {'crop_sizes': sizes, 'batch_size': 6, 'steps': 30})
    scenes = SceneDataset(SOURCES, config)
    seen = {}
    for numbers in StepBatches(config, 0):
        shape, = {tuple(scenes[number].image.shape[:2]) for number in numbers[:2]}
        seen.setdefault(shape, len(numbers))
        assert seen[shape] == len(numbers) and numbers[0] % 6 == 0
    assert seen == {(32, 64): 6, (64, 96): 3, (96, 128): 3}


def test_composed_scenes_are_a_quarter_larger_than_the_largest_crop_or_as_told():
    config = with_values(SMALL, {'crop_sizes': ('32x64', '64x96')})
    assert composed_size(config) == (80, 120)
    assert composed_size(with_values(config, {'composed_size': '64x64'})) == (64, 64)


@pytest.mark.parametrize(('name', 'value'), [
    ('crop_scales', (1.4, 0.6)), ('crop_scales', (1.0,)), ('soft_range', (0.3, 1.2))])
def test_range_that_is_none_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f'{name} must be two numbers in order'):
        with_values(SMALL, {name: value})


@pytest.mark.parametrize('text', ['240', '16x320', '240x320x3'])
def test_crop_size_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=f"crop_sizes must be HxW, .* got '{text}'"):
        crop_sizes(with_values(SMALL, {'crop_sizes': (text,)}))
