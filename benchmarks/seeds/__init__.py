# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What `benchmarks.grouping` is made of: embeddings, plain seeds and other clusterings."""
