# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line: one module a verb, with `add_arguments(parser)` and `run(args) -> int`."""
