# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The executables: an interrupt while torch is being imported, which takes seconds, is quiet."""

from __future__ import annotations

from importlib import import_module

INTERRUPTED = 130
"""Exit code of a program that SIGINT has ended, as shells have it."""


def run(module: str) -> int | None:
    """Import a program and run it."""
    try:
        main = import_module(module).main
    except KeyboardInterrupt:
        return INTERRUPTED
    return main()


def segmenter_node() -> int | None:
    """Run the segmenter."""
    return run('metricseg_ros.ros.segmenter_node')


def camera_player() -> int | None:
    """Run the camera player."""
    return run('metricseg_ros.ros.tools.player')


def viewer() -> int | None:
    """Run the viewer."""
    return run('metricseg_ros.ros.tools.viewer')
