# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch files start what they should, with what was given and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

launch = pytest.importorskip('launch')
pytest.importorskip('launch_ros')

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.ros


@pytest.mark.parametrize('name', ['autostart', 'use_sim_time'])
def test_a_switch_is_true_or_false_and_a_misspelt_one_is_refused(name: str) -> None:
    (argument,) = (argument for argument in
                   _module('segmenter').generate_launch_description().get_launch_arguments()
                   if argument.name == name)
    context = launch.LaunchContext()
    for value in ('true', 'False'):
        context.launch_configurations[name] = value
        argument.execute(context)
    context.launch_configurations[name] = 'flase'
    with pytest.raises(RuntimeError, match='flase'):
        argument.execute(context)


@pytest.mark.parametrize('name', ['segmenter', 'demo'])
def test_a_launch_file_describes_itself(name: str) -> None:
    description = _module(name).generate_launch_description()
    declared = {argument.name for argument in description.get_launch_arguments()}
    expected = {'segmenter': {'namespace', 'cameras', 'image', 'depth', 'camera_info',
                              'params_file', 'model', 'use_sim_time'},
                'demo': {'input', 'rate', 'rviz'}}
    assert expected[name] <= declared


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / 'launch' / f'{name}.launch.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
