# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Start the segmenter for one camera."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory('metricseg_ros'))

ARGUMENTS = {
    'namespace': ('', 'Namespace of the camera and of the segmenter.'),
    'image': ('image', 'Image topic; its compressed version is <image>/compressed.'),
    'params_file': (str(SHARE / 'config' / 'segmenter.yaml'), 'Parameter file of the node.'),
    'model': ('', "Name or path of the model; empty takes the parameter file's."),
    'autostart': ('', "Whether the node activates itself; empty takes the parameter file's."),
    'use_sim_time': ('false', 'Whether /clock tells the time, as with a recording.'),
    'log_level': ('info', 'Lowest level that is logged.'),
}
"""Name -> default and description."""


def segmenter(context: LaunchContext) -> list[Node]:
    """
    Start the node with those parameters that were given.

    :param context: tells the arguments' values.
    :return: the node.
    """
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    parameters = {'use_sim_time': given['use_sim_time'].lower() == 'true'}
    if given['model']:
        parameters['model'] = given['model']
    if given['autostart']:
        parameters['autostart'] = given['autostart'].lower() == 'true'
    return [Node(
        package='metricseg_ros', executable='segmenter_node', name='segmenter',
        namespace=given['namespace'], output='screen',
        parameters=[given['params_file'], parameters],
        remappings=[('image', given['image']),
                    ('image/compressed', f'{given["image"]}/compressed')],
        arguments=['--ros-args', '--log-level', f'segmenter:={given["log_level"]}'])]


def generate_launch_description() -> LaunchDescription:
    """
    Describe what is started.

    :return: the description.
    """
    profile = str(SHARE / 'config' / 'fastdds.xml')
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Images through shared memory, unless the user has a profile: see config/fastdds.xml.
        *(SetEnvironmentVariable(name, EnvironmentVariable(name, default_value=profile))
          for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')),
        OpaqueFunction(function=segmenter)])
