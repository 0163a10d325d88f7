# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The node's parameters, declared from the configuration by one loop.

A value that needs a new configure is refused while the node is active; a bad value is refused with
the reason. What the YAML file or the command line asked for and could not be had is kept, and
fails the configure: nobody should segment with other parameters than they wrote down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metricseg_ros.config import dotted_fields, NodeConfig, ParameterInfo, with_values
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

RCLPY_NAMES = ('use_sim_time', 'start_type_description_service')
"""Parameters that rclpy declares for every node."""

RCLPY_PREFIX = 'qos_overrides.'
"""Prefix of parameters that would override a topic's QoS."""


class NodeParameters:
    """The configuration as it is set in a node, which was made to declare its overrides."""

    def __init__(self, node: Node, is_active: Callable[[], bool],
                 on_live_change: Callable[[NodeConfig], None]) -> None:
        """
        Declare every parameter.

        :param node: made with automatically_declare_parameters_from_overrides=True.
        :param is_active: whether parameters that need a configure must be left alone.
        :param on_live_change: told of the new configuration, from the parameter callback.
        """
        self.config = NodeConfig()
        self.problems: dict[str, str] = {}
        self._node = node
        self._forced = ''
        self._is_active = is_active
        self._on_live_change = on_live_change
        self._info = {name: info for name, _, info in dotted_fields(self.config)}
        self._take_overrides(node)
        for name, value, info in dotted_fields(self.config):
            node.declare_parameter(name, value, descriptor(value, info), ignore_override=True)
        if hasattr(node, 'add_pre_set_parameters_callback'):
            node.add_pre_set_parameters_callback(self._widened)
        if hasattr(node, 'add_post_set_parameters_callback'):
            node.add_on_set_parameters_callback(self._check)
            node.add_post_set_parameters_callback(self._apply)
        else:
            node.add_on_set_parameters_callback(self._check_and_apply)

    def force(self, name: str, value: Any) -> None:
        """Set a parameter that has taken effect already, also while the node is active."""
        self._forced = name
        try:
            self._node.set_parameters([Parameter(name, value=value)])
        finally:
            self._forced = ''

    def _take_overrides(self, node: Node) -> None:
        for name, parameter in node.get_parameters_by_prefix('').items():
            if name in RCLPY_NAMES:
                continue
            if name.startswith(RCLPY_PREFIX):
                self.problems[name] = (f'{name} has no effect: image_reliability tells what is '
                                       'asked of cameras, and outputs are reliable and volatile')
                continue
            try:
                self.config = with_values(self.config, {name: parameter.value})
            except (TypeError, ValueError) as error:
                self.problems[name] = str(error)
            if name in self._info:
                node.undeclare_parameter(name)  # Declared anew with its range and description.

    def _widened(self, parameters: list[Parameter]) -> list[Parameter]:
        """Take a whole number for a float, as `ros2 param set /segmenter opacity 1` sends it."""
        kinds = {name: type(value) for name, value, _ in dotted_fields(self.config)}
        return [Parameter(item.name, value=float(item.value))
                if kinds.get(item.name) is float and item.type_ == Parameter.Type.INTEGER else item
                for item in parameters]

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        values = self._values(parameters)
        try:
            self._refuse_while_active(with_values(self.config, values), values)
        except (TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[Parameter]) -> None:
        values = self._values(parameters)
        self.config = with_values(self.config, values)
        for name in values:
            self.problems.pop(name, None)
        self._on_live_change(self.config)

    def _check_and_apply(self, parameters: list[Parameter]) -> SetParametersResult:
        """Do both where rclpy has no callback for afterwards (Humble)."""
        result = self._check(parameters)
        if result.successful:
            self._apply(parameters)
        return result

    def _values(self, parameters: list[Parameter]) -> dict[str, Any]:
        return {item.name: item.value for item in parameters if item.name in self._info}

    def _refuse_while_active(self, config: NodeConfig, values: dict[str, Any]) -> None:
        before = {name: value for name, value, _ in dotted_fields(self.config)}
        after = {name: value for name, value, _ in dotted_fields(config)}
        waiting = [name for name in values
                   if not self._info[name].live and before[name] != after[name]
                   and name != self._forced]
        if waiting and self._is_active():
            raise ValueError(f'{", ".join(waiting)} takes effect at the next configure, and the '
                             'node is active: deactivate it first, then set, clean up, configure')


def descriptor(value: Any, info: ParameterInfo) -> ParameterDescriptor:
    """Describe one parameter to ROS."""
    when = 'Takes effect at once.' if info.live else 'Takes effect at the next configure.'
    choices = f'One of: {", ".join(info.choices)}. ' if info.choices else ''
    # The type is checked by the configuration, whose reason says more than rclpy's "expected '3'".
    result = ParameterDescriptor(description=info.description, dynamic_typing=True,
                                 additional_constraints=choices + when)
    if info.minimum is None or info.maximum is None:
        return result
    if type(value) is float:
        result.floating_point_range = [FloatingPointRange(
            from_value=float(info.minimum), to_value=float(info.maximum))]
    elif type(value) is int:
        result.integer_range = [IntegerRange(
            from_value=int(info.minimum), to_value=int(info.maximum), step=1)]
    return result
