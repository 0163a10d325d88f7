# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters change live where they can, and are refused with the reason where they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from metricseg_ros.config import dotted_fields, NodeConfig, ParameterInfo
from metricseg_ros.ros.parameters import descriptor
from metricseg_ros.ros.tools.camera_messages import raw_image
import pytest
from rclpy.node import Node
from ros.colour_model import COLOURS, scene
from ros.robot import Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def segmenter(colour_model: Path) -> Iterator[Segmenter]:
    """Give an active segmenter."""
    segmenter = Segmenter(colour_model, image_reliability='reliable')
    yield segmenter
    segmenter.close()


@pytest.fixture(scope='module')
def robot(segmenter: Segmenter) -> Iterator[Robot]:
    """Give its robot."""
    robot = Robot('instances')
    robot.wait_until_matched()
    yield robot
    robot.close()


def test_every_field_of_the_configuration_is_a_parameter(segmenter: Segmenter) -> None:
    node: Node = segmenter.node
    for name, value, info in dotted_fields(NodeConfig()):
        assert node.has_parameter(name)
        assert type(node.get_parameter(name).value) is type(value)
        assert node.describe_parameter(name).description == info.description
    ranges = node.describe_parameter('grouping.minimum_score').floating_point_range
    assert (ranges[0].from_value, ranges[0].to_value) == (0.0, 1.0)


def test_choices_and_time_of_effect_are_described() -> None:
    info = ParameterInfo('Colour.', choices=('red', 'blue'), live=True)
    assert descriptor('red', info).additional_constraints == \
        'One of: red, blue. Takes effect at once.'
    limits = descriptor(3, ParameterInfo('Number.', 1, 9)).integer_range[0]
    assert (limits.from_value, limits.to_value) == (1, 9)


def test_a_live_parameter_takes_effect_on_the_next_image(robot: Robot) -> None:
    assert len(robot.answer(raw_image(robot.header(), scene())).instances) == len(COLOURS)
    # The colours' score is 0.9975.
    assert robot.set_parameter('grouping.minimum_score', 0.999).successful
    assert not robot.answer(raw_image(robot.header(), scene())).instances
    assert robot.set_parameter('grouping.minimum_score', 0.0).successful  # The model's own.
    assert len(robot.answer(raw_image(robot.header(), scene())).instances) == len(COLOURS)


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('grouping.minimum_score', 1.5, '1.5'),
    ('grouping.minimum_score', float('nan'), 'nan'),
    ('grouping.minimum_score', 'high', "must be of type float, got 'high'"),
    ('grouping.maximum_seeds', 0, '0'),
    ('grouping.connected', 1, 'must be of type bool, got 1'),
    ('grouping.maximum_seeds', None, 'must be of type int, got None'),
    ('image_transport', 'theora', 'must be one of raw, compressed'),
    ('model', 'other', 'takes effect at the next configure'),
    ('backend.threads', 3, 'takes effect at the next configure')])
def test_a_value_that_cannot_be_had_is_refused_with_the_reason(
        robot: Robot, segmenter: Segmenter, name: str, value: Any, reason: str) -> None:
    before = segmenter.node.settings.config
    result = robot.set_parameter(name, value)
    assert not result.successful
    assert reason in result.reason
    assert name in result.reason
    assert segmenter.node.settings.config == before


@pytest.mark.skipif(not hasattr(Node, 'add_pre_set_parameters_callback'),
                    reason='this rclpy cannot change values before they are checked')
def test_a_whole_number_is_taken_for_a_float(robot: Robot, segmenter: Segmenter) -> None:
    assert robot.set_parameter('overlay.opacity', 1).successful
    assert segmenter.node.get_parameter('overlay.opacity').value == 1.0
    assert segmenter.node.session.cameras[''].outputs.overlay.opacity == 1.0


def test_other_parameters_wait_for_the_next_configure(robot: Robot, segmenter: Segmenter) -> None:
    assert robot.change_state('deactivate')
    assert robot.set_parameter('latency_window', 10).successful
    assert segmenter.node.session.config.latency_window == NodeConfig().latency_window
    assert robot.change_state('cleanup')
    assert robot.change_state('configure')
    assert segmenter.node.session.config.latency_window == 10
    assert robot.change_state('activate')
    wait_for(lambda: robot.value('state') == 'active', 'the node to be active')


def test_a_qos_override_without_effect_fails_the_configure(start: Callable[..., Any],
                                                           colour_model: Path) -> None:
    segmenter = start(Segmenter(colour_model, start=False, **{
        'qos_overrides./image.subscription.reliability': 'reliable'}))
    segmenter.call(segmenter.node.start)
    assert segmenter.node.phase == 'unconfigured'
    assert 'qos_overrides./image.subscription.reliability has no effect' in segmenter.node.problem
