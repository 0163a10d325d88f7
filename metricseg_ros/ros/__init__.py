# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 side: the only package that imports rclpy and message packages."""
