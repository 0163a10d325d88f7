# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What `metricseg benchmark` measures on a robot: the network, the whole way, the node."""
