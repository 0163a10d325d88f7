# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Start the segmenter for one camera, or for several.

    ros2 launch metricseg_ros segmenter.launch.py image:=/camera/color/image_raw
    ros2 launch metricseg_ros segmenter.launch.py cameras:=[left,right] image:=color/image_raw
    ros2 launch metricseg_ros segmenter.launch.py grouping.minimum_score:=0.7
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node
from launch_ros.utilities import make_namespace_absolute, prefix_namespace
from metricseg_ros.ros.process.launching import (
    ARGUMENTS,
    camera_names,
    CHOICES,
    parameter_file,
    parameters,
    refuse_unknown,
    remappings,
    TOPICS,
)

SHARE = Path(get_package_share_directory('metricseg_ros'))


def segmenter(context: LaunchContext) -> list[Node]:
    """
    Start the node.

    :param context: tells the arguments' values.
    :return: the node.
    """
    given = context.launch_configurations
    refuse_unknown(__file__, context.argv, ARGUMENTS)
    namespace = make_namespace_absolute(
        prefix_namespace(given.get('ros_namespace'), given['namespace'])) or '/'
    file = parameter_file(given['params_file'] or str(SHARE / 'config' / 'segmenter.yaml'),
                          f'{namespace.rstrip("/")}/segmenter')
    return [Node(
        package='metricseg_ros', executable='segmenter_node', name='segmenter',
        namespace=given['namespace'], output='screen',
        parameters=[str(file), *filter(None, [parameters(given)])],
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
