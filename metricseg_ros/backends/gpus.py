# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which GPUs there are: as the driver says, and as torch can use them."""

from __future__ import annotations

from pathlib import Path
import shutil
import subprocess
from typing import NamedTuple

JETSON_RELEASE = Path('/etc/nv_tegra_release')
QUERY_TIMEOUT_S = 20


class Gpu(NamedTuple):
    """
    A GPU.

    :param name: as its driver says, such as Orin.
    :param compute_capability: such as 8.7.
    :param multiprocessors: how many it has; 0 where that is not known.
    """

    name: str
    compute_capability: str
    multiprocessors: int = 0


def driver_gpus() -> list[str]:
    """
    Ask the driver, not the packages.

    :return: a line for each NVIDIA GPU: name, driver, memory; empty without one.
    """
    if JETSON_RELEASE.exists():
        return [f'Jetson, {JETSON_RELEASE.read_text().splitlines()[0].strip("# ")}']
    query = shutil.which('nvidia-smi')
    if query is None:
        return []
    try:
        ended = subprocess.run(
            [query, '--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'],
            capture_output=True, text=True, timeout=QUERY_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return ended.stdout.strip().splitlines() if ended.returncode == 0 else []


def present_gpu() -> Gpu | None:
    """Ask torch for the GPU that it uses; None where it can use none."""
    import torch

    if not torch.cuda.is_available():
        return None
    found = torch.cuda.get_device_properties(torch.cuda.current_device())
    return Gpu(found.name, f'{found.major}.{found.minor}', found.multi_processor_count)


def found_gpu() -> str:
    """
    Look for a GPU by all means, as a container may hide the driver's tool.

    :return: its name, as far as it is known; empty if there is none.
    """
    gpu = present_gpu()
    return gpu.name if gpu else next(iter(driver_gpus()), '')
