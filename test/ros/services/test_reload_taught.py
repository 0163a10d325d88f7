# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The last step of docs/teach.md: a model that was taught is taken while the camera streams."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
import shutil
from typing import Any

from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.export.onnx import write_weights
from metricseg_ros.labelling.teaching.teach import make_lesson, teach
from metricseg_ros.models import load_description
from metricseg_ros.ros.tools.camera_messages import raw_image
from metricseg_ros.segmenter import InstanceSegmenter
from model_fixtures import INPUT_SIZE, small_network
import pytest
from ros.asking import ask
from ros.robot import flood, Robot, Segmenter, wait_for
from training_fixtures import TWO_STEPS, write_scenes

pytestmark = pytest.mark.ros

RATE = 20.0
"""Images a second of the camera."""


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """Teach a small model, as `metricseg teach` does, but for two steps on four small images."""
    write_weights(small_network(), tmp_path / 'small', ('object',), INPUT_SIZE, {})
    dataset = open_dataset(str(write_scenes(tmp_path / 'labels', 4)))
    lesson = make_lesson(dataset, range(4), [None] * 4, str(tmp_path / 'small'), TWO_STEPS)
    teach(lesson, tmp_path / 'taught', workers=0, device='cpu', say=print)
    return tmp_path / 'taught'


def test_a_taught_model_is_taken_while_images_stream_and_a_damaged_one_is_not(
        start: Callable[..., Any], colour_model: Path, taught: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    image = open_dataset(str(tmp_path / 'labels'))[0].image

    def wait_for_more() -> str:
        """Wait for two images more, and tell who segmented the last."""
        count = len(robot.received['instances'])
        wait_for(lambda: len(robot.received['instances']) >= count + 2, 'images to go on')
        return robot.received['instances'][-1].model

    by = []
    load = InstanceSegmenter.from_config

    def load_slowly(config: Any) -> InstanceSegmenter:
        by.append(wait_for_more())
        return load(config)
    monkeypatch.setattr(InstanceSegmenter, 'from_config', load_slowly)
    with flood(lambda: robot.send(raw_image(robot.header(), image)), RATE):
        by.append(wait_for_more())
        response = ask(robot, 'reload_model', model=str(taught))
        assert (response.success, response.model) == (True, 'taught'), response.message
        wait_for(lambda: wait_for_more() == 'taught', 'the taught model')
        wait_for(lambda: robot.value('model') == 'taught', 'the diagnostics to follow')
        damaged = shutil.copytree(taught, tmp_path / 'damaged')
        content = (damaged / 'model.onnx').read_bytes()
        (damaged / 'model.onnx').write_bytes(content[:len(content) // 2])
        response = ask(robot, 'reload_model', model=str(damaged))
        assert not response.success
        assert str(damaged) in response.message and '; taught goes on' in response.message
        by.append(wait_for_more())
    assert by == [colour_model.name] * 2 + ['taught'] * 2  # Before, and while each was loaded.
    assert [model for model, _ in groupby(
        answer.model for answer in robot.received['instances'])] == [colour_model.name, 'taught']
    assert robot.value('model') == 'taught'
    assert node.get_parameter('model').value == str(taught)
    # The score that was chosen in teaching holds.
    chosen = load_description(taught).minimum_score
    assert node.session.segmenter.own_grouping.minimum_score == chosen
