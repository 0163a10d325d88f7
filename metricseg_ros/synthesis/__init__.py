# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Scenes with exact labels: composed from cut-outs, or rendered."""
