# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network and the loading of its weights."""

from metricseg_ros.network.network import MetricSegmentationNetwork

__all__ = ['MetricSegmentationNetwork']
