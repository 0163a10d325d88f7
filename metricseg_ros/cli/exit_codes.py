# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the program's exit code says."""

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130
