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
    return list_images(demo_folder('images'))


def demo_folder(name: str) -> Path:
    """
    Find a folder of the demo, which lies beside the shipped models.

    :param name: `images` or `things`.
    :return: the folder.
    :raises FileNotFoundError: if it is not there.
    """
    folders = [root.parent / 'demo' / name for root in model_roots()]
    for folder in folders:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f'the {name} of the demo are not at '
                            f'{" or ".join(map(str, folders)) or "any shipped model"}')
