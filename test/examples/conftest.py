# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the examples share."""

from __future__ import annotations

from ros.conftest import colour_model, start

__all__ = ['colour_model', 'start']
