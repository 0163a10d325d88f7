# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From a folder of labels to a model that is better at them."""
