# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images that cannot be segmented: one clear warning each, and the next good one is segmented."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from ros.colour_model import COLOURS, scene
from ros.robot import Robot, Segmenter, wait_for
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros

REPEATED = 5
BAD = {
    'zero size': ({'height': 0, 'width': 0, 'step': 0, 'data': array('B')}, 'without pixels'),
    'truncated': ({'data': array('B', bytes(1000))}, 'truncated image'),
    'unknown encoding': ({'encoding': 'rgb9'}, "unknown encoding 'rgb9'; did you mean 'rgb"),
    'step too small': ({'step': 1}, 'step is smaller than a row of 960 bytes'),
    'step that leaves a rest': ({'height': 200}, 'wrong step: step x rows is 192000 bytes'),
    'depth': ({'encoding': '32FC1'}, 'holds distances'),
}


@pytest.fixture(scope='module')
def robot(colour_model: Path) -> Iterator[Robot]:
    """Give a robot."""
    node = Segmenter(colour_model, image_reliability='reliable')
    # However long this takes on a busy machine, nothing is said twice.
    node.node.warn.period = inf
    robot = Robot('instances')
    robot.wait_until_matched()
    yield robot
    robot.close()
    node.close()


@pytest.mark.parametrize('name', BAD)
def test_a_bad_image_is_warned_of_once_and_the_next_good_one_is_segmented(
        robot: Robot, name: str) -> None:
    changes, text = BAD[name]
    for _ in range(REPEATED):
        _send_bad(robot, changes)
    answer = robot.answer(raw_image(robot.header(), scene()))
    assert len(answer.instances) == len(COLOURS)
    wait_for(lambda: robot.warnings(text), f'a warning of {text}')
    warnings = [log for log in robot.warnings(text) if log.startswith('image not segmented')]
    assert len(warnings) == 1


@pytest.mark.parametrize(('size', 'text'), [((1, 1), 'an image of 1x1 pixels'),
                                            ((2160, 3840), 'an image of 3840x2160 pixels')])
def test_an_image_of_an_odd_size_is_segmented_with_one_warning(
        robot: Robot, size: tuple[int, int], text: str) -> None:
    for _ in range(2):
        answer = robot.answer(raw_image(robot.header(), np.zeros((*size, 3), np.uint8)))
        assert (answer.image_height, answer.image_width) == size
        assert not answer.instances
    wait_for(lambda: robot.warnings(text), f'a warning of {text}')
    assert len(robot.answer(raw_image(robot.header(), scene())).instances) == len(COLOURS)
    assert len(robot.warnings(text)) == 1


def test_an_image_from_before_1970_is_segmented_all_the_same(robot: Robot) -> None:
    message = raw_image(robot.header(), scene())
    message.header.stamp.sec = -5  # Which a Time of rclpy cannot hold.
    answer = robot.answer(message)
    assert len(answer.instances) == len(COLOURS)
    assert answer.age_ms > 5000
    robot.answer(raw_image(robot.header(), scene()))


@pytest.mark.parametrize('length', [0, 3, 30, 1000])
def test_a_message_cut_short_on_the_wire_is_left_out(robot: Robot, length: int) -> None:
    whole = raw_image(robot.header(), scene())
    before = len(robot.received['instances'])
    robot.send(serialize_message(whole)[:length])
    answer = robot.answer(raw_image(robot.header(), scene()))
    assert len(answer.instances) == len(COLOURS)
    assert all(message.header != whole.header for message in robot.received['instances'][before:])


def test_diagnostics_name_the_fault_while_only_bad_images_come(robot: Robot) -> None:
    before = int(robot.value('bad'))
    status = robot.wait_for_status("unknown encoding 'rgb9'",
                                   lambda: robot.send(_bad(robot, {'encoding': 'rgb9'})))
    assert status.level == b'\x02'
    assert int(robot.value('bad')) > before
    robot.wait_for_status('segmenting', lambda: robot.send(raw_image(robot.header(), scene())))


def _send_bad(robot: Robot, changes: dict[str, Any]) -> None:
    """Send a bad image, and wait until it has failed: otherwise the next one replaces it."""
    before = int(robot.value('bad') or 0)
    robot.send_until(_bad(robot, changes), lambda: int(robot.value('bad') or 0) > before,
                     'the bad image to be counted')


def _bad(robot: Robot, changes: dict[str, Any]) -> Image:
    fields: dict[str, Any] = {'height': 240, 'width': 320, 'encoding': 'rgb8', 'step': 960,
                              'data': array('B', bytes(240 * 960))}
    return Image(header=robot.header(), **{**fields, **changes})
