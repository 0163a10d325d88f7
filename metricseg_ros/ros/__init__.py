# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 side: the only package that imports rclpy and message packages."""

import os

from metricseg_ros.ros.process.allocator import share_one_arena

# Idle OpenMP threads of torch spin by default, and so take the cores from the other nodes of the
# robot: grouping took 90 ms in place of 5 on two busy cores. It counts only before torch loads.
os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
share_one_arena()
