# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Identity: ids that objects keep from image to image."""

from metricseg_ros.tracking.tracker import Tracker

__all__ = ['Tracker']
