# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects in space: masks with depth and the camera's intrinsics."""

from metricseg_ros.objects3d.locate import locate, ObjectInSpace

__all__ = ['locate', 'ObjectInSpace']
