# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From facts by ordered rules to one sentence with the remedy."""
