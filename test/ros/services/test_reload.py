# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Services in every state of the node, and models that are replaced while it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from metricseg_ros.ros.diagnostics import health
from metricseg_ros.ros.tools.camera_messages import raw_image
from metricseg_ros.segmenter import InstanceSegmenter
import pytest
from ros.asking import ask, click, KINDS, RED
from ros.colour_model import scene, write_colour_model
from ros.robot import PATIENCE_S, Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros

Start = Callable[..., Any]


def test_without_subscribers_an_image_can_be_asked_for_and_clicked_into(
        start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot())
    response = click(robot, RED)
    assert not response.success
    assert 'no frame has been segmented yet: subscribe to an output, or call' in response.message
    response = ask(robot, 'segment')
    assert not response.success
    assert 'no image has come on /image yet' in response.message
    robot.wait_until_matched()
    robot.send_until(raw_image(robot.header(), scene()), lambda: ask(robot, 'segment').success,
                     'the newest image')
    assert click(robot, RED).success
    assert robot.value('segmented') == '0'


def test_in_no_state_is_a_request_left_without_an_answer(start: Start,
                                                         colour_model: Path) -> None:
    start(Segmenter(colour_model, autostart=False))
    robot = start(Robot())
    for service in KINDS:
        response = ask(robot, service)
        assert not response.success
        assert 'the node is unconfigured: configure it first' in response.message
    assert robot.change_state('configure')
    assert 'activate it first' in ask(robot, 'segment').message
    assert ask(robot, 'reload_model').success
    assert robot.change_state('activate')


def test_a_model_is_replaced_without_a_lost_subscription(start: Start, colour_model: Path,
                                                         tmp_path: Path) -> None:
    segmenter = start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    subscription = segmenter.node.session.cameras[''].input
    old = robot.answer(raw_image(robot.header(), scene()))
    other = write_colour_model(tmp_path / 'other')
    response = ask(robot, 'reload_model', model=str(other))
    assert response.success, response.message
    assert (response.model, response.backend) == ('other', 'onnxruntime')
    assert segmenter.node.session.cameras[''].input is subscription
    assert 'no frame has been segmented yet' in click(robot, RED, stamp=old.header.stamp).message
    new = robot.answer(raw_image(robot.header(), scene()))
    assert (old.model, new.model) == (colour_model.name, 'other')
    assert segmenter.node.get_parameter('model').value == str(other)
    wait_for(lambda: robot.value('model') == 'other', 'the diagnostics to follow')


def test_a_worker_that_is_stuck_does_not_stop_the_answers(
        start: Start, colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    go_on, backend = Event(), node.session.segmenter.backend
    run = backend.run
    monkeypatch.setattr(backend, 'run', lambda *inputs: go_on.wait(PATIENCE_S) and run(*inputs))
    with monkeypatch.context() as patch:
        patch.setattr(health, 'STUCK_S', 0.5)
        response = ask(robot, 'segment', image=raw_image(robot.header(), scene()))
        assert not response.success and 'at one image' in response.message
        for service in ('reload_model', 'segment'):
            response = ask(robot, service)
            assert not response.success
            assert 'the worker has been at one image for' in response.message
        with pytest.raises(RuntimeError, match='does not come to the end of its image'):
            node.session.replace(InstanceSegmenter.from_config(node.session.config),
                                 node.session.config)
    go_on.set()
    robot.wait_for_status('segmenting', lambda: robot.send(raw_image(robot.header(), scene())))
    assert ask(robot, 'reload_model').success


@pytest.mark.parametrize('harm', ['missing', 'damaged', 'foreign'])
def test_a_model_that_fails_leaves_the_old_one(start: Start, colour_model: Path, tmp_path: Path,
                                               harm: str) -> None:
    segmenter = start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    model = tmp_path / 'broken'
    if harm != 'missing':
        write_colour_model(model)
        name = 'model.onnx' if harm == 'damaged' else 'model.json'
        (model / name).write_bytes(b'{}')
    response = ask(robot, 'reload_model', model=str(model))
    assert not response.success
    assert str(model) in response.message
    assert f'; {colour_model.name} goes on' in response.message
    assert response.model == colour_model.name
    assert robot.answer(raw_image(robot.header(), scene())).model == colour_model.name
    assert segmenter.node.get_parameter('model').value == str(colour_model)
