# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Labelling images in the browser, and teaching a model what has been labelled."""
