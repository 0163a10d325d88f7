# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Programs beside the node: camera player, viewer, demo."""
