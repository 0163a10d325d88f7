# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 side: the only package that imports rclpy and message packages."""

from metricseg_ros.ros.process.allocator import share_one_arena
from metricseg_ros.threads import let_waiting_threads_sleep

let_waiting_threads_sleep()
share_one_arena()
