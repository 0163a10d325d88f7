# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How Fast DDS carries images on one machine: by shared memory or UDP, with room for them."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import sys

from metricseg_ros.shipped import shipped

NEW_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
OLD_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
"""Names a profile from Fast DDS 3 on, and before, when its library was libfastrtps."""

PROFILE_VARIABLES = NEW_VARIABLE, OLD_VARIABLE
TRANSPORTS_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
CHOICES = *PROFILE_VARIABLES, TRANSPORTS_VARIABLE
"""Variables by which a user chooses transports; a profile would override the last one."""

PROFILE = 'config/fastdds.xml'
UDP_PROFILE = 'config/fastdds_node.xml'
"""Path of the profile for everybody, and of the one for who receives by UDP."""

RECEIVE_BUFFER = Path('/proc/sys/net/core/rmem_max')
WANTED_RECEIVE_BUFFER = 2**22
"""Bytes that hold an image of 1280x720 pixels; many kernels allow no more than 212992."""

MORE_RECEIVE_BUFFER = f'sudo sysctl -w net.core.rmem_max={2**25}'
"""Command that allows what the profiles ask for."""

SHARED_MEMORY = Path('/dev/shm')
WANTED_SHARED_MEMORY = 40 * 2**20
"""Where Linux keeps it, and the bytes that let one more process in: a profile gives it 32 MiB."""

MORE_SHARED_MEMORY = (
    'in a container give it more (docker run --ipc=host, or --shm-size=512m); killed nodes leave '
    f'theirs: end all nodes, then `rm {SHARED_MEMORY}/*fast*`')


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
    return {NEW_VARIABLE if new else OLD_VARIABLE:
            str(shipped(UDP_PROFILE if takes_images_by_udp() else PROFILE))}


def takes_images_by_udp() -> bool:
    """Tell whether the kernel has room for an image that comes by UDP."""
    return (receive_buffer() or 0) >= WANTED_RECEIVE_BUFFER


def receive_buffer() -> int | None:
    """Return the largest receive buffer that the kernel allows, in bytes, if it says so."""
    try:
        return int(RECEIVE_BUFFER.read_text())
    except (OSError, ValueError):
        return None


def free_shared_memory() -> int | None:
    """Return the free shared memory in bytes; None where there is none."""
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return None
