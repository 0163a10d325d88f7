# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cut-outs pasted onto backgrounds, drawn things among them."""
