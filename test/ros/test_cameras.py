# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several cameras on one model: their topics and diagnostics apart, none slowed by another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any

from metricseg_ros.ros.camera import check_camera_names
import pytest
from ros.cameras import Cameras
from ros.colour_model import COLOURS
from ros.robot import PATIENCE_S, Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros

Start = Callable[..., Any]
NAMES = ['left', 'front/right', 'dead']


@pytest.fixture
def cameras(start: Start, slow_model: Path) -> Cameras:
    """Give two cameras that work and one that never sends, on a slow model."""
    start(Segmenter(slow_model, image_reliability='reliable', cameras=NAMES))
    robot = start(Robot(*(f'{name}/instances' for name in NAMES)))
    found = Cameras(robot, *NAMES)
    found.wait_until_heard()
    return found


def test_each_camera_has_its_own_topics_frames_and_diagnostics(cameras: Cameras) -> None:
    for name in NAMES[:2]:
        answer = cameras.answer(name)
        assert answer.header.frame_id == name
        assert len(answer.instances) == len(COLOURS)
    robot = cameras.robot
    assert not robot.received['dead/instances']
    wait_for(lambda: 'no image came' in message_of(robot, 'dead'), 'the dead camera to be named')
    assert message_of(robot, 'dead').startswith('/dead/image')
    wait_for(lambda: cameras.send('left') and 'segmenting' in message_of(robot, 'left'),
             'the live camera to be well')
    wait_for(lambda: robot.warnings('/dead/image has a publisher'), 'the dead one in the log')


def test_a_flooding_camera_does_not_hold_up_the_other(cameras: Cameras) -> None:
    received = cameras.robot.received
    with cameras.flood('front/right'):
        wait_for(lambda: len(received['front/right/instances']) >= 5, 'the flood')
        meanwhile = []
        for _ in range(9):
            before = len(received['front/right/instances'])
            cameras.answer('left')
            meanwhile.append(len(received['front/right/instances']) - before)
    # One image of the other camera may be in work, and then it is this one's turn.
    assert median(meanwhile) <= 2


def test_a_bad_image_is_the_matter_of_its_own_camera(cameras: Cameras) -> None:
    broken = cameras.send('left')
    broken.encoding = 'nonsense'

    def warned() -> list[str]:
        cameras.publishers['left'].publish(broken)
        return cameras.robot.warnings('(camera left)')
    wait_for(warned, 'the warning')
    answer = cameras.answer('front/right')
    assert len(answer.instances) == len(COLOURS)
    assert 'not segmented' not in message_of(cameras.robot, 'front/right')


@pytest.mark.parametrize('spoilt', [False, True])
def test_images_of_several_cameras_go_through_the_network_at_once(
        start: Start, colour_model: Path, monkeypatch: pytest.MonkeyPatch, spoilt: bool) -> None:
    names = ['left', 'middle', 'right']
    node = start(Segmenter(colour_model, image_reliability='reliable', cameras=names)).node
    robot = start(Robot(*(f'{name}/instances' for name in names)))
    cameras = Cameras(robot, *names)
    cameras.wait_until_heard()
    backend, go_on, batches = node.session.segmenter.backend, Event(), []
    run, put = backend.run, node.session.worker.mailbox.put
    waiting: set[str] = set()
    monkeypatch.setattr(node.session.worker.mailbox, 'put', lambda item, sender: put(
        item, sender) and waiting.add(sender) is None)
    monkeypatch.setattr(backend, 'run', lambda *inputs: go_on.wait(PATIENCE_S) and run(*inputs))
    monkeypatch.setattr(backend, 'largest_batch', 3, raising=False)
    monkeypatch.setattr(backend, 'run_batch', lambda tensors, _: batches.append(len(tensors)) or [
        run(tensor[None]) for tensor in tensors], raising=False)
    wait_for(lambda: cameras.send('middle') and node.session.busy_seconds(), 'an image in work')
    waiting.clear()
    broken = cameras.send('left')
    if spoilt:
        broken.encoding = 'nonsense'
    # Until one of each camera waits.
    wait_for(lambda: cameras.publishers['left'].publish(broken) or cameras.send('right')
             and cameras.send('middle') and waiting == set(names), 'images to wait')
    go_on.set()
    for name in names[spoilt:]:
        wait_for(lambda name=name: robot.received[f'{name}/instances'], f'instances of {name}')
        answer = robot.received[f'{name}/instances'][-1]
        assert (answer.header.frame_id, len(answer.instances)) == (name, len(COLOURS))
    assert 3 - spoilt in batches
    assert bool(robot.received['left/instances']) != spoilt


@pytest.mark.parametrize(('names', 'text'), [
    ([], 'must name a camera at least'), (['left', 'left'], "'left' twice"),
    (['2nd'], "got '2nd'"), (['left', ''], "got ''"), (['/left'], "got '/left'"),
    (['left/'], "got 'left/'"), (['left', 'a__b'], "got 'a__b'"),
    (['my camera'], "got 'my camera'")])
def test_names_no_topic_can_begin_with_are_refused(names: list[str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_camera_names(names)


@pytest.mark.parametrize(('names', 'topics'), [
    ([''], {'/image'}), (['left', 'front/right_2'], {'/left/image', '/front/right_2/image'})])
def test_topics_begin_with_good_names(start: Start, colour_model: Path, names: list[str],
                                      topics: set[str]) -> None:
    node = start(Segmenter(colour_model, cameras=names)).node
    assert {camera.input.topic for camera in node.session.cameras.values()} == topics
    expected = {f'/segmenter{topic.removesuffix("image")}instances' for topic in topics}
    wait_for(lambda: expected <= {topic for topic, _ in node.get_publisher_names_and_types_by_node(
        'segmenter', '/')}, 'the outputs')


def test_a_name_too_long_for_topics_is_refused_and_leaves_nothing(start: Start,
                                                                  colour_model: Path) -> None:
    node = start(Segmenter(colour_model, cameras=['left', 'a' * 240])).node
    robot = start(Robot())
    status = robot.wait_for_status('no topic can begin with camera')
    assert status.level == b'\x02' and 'length' in status.message
    assert not [topic for topic, _ in node.get_publisher_names_and_types_by_node('segmenter', '/')
                if 'instances' in topic]
    assert robot.set_parameter('cameras', ['left', 'right_']).successful
    assert robot.change_state('configure')


def message_of(robot: Robot, camera: str) -> str:
    status = robot.status_of(camera)
    return status.message if status else ''
