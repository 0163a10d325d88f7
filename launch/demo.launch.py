# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Start the segmenter and a camera that plays images; look with `rviz:=true`."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory('metricseg_ros'))


def generate_launch_description() -> LaunchDescription:
    """
    Describe what is started.

    :return: the description.
    """
    return LaunchDescription([
        DeclareLaunchArgument('input', default_value=str(SHARE / 'demo' / 'images'),
                              description='Image, folder, video, rosbag2 or MCAP.'),
        DeclareLaunchArgument('rate', default_value='1.0', description='Images a second.'),
        DeclareLaunchArgument('rviz', default_value='false', description='Start RViz too.'),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(
            str(SHARE / 'launch' / 'segmenter.launch.py'))),
        Node(package='metricseg_ros', executable='camera_player', output='screen',
             arguments=['--input', LaunchConfiguration('input'), '--frames', '1000000',
                        '--rate', LaunchConfiguration('rate')]),
        Node(package='rviz2', executable='rviz2', output='screen',
             arguments=['-d', str(SHARE / 'config' / 'segmenter.rviz')],
             condition=IfCondition(LaunchConfiguration('rviz')))])
