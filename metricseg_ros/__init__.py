# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Instance segmentation by metric learning, as a library and as a ROS 2 node."""

from __future__ import annotations

from importlib import import_module
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from metricseg_ros.config import SegmenterConfig
    from metricseg_ros.segmenter import InstanceSegmenter
    from metricseg_ros.structures import DepthImage, Instances
    from metricseg_ros.tracking import Tracker

__all__ = ['DepthImage', 'Instances', 'InstanceSegmenter', 'SegmenterConfig', 'Tracker']
__version__ = '0.1.0'

_MODULES = {'DepthImage': 'structures', 'Instances': 'structures',
            'InstanceSegmenter': 'segmenter', 'SegmenterConfig': 'config', 'Tracker': 'tracking'}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: `metricseg --help` and the messages need no torch."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)
