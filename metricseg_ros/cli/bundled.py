# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pictures that come with the package, to measure and check with."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.inputs.images import list_images
from metricseg_ros.shipped import shipped


def photographs() -> list[Path]:
    """
    List the photographs of the demo.

    :raises FileNotFoundError: if they are not there.
    """
    return list_images(shipped('demo/images'))
