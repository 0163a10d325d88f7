# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The checks of `metricseg doctor`: one module a subject, each check a real probe."""
