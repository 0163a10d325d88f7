# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every service and topic, with the node in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from ros.asking import ask, click, RED
from ros.colour_model import COLOURS, scene, write_colour_model
from ros.depth_camera import DepthCamera, header_of, SIZE
from ros.finger import Finger, GREEN
from ros.robot import Robot, TOPICS, wait_for

pytestmark = pytest.mark.ros

NAN = float('nan')


@pytest.fixture(scope='module')
def camera(colour_model: Path) -> Iterator[DepthCamera]:
    """Give a camera that a node in another process sees, all of whose outputs are heard."""
    node = subprocess.Popen(
        [sys.executable, '-m', 'metricseg_ros.ros.segmenter_node', '--ros-args',
         '-p', f'model:={colour_model}', '-p', 'image_reliability:=reliable',
         '-p', 'depth.maximum_wait:=5.0', '-p', 'diagnostics_period:=0.2'])
    robot = Robot(*TOPICS)
    camera = DepthCamera(robot)
    try:
        robot.wait_until_matched()
        camera.wait_until_heard()
        wait_for(lambda: not camera.answer().problem, 'objects with a place')
        yield camera
    finally:
        robot.close()
        node.terminate()
        node.wait(30)


def test_one_image_comes_out_in_every_shape(camera: DepthCamera) -> None:
    header = camera.answer().header
    finger = Finger(camera.robot)

    def of_the_image(name: str) -> list[Any]:
        return [message for message in camera.robot.received[name] if header_of(message) == header]

    def arrived() -> bool:
        finger.point_at(*GREEN)
        return all(map(of_the_image, TOPICS))
    wait_for(arrived, lambda: f'all of {[name for name in TOPICS if not of_the_image(name)]}')
    found = {name: of_the_image(name)[0] for name in TOPICS}
    labels = np.frombuffer(found['label_map'].data, np.uint16).reshape(SIZE)
    ids = {item.id for item in found['instances'].instances}
    assert len(ids) == len(COLOURS)
    assert set(np.unique(labels)) == {0, *ids}
    assert {item.id for item in found['objects'].objects} == ids
    assert {marker.id for marker in found['markers'].markers[1:]} == ids
    assert found['cloud'].width == sum(item.point_count for item in found['objects'].objects)
    assert len(found['clicked'].instances) == 1
    image = scene(*SIZE).tobytes()
    for name in ('overlay', 'clicked_overlay'):
        assert len(found[name].data) == len(image) and found[name].data.tobytes() != image


def test_every_service_answers_well_and_badly_asked(camera: DepthCamera, tmp_path: Path) -> None:
    robot = camera.robot
    camera.answer()
    assert len(click(robot, RED).result.instances) == 1
    assert len(ask(robot, 'segment').result.instances) == len(COLOURS)
    for positions, text in (((), 'at least one click'), (((999, 0),), 'outside the image'),
                            (((NAN, 0),), 'row nan')):
        response = click(robot, *positions)
        assert not response.success and text in response.message
    other = write_colour_model(tmp_path / 'other')
    assert ask(robot, 'reload_model', model=str(other)).model == 'other'
    response = ask(robot, 'reload_model', model='/nowhere')
    assert not response.success and response.model == 'other'
    assert camera.answer('instances').model == 'other'
    wait_for(lambda: robot.value('model') == 'other', 'the diagnostics to follow')
