# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Instance segmentation by metric learning, as a library and as a ROS 2 node."""

__version__ = '0.1.0'
