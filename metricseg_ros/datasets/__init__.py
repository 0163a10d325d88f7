# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Readers of data sets, and generators of synthetic scenes."""
