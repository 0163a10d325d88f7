# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Start the segmenter for one camera, or for several.

    ros2 launch metricseg_ros segmenter.launch.py image:=/camera/color/image_raw
    ros2 launch metricseg_ros segmenter.launch.py cameras:=[left,right] image:=color/image_raw
"""

from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from metricseg_ros.ros.process.launching import camera_names, remappings

SHARE = Path(get_package_share_directory('metricseg_ros'))

ARGUMENTS = {
    'namespace': ('', 'Namespace of the cameras and of the segmenter.'),
    'cameras': ('', 'Cameras of one node, as [left,right], each with its topics under its name or '
                'where {camera} stands for it; empty for one without a name.'),
    'image': ('image', 'Image topic; its compressed version is <image>/compressed.'),
    'depth': ('depth', 'Topic of the depth that is registered to the image.'),
    'camera_info': ('camera_info', "Topic of the image's intrinsics."),
    'params_file': (str(SHARE / 'config' / 'segmenter.yaml'), 'Parameter file of the node.'),
    'model': ('', "Name or path of the model; empty takes the parameter file's."),
    'autostart': ('', "Whether the node activates itself; empty takes the parameter file's."),
    'use_sim_time': ('false', 'Whether /clock tells the time, as with a recording.'),
    'log_level': ('info', 'Lowest level that is logged.'),
}
"""Name -> default and description."""

SWITCHES = ['true', 'True', 'false', 'False']
CHOICES = {'use_sim_time': SWITCHES, 'autostart': ['', *SWITCHES]}
"""Name -> values it may have, so that a misspelt one is refused rather than taken for false."""

TOPICS = ('image', 'depth', 'camera_info')
"""Those arguments that are inputs of the node, by its own names."""


def parameters(context: LaunchContext) -> dict[str, Any]:
    """
    Collect the parameters that were given beside the parameter file.

    :param context: tells the arguments' values.
    :return: name -> value.
    """
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    chosen: dict[str, Any] = {'use_sim_time': given['use_sim_time'].lower() == 'true'}
    if given['cameras']:
        chosen['cameras'] = camera_names(given['cameras'])
    if given['model']:
        chosen['model'] = given['model']
    if given['autostart']:
        chosen['autostart'] = given['autostart'].lower() == 'true'
    return chosen


def segmenter(context: LaunchContext) -> list[Node]:
    """
    Start the node.

    :param context: tells the arguments' values.
    :return: the node.
    """
    given = {name: LaunchConfiguration(name).perform(context)
             for name in ('cameras', *TOPICS, 'log_level')}
    return [Node(
        package='metricseg_ros', executable='segmenter_node', name='segmenter',
        namespace=LaunchConfiguration('namespace'), output='screen',
        parameters=[LaunchConfiguration('params_file'), parameters(context)],
        remappings=remappings(camera_names(given['cameras']),
                              {name: given[name] for name in TOPICS}),
        arguments=['--ros-args', '--log-level', f'segmenter:={given["log_level"]}'])]


def generate_launch_description() -> LaunchDescription:
    """
    Describe what is started.

    :return: the description.
    """
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description,
                                choices=CHOICES.get(name))
          for name, (default, description) in ARGUMENTS.items()),
        OpaqueFunction(function=segmenter)])
