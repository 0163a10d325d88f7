# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a training, and what TensorBoard itself reads of them and of the losses."""

from __future__ import annotations

import json
from pathlib import Path
import shutil

import cv2
from metricseg_ros.config import TrainingConfig, with_values
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.structures import NetworkOutput
from metricseg_ros.training.pictures import embedding_colours, mask_colours, scene_picture
from metricseg_ros.training.scenes import open_sources, SceneDataset, StepBatches
from metricseg_ros.training.train import train
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import torch
from training_fixtures import TRAINING, write_scenes

THRESHOLDS = (0.25, 0.5, 0.75, 0.9)
TAG = 'image, embeddings, seediness, masks'


@pytest.fixture
def regions() -> torch.Tensor:
    """Draw background and two objects, the second in two parts."""
    regions = torch.zeros(12, 20, dtype=torch.int64)
    regions[2:10, 2:7] = 1
    regions[2:5, 12:18], regions[5:9, 12:14] = 2, 2
    return regions


def output_of(regions: torch.Tensor) -> NetworkOutput:
    """Give each region an embedding of its own, and objects a high score."""
    embeddings = 3.0 * torch.eye(4)[regions].permute(2, 0, 1).contiguous()
    logits = torch.zeros(len(THRESHOLDS), 2, *regions.shape)
    logits[:, 1] = torch.where(regions > 0, 4.0, -4.0)
    return NetworkOutput(embeddings, logits, THRESHOLDS)


def colours_of(picture: np.ndarray, regions: torch.Tensor) -> list[tuple[int, ...]]:
    """Give the colour of each region, which must have but one."""
    colours = [np.unique(picture[regions.numpy() == number], axis=0) for number in range(3)]
    assert [len(found) for found in colours] == [1, 1, 1]
    return [tuple(found[0].tolist()) for found in colours]


def test_pixels_of_one_embedding_have_one_colour_and_others_another(regions):
    picture = embedding_colours(output_of(regions).embeddings)
    assert picture.shape == (12, 20, 3) and picture.dtype == np.uint8
    assert len(set(colours_of(picture, regions))) == 3


def test_colours_say_how_far_apart_embeddings_lie_wherever_that_is():
    # Along one direction of four, at 0, 1 and 4 of its units.
    direction = torch.tensor([0.5, -0.5, 0.5, 0.5])
    steps = torch.tensor([0.0, 1.0, 4.0])
    line = (steps * direction[:, None] + 7)[:, None]
    first = embedding_colours(line)[0, :, 0].astype(int)
    assert first.tolist() in ([0, 63, 255], [255, 191, 0])


@pytest.mark.parametrize('numbers', [1, 2, 3, 5])
def test_embeddings_of_any_length_are_drawn_from_black_to_full(numbers):
    picture = embedding_colours(torch.randn(numbers, 6, 7))
    assert picture.shape == (6, 7, 3)
    drawn = min(numbers, 3)
    assert picture.reshape(-1, 3).min(0).tolist() == [0, 0, 0]
    assert picture.reshape(-1, 3).max(0).tolist() == [255] * drawn + [0] * (3 - drawn)


def test_each_mask_has_one_colour_of_its_own_and_the_rest_is_black(regions):
    colours = colours_of(mask_colours(output_of(regions)), regions)
    assert colours[0] == (0, 0, 0)
    assert len(set(colours)) == 3


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e30])
def test_weights_that_ran_away_do_not_end_a_training_by_its_picture(value):
    network = MetricSegmentationNetwork(with_values(TrainingConfig(), {
        f'network.{name}': given for name, given in TRAINING['network'].items()}).network)
    torch.nn.init.constant_(network.embedding_head.project.weight, value)
    picture = scene_picture(network.train(), torch.full((32, 64, 3), 9, dtype=torch.uint8))
    assert picture.shape == (32, 256, 3)
    assert network.training


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingConfig]:
    """Train four steps, with a picture after each second one."""
    root = tmp_path_factory.mktemp('pictures')
    write_scenes(root / 'scenes', 3)
    values = {f'network.{name}': given for name, given in TRAINING['network'].items()} | {
        name: given for name, given in TRAINING.items() if name != 'network'}
    config = with_values(TrainingConfig(), {
        **values, 'steps': 4, 'picture_steps': 2, 'data': (f'folder:{root / "scenes"}',)})
    train(config, root / 'run', 0, 'cpu')
    return root / 'run', config


def read_events(run: Path) -> EventAccumulator:
    return EventAccumulator(str(run), size_guidance={'images': 0, 'scalars': 0}).Reload()


def read_picture(encoded: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_tensorboard_reads_a_picture_of_four_panels_after_each_second_step(run):
    pictures = read_events(run[0]).Images(TAG)
    assert [picture.step for picture in pictures] == [1, 3]
    for picture in pictures:
        pixels = read_picture(picture.encoded_image_string)
        assert pixels.shape == (32, 4 * 64, 3) == (picture.height, picture.width, 3)


def test_the_panels_are_the_scene_its_embeddings_its_seediness_and_its_masks(run):
    folder, config = run
    last = list(StepBatches(config, 0))[-1]
    scene = SceneDataset(open_sources(config), config)[last[0]]
    pixels = read_picture(read_events(folder).Images(TAG)[-1].encoded_image_string)
    image, embeddings, seediness, masks = np.hsplit(pixels, 4)
    assert np.array_equal(image, scene.image.numpy())
    assert embeddings.min() == 0 and embeddings.max() == 255
    assert (seediness == seediness[..., :1]).all()
    # On the network's grid, a quarter as fine, each of its pixels is one square.
    for panel in (embeddings, seediness, masks):
        squares = panel.reshape(8, 4, 16, 4, 3)
        assert (squares == squares[:, :1, :, :1]).all()


def test_tensorboard_reads_the_losses_of_the_log(run):
    folder, _ = run
    rows = [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]
    events = read_events(folder)
    assert set(events.Tags()['scalars']) == set(rows[0]) - {'step', 'seconds'}
    for name in events.Tags()['scalars']:
        read = events.Scalars(name)
        assert [event.step for event in read] == [0, 1, 2, 3]
        assert [event.value for event in read] == pytest.approx([row[name] for row in rows])


def test_what_was_written_after_the_checkpoint_is_written_once(run, tmp_path):
    folder, config = run
    shorter = with_values(config, {'steps': 2})
    train(shorter, tmp_path, 0, 'cpu')
    shutil.copy(tmp_path / 'checkpoint.pt', tmp_path / 'before.pt')
    train(config, tmp_path, 0, 'cpu')
    (tmp_path / 'before.pt').replace(tmp_path / 'checkpoint.pt')
    train(config, tmp_path, 0, 'cpu')
    rows = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert [row['step'] for row in rows] == [0, 1, 2, 3]
    events = read_events(tmp_path)
    assert [event.step for event in events.Scalars('embedding_loss')] == [0, 1, 2, 3]
    assert [picture.step for picture in events.Images(TAG)] == [1, 3]
