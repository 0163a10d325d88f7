# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How Fast DDS carries images on one machine: by shared memory or UDP, with room for them."""

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

RECEIVE_BUFFER = Path('/proc/sys/net/core/rmem_max')
WANTED_RECEIVE_BUFFER = 2**22
"""Bytes that hold an image of 1280x720 pixels; many kernels allow no more than 212992."""

CHOICES = (NEW_VARIABLE, OLD_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS')
"""Variables by which a user chooses transports; a profile would override the last one."""


def image_profile() -> dict[str, str]:
    """
    Choose the profile for images on one machine, unless the user has chosen transports.

    What comes through shared memory has to fit into the segment of the camera, which holds less
    than an image unless the camera has a profile, too. UDP asks nothing of the camera, but for a
    receive buffer.

    :return: the environment variable to set, or nothing.
    """
    if any(os.environ.get(name) for name in CHOICES):
        return {}
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    new = any(next(Path(prefix, 'lib').glob('libfastdds.so*'), None)
              for prefix in prefixes if prefix)
    by_udp = receive_buffer() >= WANTED_RECEIVE_BUFFER
    return {NEW_VARIABLE if new else OLD_VARIABLE: str(shipped(
        'config/fastdds_node.xml' if by_udp else 'config/fastdds.xml'))}


def receive_buffer() -> int:
    """Return the largest receive buffer that the kernel allows, in bytes; 0 if it does not say."""
    try:
        return int(RECEIVE_BUFFER.read_text())
    except (OSError, ValueError):
        return 0


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
