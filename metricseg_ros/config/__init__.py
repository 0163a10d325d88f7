# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Every parameter, its default, range and description, in one place; see the modules.

A network, a training, the running segmenter and the ROS 2 node have one module each.
"""

from metricseg_ros.config.labels import BACKGROUND, IGNORE_LABEL
from metricseg_ros.config.network import NetworkConfig
from metricseg_ros.config.node import ClicksConfig, DepthConfig, DepthInputConfig, NodeConfig
from metricseg_ros.config.parameters import (
    check_value,
    dotted_fields,
    flattened,
    from_dict,
    NO_LIMITS,
    parameter,
    ParameterInfo,
    parse_value,
    with_values,
)
from metricseg_ros.config.segmenter import (
    BackendConfig,
    GroupingConfig,
    InputConfig,
    OverlayConfig,
    SegmenterConfig,
    SupportConfig,
    TrackingConfig,
)
from metricseg_ros.config.texts import read_parameters, with_overrides
from metricseg_ros.config.training import TEACHING, TrainingConfig

__all__ = [
    'BackendConfig',
    'BACKGROUND',
    'check_value',
    'ClicksConfig',
    'DepthConfig',
    'DepthInputConfig',
    'dotted_fields',
    'flattened',
    'from_dict',
    'GroupingConfig',
    'IGNORE_LABEL',
    'InputConfig',
    'NetworkConfig',
    'NO_LIMITS',
    'NodeConfig',
    'OverlayConfig',
    'parameter',
    'ParameterInfo',
    'parse_value',
    'read_parameters',
    'SegmenterConfig',
    'SupportConfig',
    'TEACHING',
    'TrackingConfig',
    'TrainingConfig',
    'with_overrides',
    'with_values',
]
