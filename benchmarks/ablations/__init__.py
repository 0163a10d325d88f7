# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The variants that `benchmarks.ablation` measures, and the table and plot that come of them."""
