# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels that mean no instance."""

BACKGROUND = 0
"""Label of the background in a label map, and class id of 'no object'."""

IGNORE_LABEL = 65535
"""Label of pixels that take no part in training and evaluation, in a label map."""
