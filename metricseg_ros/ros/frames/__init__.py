# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One frame from its arrival to its publication, and what it cost."""
