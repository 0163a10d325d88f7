# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From a raw frame to masks in the image: one program of fixed shapes, without a look from the host.

What :mod:`metricseg_ros.grouping`, :mod:`metricseg_ros.instances` and
:mod:`metricseg_ros.outlines` do on the CPU, each step in operators whose shapes and number do not
depend on the image, so that a GPU can run them all from one CUDA graph. The same operators run on
the CPU in tests, where the result is held against that of the CPU's own path.
"""
