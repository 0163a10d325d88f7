# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Services answer while cameras stream, each for its camera, and the cameras go on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
from metricseg_ros.segmenter import InstanceSegmenter
import pytest
from ros.asking import ask, click, RED
from ros.cameras import Cameras
from ros.colour_model import COLOURS, scene, write_colour_model
from ros.robot import PATIENCE_S, Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros

Start = Callable[..., Any]
NAMES = ['left', 'right']


@pytest.fixture
def cameras(start: Start, slow_model: Path) -> Cameras:
    """Give two cameras on a model that takes its time."""
    start(Segmenter(slow_model, image_reliability='reliable', cameras=NAMES))
    found = Cameras(start(Robot(*(f'{name}/instances' for name in NAMES))), *NAMES)
    found.wait_until_heard()
    return found


def test_an_image_that_is_asked_for_does_not_wait_for_the_stream(cameras: Cameras) -> None:
    robot, streamed = cameras.robot, cameras.robot.received['left/instances']
    album = robot.header()
    album.frame_id = 'album'
    with cameras.flood('left'):
        wait_for(lambda: len(streamed) >= 3, 'the stream')
        before, waited, worked = len(streamed), [], []
        for _ in range(9):
            response = ask(robot, 'segment', camera='right', image=raw_image(album, scene()))
            assert response.success, response.message
            assert (response.result.header.frame_id, len(response.result.instances)) == (
                'album', len(COLOURS))
            waited.append(response.result.wait_ms)
            worked.append(response.result.callback_ms - response.result.wait_ms)
        assert median(waited) < 2 * median(worked), 'at most for the image in work'
        wait_for(lambda: len(streamed) > before + 3, 'the stream to go on')
    assert not robot.received['right/instances']


def test_many_who_ask_do_not_stop_the_stream(cameras: Cameras) -> None:
    robot, over = cameras.robot, Event()
    image = raw_image(robot.header(), scene())
    ask(robot, 'segment', camera='right', image=image)  # Makes the client that all share.

    def insist() -> int:
        return sum(ask(robot, 'segment', camera='right', image=image).success
                   for _ in iter(over.is_set, True))
    with cameras.flood('left'), ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(insist) for _ in range(4)]
        before = len(robot.received['left/instances'])
        try:
            wait_for(lambda: len(robot.received['left/instances']) > before + 10, 'the stream')
        finally:
            over.set()
    assert all(answer.result() for answer in answers)


def test_each_camera_has_its_own_frames_to_click_into(cameras: Cameras) -> None:
    robot = cameras.robot
    left = cameras.answer('left')
    response = click(robot, RED, camera='left')
    assert response.result.header.frame_id == 'left'
    assert 'no frame has been segmented yet' in click(robot, RED, camera='right').message
    assert click(robot, RED, camera='left', stamp=left.header.stamp).success
    for camera in ('', 'dead'):
        assert f"camera must be one of 'left', 'right', got {camera!r}" in click(
            robot, RED, camera=camera).message
        assert 'camera must be one of' in ask(robot, 'segment', camera=camera).message
    assert 'no image has come on /right/image yet' in ask(robot, 'segment', camera='right').message


def test_a_model_is_replaced_while_cameras_stream_and_every_image_is_of_one_model(
        cameras: Cameras, tmp_path: Path) -> None:
    other = write_colour_model(tmp_path / 'other')
    path = other / 'model.json'
    path.write_text(path.read_text().replace('"thing"', '"other thing"'))
    streamed = cameras.robot.received['left/instances']
    with cameras.flood('left'), cameras.flood('right'):
        wait_for(lambda: len(streamed) >= 3, 'the stream')
        response = ask(cameras.robot, 'reload_model', model=str(other))
        assert response.success, response.message
        wait_for(lambda: streamed[-1].model == 'other', 'the other model')
    names = {(message.model, item.class_name) for name in NAMES
             for message in cameras.robot.received[f'{name}/instances']
             for item in message.instances}
    assert names == {('slow', 'thing'), ('other', 'other thing')}
    assert cameras.robot.value('bad', 'left') == '0'


def test_a_model_that_is_being_loaded_is_waited_for_or_left(
        start: Start, colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(Segmenter(colour_model))
    robot, loading, go_on = start(Robot()), Event(), Event()
    load = InstanceSegmenter.from_config
    monkeypatch.setattr(InstanceSegmenter, 'from_config', lambda config: loading.set() or (
        go_on.wait(PATIENCE_S) and load(config)))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, robot, 'reload_model')
        wait_for(loading.is_set, 'the model to be loaded')
        assert 'another model is being loaded: wait' in ask(robot, 'reload_model').message
        assert robot.change_state('deactivate') and robot.change_state('cleanup')
        go_on.set()
        assert 'cleaned up while the model was loaded' in first.result().message
    assert 'the node is unconfigured' in ask(robot, 'reload_model').message
    assert robot.change_state('configure') and ask(robot, 'reload_model').success
