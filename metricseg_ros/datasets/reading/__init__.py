# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the formats consist of: images, label maps, lists, masks, each with errors that name it."""
