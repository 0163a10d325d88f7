# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network as a TensorRT engine: built once for this GPU, kept, and checked before use."""
