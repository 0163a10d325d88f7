# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each service answers over ROS 2, whatever it is asked, and the node goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Time
from metricseg_ros.packed_mask import unpack
from metricseg_ros.ros.tools.camera_messages import raw_image
import numpy as np
import pytest
from ros.asking import ask, click, GREEN, RED
from ros.colour_model import COLOURS, scene
from ros.robot import Robot, Segmenter
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros

NAN, INF = float('nan'), float('inf')


def mask_of(result: Any, index: int = 0) -> np.ndarray:
    return unpack(result.instances[index].mask, (result.image_height, result.image_width))


@pytest.fixture(scope='module')
def robot(colour_model: Path) -> Iterator[Robot]:
    """Give a robot whose segmenter has seen one image."""
    segmenter = Segmenter(colour_model, image_reliability='reliable')
    robot = Robot('instances')
    robot.wait_until_matched()
    robot.answer(raw_image(robot.header(), scene()))
    yield robot
    robot.close()
    segmenter.close()


def test_clicks_give_the_masks_that_were_published(robot: Robot) -> None:
    published = robot.answer(raw_image(robot.header(), scene()))
    response = click(robot, RED, GREEN, stamp=published.header.stamp)
    assert response.success, response.message
    assert response.result.header == published.header
    assert response.result.model == published.model
    expected = {item.seed_column // 56: item for item in published.instances}
    assert [item.mask for item in response.result.instances] == [expected[0].mask,
                                                                 expected[1].mask]
    assert [item.id for item in response.result.instances] == [1, 2]
    assert response.took_ms > 0


def test_merged_and_negative_clicks(robot: Robot) -> None:
    both = click(robot, RED, GREEN, merge=True).result
    assert len(both.instances) == 1
    assert mask_of(both)[50, 30] and mask_of(both)[50, 90]
    # At so low a threshold everything black is like red, unless it is said not to be.
    loose = {'similarity_threshold': 1e-30}
    assert mask_of(click(robot, RED, **loose).result)[5, 5]
    kept = mask_of(click(robot, RED, negative_rows=[5.0], negative_columns=[5.0], **loose).result)
    assert kept[50, 30] and not kept[5, 5]


@pytest.mark.parametrize(('positions', 'fields', 'text'), [
    ([], {}, 'at least one click'),
    ([(240, 5)], {}, 'click 0 at row 240, column 5 is outside the image of 240 rows and 320'),
    ([RED, (-3, 5)], {}, 'click 1 at row -3'),
    ([(NAN, 5)], {}, 'click 0 at row nan'),
    ([(5, INF)], {}, 'column inf is outside'),
    ([RED], {'negative_rows': [1.0]}, 'negative_rows and negative_columns must be of the same'),
    ([RED], {'negative_rows': [999.0], 'negative_columns': [0.0]}, 'negative click 0'),
    ([RED], {'negative_rows': [RED[0]], 'negative_columns': [RED[1]]}, 'same cell'),
    ([RED], {'similarity_threshold': 1.5}, 'similarity_threshold must be in'),
    ([RED], {'similarity_threshold': NAN}, 'similarity_threshold must be in'),
    ([], {'negative_rows': [1.0], 'negative_columns': [1.0]}, 'got none but 1 negative'),
    ([RED], {'camera': 'left'}, "the only camera has no name: leave camera empty, got 'left'"),
    ([RED], {'stamp': Time(sec=1)}, 'no frame of stamp 1.000000000 is kept; those kept are')])
def test_clicks_that_cannot_be_answered_are_named(
        robot: Robot, positions: list[tuple[float, float]], fields: dict[str, Any],
        text: str) -> None:
    response = click(robot, *positions, **fields)
    assert not response.success
    assert text in response.message
    assert not response.result.instances
    assert click(robot, RED).success


def test_only_the_latest_frames_are_kept(robot: Robot) -> None:
    stamps = [robot.answer(raw_image(robot.header(), scene())).header.stamp for _ in range(5)]
    assert not click(robot, RED, stamp=stamps[0]).success
    for stamp in stamps[1:]:
        assert click(robot, RED, stamp=stamp).result.header.stamp == stamp


def test_an_image_in_the_request_is_segmented_for_who_asks_alone(robot: Robot) -> None:
    header = robot.header()
    header.frame_id = 'album'
    image = scene()
    image[:, 100:] = 0
    before = len(robot.received['instances'])
    response = ask(robot, 'segment', image=raw_image(header, image))
    assert response.success, response.message
    assert response.result.header == header
    assert len(response.result.instances) == 1 + 1  # Red, and what is left of green.
    assert response.result.network_ms > 0
    assert click(robot, RED, stamp=header.stamp).result.header.frame_id == 'album'
    robot.answer(raw_image(robot.header(), scene()))
    assert all(message.header.frame_id != 'album'
               for message in robot.received['instances'][before:])


def test_without_an_image_the_newest_is_segmented(robot: Robot) -> None:
    header = robot.answer(raw_image(robot.header(), scene())).header
    response = ask(robot, 'segment')
    assert response.result.header == header
    assert len(response.result.instances) == len(COLOURS)


@pytest.mark.parametrize(('image', 'text'), [
    (Image(height=4, width=4, encoding='rgb8', step=12), 'data'),
    (Image(height=1, width=1, encoding='nonsense', step=1, data=[0]), 'nonsense')])
def test_an_image_that_cannot_be_read_is_named(robot: Robot, image: Image, text: str) -> None:
    response = ask(robot, 'segment', image=image)
    assert not response.success
    assert text in response.message
    assert ask(robot, 'segment').success
