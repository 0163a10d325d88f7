# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch files start what they should, with what was given and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

import pytest
from rcl_interfaces.srv import GetParameters
from ros.robot import Robot, wait_for

launch = pytest.importorskip('launch')
pytest.importorskip('launch_ros')

TIMEOUT_S = 200
LAUNCHED = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace, SetParameter

path, *arguments = sys.argv[1:]
parent = [PushRosNamespace('robot'), SetParameter('use_sim_time', True)]
service = LaunchService(argv=arguments, noninteractive=True)
service.include_launch_description(LaunchDescription([
    *parent, IncludeLaunchDescription(
        PythonLaunchDescriptionSource(path),
        launch_arguments=[tuple(text.split(':=', 1)) for text in arguments])]))
sys.exit(service.run())
"""
"""As `ros2 launch` does it, of a parent that has a namespace and simulated time for all."""

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


@pytest.mark.parametrize(('argument', 'text'), [
    ('imgae:=/camera/image', "there is no argument 'imgae': did you mean image?"),
    ('grouping.minimum_score:=7', 'grouping.minimum_score must be in'),
    ('params_file:=/nowhere/mine.yaml', 'params_file /nowhere/mine.yaml cannot be read')])
def test_what_would_have_no_effect_starts_no_node(argument: str, text: str) -> None:
    ended = subprocess.run(_launching(argument), capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    assert ended.returncode == 1
    assert text in ended.stderr + ended.stdout and 'process started' not in ended.stderr


def test_what_is_given_reaches_the_node(tmp_path: Path) -> None:
    file = tmp_path / 'robot.yaml'
    file.write_text('/robot/camera: {ros__parameters: {opacity: 0.1}}\n'
                    '/robot/segmenter: {ros__parameters: {autostart: false, opacity: 0.25}}\n')
    robot = Robot('instances')
    asked = robot.node.create_client(GetParameters, '/robot/segmenter/get_parameters')
    launched = subprocess.Popen(_launching(
        f'params_file:={file}', 'grouping.minimum_score:=0.7', 'image:=/eye/image'))
    try:
        wait_for(asked.service_is_ready, 'the node', TIMEOUT_S)
        names = ['opacity', 'grouping.minimum_score', 'use_sim_time', 'autostart']
        reply = asked.call_async(GetParameters.Request(names=names))
        wait_for(reply.done, 'its parameters')
        opacity, score, simulated, autostart = reply.result().values
        assert (opacity.double_value, score.double_value) == (0.25, 0.7)
        assert simulated.bool_value and not autostart.bool_value
    finally:
        launched.send_signal(signal.SIGINT)
        launched.wait(TIMEOUT_S)
        robot.close()


def _launching(*arguments: str) -> list[str]:
    return [sys.executable, '-c', LAUNCHED, str(ROOT / 'launch' / 'segmenter.launch.py'),
            *arguments]


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / 'launch' / f'{name}.launch.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
