# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory: what the method is compared with. It is not installed with the package."""
