# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The profile that lets Fast DDS carry images through shared memory."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import sys

from metricseg_ros.ros.process.shipped import shipped

NEW_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
OLD_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
"""Name of the variable from Fast DDS 3 on, and before, when its library was libfastrtps."""

SHARED_MEMORY = Path('/dev/shm')
"""Where Linux keeps it."""

CHOICES = (NEW_VARIABLE, OLD_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS')
"""Variables by which a user chooses transports; a profile would override the last one."""


def shared_memory_profile() -> dict[str, str]:
    """
    Choose the profile for images on one machine, unless the user has chosen transports.

    :return: the environment variable to set, or nothing.
    """
    if any(os.environ.get(name) for name in CHOICES):
        return {}
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    new = any(next(Path(prefix, 'lib').glob('libfastdds.so*'), None)
              for prefix in prefixes if prefix)
    return {NEW_VARIABLE if new else OLD_VARIABLE: str(shipped('config/fastdds.xml'))}


def free_mib(folder: Path) -> float | None:
    """
    Tell how much room there is.

    :param folder: of a file system.
    :return: free MiB; None if there is no such folder.
    """
    try:
        return shutil.disk_usage(folder).free / 2**20
    except OSError:
        return None
