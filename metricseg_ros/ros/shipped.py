# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the files lie that come with the package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = 'metricseg_ros'


def shipped(relative: str) -> Path:
    """
    Find a file or folder that comes with the package.

    :param relative: its path in the source tree, as 'models/objects-lite'.
    :return: the one in the source tree or, where there is none, in the share folder.
    """
    source = Path(__file__).resolve().parents[2] / relative
    return source if source.exists() else _share() / relative


def _share() -> Path:
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory(PACKAGE))
