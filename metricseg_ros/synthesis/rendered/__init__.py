# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Things that physics lets settle, seen by a camera, with exact depth."""
