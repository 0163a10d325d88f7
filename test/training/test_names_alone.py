# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A branch of names that goes on from the trunk of objects: what it computes, how it learns."""

from __future__ import annotations

import copy
from pathlib import Path

from metricseg_ros.cli.export import named_source, Source, with_names, without_names
from metricseg_ros.config import NetworkConfig, TrainingConfig, with_values
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.names import NAMES
from metricseg_ros.network.pretrained import read_name_teacher, start_from
from metricseg_ros.preprocess import normalise
from metricseg_ros.training.losses import imitation_loss
from metricseg_ros.training.scenes import SceneDataset
from metricseg_ros.training.scenes import Source as SceneSource
from metricseg_ros.training.train import train, Trainer
import numpy as np
import pytest
from safetensors.torch import save_file
import torch
from torch.utils.data import default_collate

TWO_TRUNKS = NetworkConfig(embedding_dim=4, decoder_channels=8, class_count=3,
                           name_backbone='efficientnet_lite0')
BRANCH = with_values(TWO_TRUNKS, {'name_stages_shared': 3})
LEARNING = TrainingConfig(
    BRANCH, pretrained='none', height=64, width=96, batch_size=2, steps=4, checkpoint_steps=2,
    schedule='constant', train_only='names', name_weight=1.0, warmup_steps=0, rng_seed=1)


def box(rng: np.random.Generator) -> LabelledImage:
    """Draw a box of one of three colours, each a class."""
    image, labels = np.full((64, 96, 3), 200, np.uint8), np.zeros((64, 96), np.uint16)
    kind, left = int(rng.integers(3)), int(rng.integers(40))
    image[16:56, left:left + 50] = 0
    image[16:56, left:left + 50, kind] = 220
    labels[16:56, left:left + 50] = 1
    return LabelledImage(image, labels, np.array([0, kind + 1], np.uint16))


SOURCES = [SceneSource(box, ('red', 'green', 'blue'))]


def saved(network: MetricSegmentationNetwork, path: Path) -> str:
    """Write a network's weights."""
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    return str(path)


@pytest.fixture(scope='module')
def networks(tmp_path_factory: pytest.TempPathFactory
             ) -> tuple[MetricSegmentationNetwork, MetricSegmentationNetwork, str]:
    """Build one with two trunks, one with a branch that starts from it, and write the former."""
    torch.manual_seed(0)
    two, branch = MetricSegmentationNetwork(TWO_TRUNKS), MetricSegmentationNetwork(BRANCH)
    for module in two.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # So that the statistics are those of some image.
    with torch.no_grad():
        two(normalise(torch.randint(256, (4, 64, 96, 3))))
    path = saved(two, tmp_path_factory.mktemp('two') / 'two.safetensors')
    assert start_from(branch, path) == f'from {path}'
    return two.eval(), branch.eval(), path


@torch.inference_mode()
def test_a_branch_is_the_first_stages_of_objects_and_the_later_ones_of_names(networks) -> None:
    two, branch, _ = networks
    image = torch.randn(1, 3, 64, 96)
    features = image
    for stage in (*two.backbone.first_stages(3), *two.names.backbone.stages[3:5]):
        features = stage(features)
    coarser = two.names.backbone.stages[5:].children()
    deepest = features
    for stage in coarser:
        deepest = stage(deepest)
    embeddings, objects, names = branch(image)
    expected = two(image)
    assert torch.equal(embeddings, expected[0]) and torch.equal(objects, expected[1])
    assert torch.allclose(names, two.names.read([features, deepest]), atol=1e-3)
    assert torch.allclose(branch.name_pixels(image)[0], names, atol=1e-3)  # Without the rest.
    assert names.shape == (1, 3, 4, 6) and branch.size_multiple == 32
    stages = {name.split('.')[3] for name in branch.state_dict()
              if name.startswith(f'{NAMES}backbone.')}
    assert stages == {'3', '4', '5', '6'}


@pytest.mark.parametrize('values', [
    {'name_stages_shared': 4}, {'name_stages_shared': 3, 'backbone': 'resnet18'},
    {'name_stages_shared': 3, 'pyramid_scales': (0.5, 1.0)}])
def test_a_branch_that_cannot_be_is_refused(values: dict) -> None:
    with pytest.raises(ValueError, match='name_stages_shared|pyramid_scales'):
        MetricSegmentationNetwork(with_values(TWO_TRUNKS, values))


@torch.inference_mode()
def test_a_branch_teaches_and_becomes_a_trunk_of_its_own(networks, tmp_path: Path) -> None:
    _, branch, _ = networks
    path, image = saved(branch, tmp_path / 'branch.safetensors'), torch.randn(1, 3, 64, 96)
    names = branch(image)[2]
    assert torch.allclose(read_name_teacher(path, 'efficientnet_lite0')(image), names, atol=1e-3)
    whole = MetricSegmentationNetwork(TWO_TRUNKS)
    start_from(whole, path)
    assert torch.allclose(whole.eval()(image)[2], names, atol=1e-3)


def test_names_alone_learn_and_all_else_stays(networks, tmp_path: Path) -> None:
    two, _, _ = networks
    # Of random trunks no more than the last layer can be learnt in a few steps.
    teacher = copy.deepcopy(two)
    teacher.names.backbone.load_state_dict(two.backbone.state_dict())
    path = saved(teacher, tmp_path / 'teacher.safetensors')
    branch = MetricSegmentationNetwork(BRANCH)
    start_from(branch, path)
    for layer in branch.names.project:
        torch.nn.init.zeros_(layer.weight)
    start = saved(branch, tmp_path / 'start.safetensors')
    config = with_values(LEARNING, {
        'pretrained': start, 'name_teacher': path, 'batch_norm': 'frozen',
        'learning_rate': 0.002, 'backbone_rate': 1e-4, 'steps': 15})
    trainer = Trainer(config)
    scenes = SceneDataset(SOURCES, config)
    batch = default_collate([scenes[0], scenes[1]])
    losses = [trainer.train_step(batch) for _ in range(15)]
    assert set(losses[0]) == {'naming_loss', 'imitation_loss', 'gradient_norm', 'learning_rate'}
    totals = [row['naming_loss'] + row['imitation_loss'] for row in losses]
    assert np.mean(totals[-3:]) < 0.8 * totals[0]
    for state in (trainer.module.state_dict(), trainer.average.state):
        same = {name for name, tensor in branch.state_dict().items()
                if torch.equal(tensor, state[name])}
        assert {name for name in state if not name.startswith(NAMES)} <= same
    assert not torch.equal(trainer.average.state[f'{NAMES}backbone.stages.3.0.expand.0.weight'],
                           branch.state_dict()[f'{NAMES}backbone.stages.3.0.expand.0.weight'])


def test_resumed_training_of_names_equals_the_whole_one(tmp_path: Path) -> None:
    one = train(LEARNING, tmp_path / 'one', 0, 'cpu', SOURCES)
    train(with_values(LEARNING, {'steps': 2}), tmp_path / 'two', 0, 'cpu', SOURCES)
    two = train(LEARNING, tmp_path / 'two', 0, 'cpu', SOURCES)
    assert all(torch.equal(two.module.state_dict()[name], tensor)
               for name, tensor in one.module.state_dict().items())


def test_imitation_has_the_value_of_the_formula() -> None:
    # Names: the teacher says (1/2, 1/2) where the network says (1/4, 3/4), at one of two pixels.
    own, taught = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    own[0, 1, 0, 0] = np.log(3)
    divergence = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    maps = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2), torch.tensor([3.0, 5.0]).view(1, 1, 1, 2)
    loss = imitation_loss((own, maps[0]), (taught, maps[1]))
    assert loss.item() == pytest.approx(divergence / 2 + 1 / 34)


@torch.inference_mode()
def test_names_are_taken_from_another_network_where_they_fit(networks, tmp_path: Path) -> None:
    two, branch, _ = networks
    other = MetricSegmentationNetwork(with_values(TWO_TRUNKS, {'name_backbone': '',
                                                               'class_count': 1})).eval()
    alone = Source(other, ('object',), (64, 96), {'figures': 1})
    names = Source(branch, ('a', 'b', 'c'), (32, 32), {})
    with pytest.raises(ValueError, match='first 3 stages'):
        with_names(alone, names)
    for own, theirs in zip(other.backbone.first_stages(3), branch.backbone.first_stages(3),
                           strict=True):
        own.load_state_dict(theirs.state_dict())
    joined = with_names(alone, names)
    image = torch.randn(1, 3, 64, 96)
    embeddings, objects, named = joined.network.eval()(image)
    assert torch.equal(embeddings, other(image)[0]) and torch.equal(objects, other(image)[1])
    assert torch.equal(named, branch(image)[2]) and joined.classes == ('a', 'b', 'c')
    assert joined.input_size == (64, 96) and joined.card == {'figures': 1}
    assert without_names(joined).network.config == other.config
    with pytest.raises(ValueError, match='must have a trunk for names'):
        with_names(names, alone)
    start = saved(branch, tmp_path / 'start.safetensors')
    trainer = Trainer(with_values(LEARNING, {'pretrained': start}))
    trainer.save(tmp_path / 'checkpoint.pt')
    # A training does not know how its classes are called.
    assert with_names(joined, named_source(str(tmp_path))).classes == ('a', 'b', 'c')
    two_trunks = with_names(alone, Source(two, ('a', 'b', 'c'), (32, 32), {}))
    assert torch.equal(two_trunks.network.eval()(image)[2], two(image)[2])
