# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pictures that come with the package, to measure and check with."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.inputs.images import list_images
from metricseg_ros.models import model_roots


def photographs() -> list[Path]:
    """
    List the photographs of the demo.

    :return: at least one path.
    :raises FileNotFoundError: if they are not there.
    """
    return list_images(beside_models('demo/images'))


def beside_models(relative: str) -> Path:
    """
    Find what lies beside the shipped models.

    :param relative: its path in the source tree, such as config/fastdds.xml.
    :raises FileNotFoundError: if it is not there.
    """
    paths = [root.parent / relative for root in model_roots()]
    for path in paths:
        if path.exists():
            return path
    raise FileNotFoundError(f'{relative} of the package is not at '
                            f'{" or ".join(map(str, paths)) or "any shipped model"}')
