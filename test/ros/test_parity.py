# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Over ROS comes out what the library gives, to the bit, with the image's header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.config import NodeConfig, with_values
from metricseg_ros.inputs.image_messages import to_rgb
from metricseg_ros.packed_mask import unpack
from metricseg_ros.ros.tools.camera_messages import compressed_image, raw_image
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
import pytest
from ros.colour_model import COLOURS, scene
from ros.robot import Robot, Segmenter

pytestmark = pytest.mark.ros

LAYOUTS = {
    'rgb8': {}, 'bgr8': {'encoding': 'bgr8'}, 'mono8': {'encoding': 'mono8'},
    'padded rgb8': {'padding': 7}, 'padded bgr8': {'encoding': 'bgr8', 'padding': 1},
    'padded mono8': {'encoding': 'mono8', 'padding': 3}}


@pytest.fixture(scope='module')
def segmenter(colour_model: Path) -> InstanceSegmenter:
    """Give the library with the node's own configuration."""
    return InstanceSegmenter.from_config(with_values(NodeConfig(), {'model': str(colour_model)}))


@pytest.fixture(scope='module')
def robot(colour_model: Path) -> Iterator[Robot]:
    """Give a robot whose camera sends raw images."""
    yield from _robot(colour_model, 'raw')


@pytest.fixture(scope='module')
def compressing_robot(colour_model: Path) -> Iterator[Robot]:
    """Give a robot whose camera sends compressed images."""
    yield from _robot(colour_model, 'compressed')


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    """Give an image with noise, of an odd size that must be scaled."""
    image = cv2.resize(scene(), (413, 307), interpolation=cv2.INTER_LINEAR)
    return np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_raw_images_give_the_label_map_of_the_library(
        robot: Robot, segmenter: InstanceSegmenter, photo: np.ndarray, layout: str) -> None:
    _assert_same(robot, segmenter, raw_image(robot.header(), photo, **LAYOUTS[layout]),
                 _seen(photo, layout))


@pytest.mark.parametrize('compression', ['jpeg', 'png'])
def test_compressed_images_give_the_label_map_of_the_library(
        compressing_robot: Robot, segmenter: InstanceSegmenter, photo: np.ndarray,
        compression: str) -> None:
    message = compressed_image(compressing_robot.header(), photo, compression)
    decoded = cv2.imdecode(np.array(message.data), cv2.IMREAD_COLOR)[..., ::-1]
    _assert_same(compressing_robot, segmenter, message, np.ascontiguousarray(decoded))


def test_every_instance_is_described_as_the_library_found_it(
        robot: Robot, segmenter: InstanceSegmenter) -> None:
    image = scene()
    expected = segmenter.segment(image)
    answer = robot.answer(raw_image(robot.header(), image))
    assert len(answer.instances) == len(expected) == len(COLOURS)
    assert (answer.image_height, answer.image_width) == image.shape[:2]
    for index, item in enumerate(answer.instances):
        assert item.id == expected.ids[index]
        assert (item.class_id, item.class_name) == (1, 'thing')
        assert item.score == pytest.approx(float(expected.scores[index]))
        assert item.area == expected.areas[index]
        assert (item.seed_row, item.seed_column) == tuple(expected.seeds[index])
        left, top, right, bottom = expected.boxes[index]
        assert (item.box.x_offset, item.box.y_offset) == (left, top)
        assert (item.box.width, item.box.height) == (right - left, bottom - top)
        np.testing.assert_array_equal(unpack(item.mask, expected.image_size),
                                      expected.mask(index))


def test_what_ran_and_how_long_it_took_is_told(robot: Robot) -> None:
    answer = robot.answer(raw_image(robot.header(), scene()))
    assert (answer.model, answer.backend, answer.precision) == ('colours', 'onnxruntime', 'fp32')
    assert answer.provider == 'CPUExecutionProvider'
    stages = [answer.wait_ms, answer.convert_ms, answer.preprocess_ms, answer.network_ms,
              answer.grouping_ms, answer.tracking_ms, answer.restore_ms]
    assert all(stage > 0 for stage in stages)
    assert sum(stages) <= answer.callback_ms <= answer.age_ms


def test_an_image_without_stamp_has_no_age(robot: Robot) -> None:
    message = raw_image(robot.header(), scene())
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    message.header.frame_id = 'unstamped'
    assert np.isnan(robot.answer(message).age_ms)


def test_the_overlay_shows_the_image_outside_the_masks(robot: Robot) -> None:
    image = scene()
    overlay = to_rgb(robot.answer(raw_image(robot.header(), image), 'overlay'))
    assert overlay.shape == image.shape
    assert (overlay[200:] == image[200:]).all()
    assert (overlay[40:70, 20:50] != image[40:70, 20:50]).any()


def _robot(model: Path, transport: str) -> Iterator[Robot]:
    node = Segmenter(model, image_transport=transport, image_reliability='reliable')
    robot = Robot('instances', 'label_map', 'overlay')
    robot.wait_until_matched(transport == 'compressed')
    yield robot
    robot.close()
    node.close()


def _seen(image: np.ndarray, layout: str) -> np.ndarray:
    if 'mono8' not in layout:
        return image
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _assert_same(robot: Robot, segmenter: InstanceSegmenter, message: Any,
                 image: np.ndarray) -> None:
    expected = segmenter.segment(image).label_map
    label_map = robot.answer(message, 'label_map')
    assert expected.any()
    assert (label_map.encoding, label_map.step) == ('mono16', 2 * image.shape[1])
    np.testing.assert_array_equal(
        np.frombuffer(label_map.data, np.uint16).reshape(image.shape[:2]), expected)
    assert label_map.header == message.header
    assert robot.answer(message).header == message.header
