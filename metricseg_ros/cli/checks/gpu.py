# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether there is a GPU, and whether it is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import shutil
import subprocess

from metricseg_ros.cli.checks.check import Check, OK, WARN

JETSON_RELEASE = Path('/etc/nv_tegra_release')
QUERY_TIMEOUT_S = 20


def check_gpu() -> Iterator[Check]:
    """
    Compare the GPUs that the system has with those that torch and ONNX Runtime can use.

    :return: one check for the GPU, and one for each package that leaves it unused.
    """
    found = find_gpus()
    if not found:
        yield Check('GPU', OK, 'no NVIDIA GPU: the network runs on the CPU')
        return
    yield Check('GPU', OK, ', '.join(found))
    yield from (check for check in (torch_on_gpu(), onnxruntime_on_gpu(), tensorrt_on_gpu())
                if check)


def find_gpus() -> list[str]:
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


def torch_on_gpu() -> Check | None:
    """
    Compute something on the GPU with torch.

    :return: the check if torch cannot, else None.
    """
    try:
        import torch
        (torch.ones(8, device='cuda') * 2).sum().item()
    except Exception as error:  # No torch, no CUDA build, driver too old, and so on.
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        return Check('torch on the GPU', WARN, f'unused: {reason}',
                     'install a CUDA build of torch that fits the driver; on a Jetson, the wheel '
                     'that NVIDIA makes for its JetPack')
    return None


def onnxruntime_on_gpu() -> Check | None:
    """
    Ask ONNX Runtime for its GPU providers.

    :return: the check if it has none, else None.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    gpu_providers = {'CUDAExecutionProvider', 'TensorrtExecutionProvider'}
    if gpu_providers & set(onnxruntime.get_available_providers()):
        return None
    return Check('onnxruntime on the GPU', WARN, 'unused: this build has no CUDA provider',
                 'pip uninstall onnxruntime && pip install onnxruntime-gpu, or '
                 'backend.name=torch with a CUDA build of torch')


def tensorrt_on_gpu() -> Check | None:
    """
    Look for TensorRT and its engines.

    :return: the check.
    """
    from metricseg_ros.backends import BackendError
    from metricseg_ros.backends.tensorrt.engine_cache import EngineCache, totals
    from metricseg_ros.backends.tensorrt.flavour import find_flavour
    try:
        flavour = find_flavour()
    except BackendError as error:
        return Check('TensorRT', WARN, 'unused', str(error))
    cache = EngineCache()
    entries = cache.entries()
    return Check('TensorRT', OK, f'{flavour}, {len(entries)} engines of {totals(entries):.0f} MiB '
                 f'in {cache.folder}')
