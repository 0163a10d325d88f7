# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What `benchmarks.tracking` is made of: videos with true ids, a plain tracker, the figures."""
