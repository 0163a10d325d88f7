# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Configure fails with the reason and the remedy, and succeeds once the fault is mended."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import shutil
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
import pytest
from ros.colour_model import COLOURS, scene
from ros.robot import Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


def missing(folder: Path) -> str:
    """Take the whole folder away."""
    shutil.rmtree(folder)
    return f'no model at {folder}'


def without_network(folder: Path) -> str:
    """Take the network away."""
    (folder / 'model.onnx').unlink()
    return f'{folder}/model.onnx is missing'


def truncated(folder: Path) -> str:
    """Cut the network short, as a broken download does."""
    path = folder / 'model.onnx'
    path.write_bytes(path.read_bytes()[:200])
    return f'{path} is damaged'


def unreadable(folder: Path) -> str:
    """Write something else into the description."""
    (folder / 'model.json').write_text('not JSON')
    return f'{folder}/model.json cannot be read'


def foreign(folder: Path) -> str:
    """Make it the description of another format."""
    content = json.loads((folder / 'model.json').read_text())
    (folder / 'model.json').write_text(json.dumps({**content, 'format_version': 99}))
    return f'{folder}/model.json has format_version 99'


@pytest.mark.parametrize('damage', [missing, without_network, truncated, unreadable, foreign])
def test_a_bad_model_is_refused_by_name_and_a_good_one_accepted_later(
        start: Callable[..., Any], colour_model: Path, tmp_path: Path,
        damage: Callable[[Path], str]) -> None:
    folder = tmp_path / 'model'
    shutil.copytree(colour_model, folder)
    reason = damage(folder)
    robot = start(Robot('instances'))
    start(Segmenter(folder))
    status = robot.wait_for_status(reason)
    assert status.level == b'\x02'
    assert ':' in status.message[status.message.index(reason):]  # The remedy follows.
    wait_for(lambda: robot.warnings(f'cannot be configured: {reason}'), 'the error in the log')
    assert not robot.change_state('configure')
    assert robot.set_parameter('model', str(colour_model)).successful
    assert robot.change_state('configure')
    assert robot.change_state('activate')
    robot.wait_until_matched()
    answer = robot.answer(raw_image(robot.header(), scene()))
    assert len(answer.instances) == len(COLOURS)


@pytest.mark.parametrize(('line', 'reason'), [
    ('grouping.minimum_scor: 0.7', "'grouping.minimum_scor': did you mean "
                                   "'grouping.minimum_score'?"),
    ('grouping.minimum_score: 1.5', 'grouping.minimum_score must be in [0, 1], got 1.5'),
    ('backend.name: cuda', 'backend.name must be one of auto, tensorrt, onnxruntime'),
    ('cameras: left', "cameras must be a list, got 'left'"),
    ('backend.threads: many', "backend.threads must be of type int, got 'many'")])
def test_a_bad_line_in_the_parameter_file_is_named(
        start: Callable[..., Any], colour_model: Path, tmp_path: Path, line: str,
        reason: str) -> None:
    robot = start(Robot('instances'))
    start(Segmenter(colour_model, '--params-file', _parameter_file(tmp_path, line)))
    robot.wait_for_status(reason)
    wait_for(lambda: robot.warnings(reason), 'the error in the log')


def test_a_bad_value_from_the_file_is_mended_by_a_good_one(
        start: Callable[..., Any], colour_model: Path, tmp_path: Path) -> None:
    robot = start(Robot('instances'))
    start(Segmenter(colour_model, '--params-file',
                    _parameter_file(tmp_path, 'grouping.minimum_score: 1.5')))
    robot.wait_for_status('grouping.minimum_score must be in [0, 1]')
    assert robot.set_parameter('grouping.minimum_score', 0.6).successful
    assert robot.change_state('configure')


def test_a_whole_number_in_the_file_is_taken_for_a_float(
        start: Callable[..., Any], colour_model: Path, tmp_path: Path) -> None:
    robot = start(Robot('instances'))
    node = start(Segmenter(colour_model, '--params-file',
                           _parameter_file(tmp_path, 'overlay.opacity: 1')))
    wait_for(lambda: robot.value('state') == 'active', 'the node to be active')
    assert node.node.settings.config.overlay.opacity == 1.0


def _parameter_file(folder: Path, line: str) -> str:
    path = folder / 'parameters.yaml'
    path.write_text(f'/**:\n  ros__parameters:\n    {line}\n')
    return str(path)
