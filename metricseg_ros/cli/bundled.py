# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The photographs that come with the package, to measure and check with."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.inputs.images import list_images
from metricseg_ros.models import model_roots


def photographs() -> list[Path]:
    """
    List the photographs of the demo, which lie beside the shipped models.

    :return: at least one path.
    :raises FileNotFoundError: if they are not there.
    """
    folders = [root.parent / 'demo' / 'images' for root in model_roots()]
    for folder in folders:
        if folder.is_dir():
            return list_images(folder)
    raise FileNotFoundError('the photographs of the demo are not at '
                            f'{" or ".join(map(str, folders)) or "any shipped model"}: give the '
                            'path of a photograph')
