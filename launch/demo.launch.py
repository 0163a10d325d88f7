# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Start the segmenter and a camera that plays images; look with `rviz:=true`.

The arguments of segmenter.launch.py may be given, too: the camera follows them.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from metricseg_ros.ros.process.launching import (
    ARGUMENTS,
    camera_players,
    refuse_unknown,
)

SHARE = Path(get_package_share_directory('metricseg_ros'))
OWN = {'input': (str(SHARE / 'demo' / 'images'), 'Image, folder, video, rosbag2 or MCAP.'),
       'rate': ('1.0', 'Images a second.'),
       'rviz': ('false', 'Start RViz too.')}
"""Name -> default and description."""


def players(context: LaunchContext) -> list[Node]:
    """
    Start a player for each camera, on the topic that the segmenter reads.

    :param context: tells the arguments' values.
    :return: the players.
    """
    refuse_unknown(__file__, context.argv, [*ARGUMENTS, *OWN])
    return [Node(package='metricseg_ros', executable='camera_player', output='screen', **player)
            for player in camera_players(context.launch_configurations)]


def generate_launch_description() -> LaunchDescription:
    """
    Describe what is started.

    :return: the description.
    """
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in OWN.items()),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(
            str(SHARE / 'launch' / 'segmenter.launch.py'))),
        OpaqueFunction(function=players),
        Node(package='rviz2', executable='rviz2', output='screen',
             arguments=['-d', str(SHARE / 'config' / 'segmenter.rviz')],
             condition=IfCondition(LaunchConfiguration('rviz')))])
