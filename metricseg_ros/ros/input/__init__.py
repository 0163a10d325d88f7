# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What comes in: images and depth, the newest of each, paired by their stamps."""
