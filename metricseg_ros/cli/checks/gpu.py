# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether there is a GPU, and whether it is used."""

from __future__ import annotations

from collections.abc import Iterator

from metricseg_ros.backends.gpus import driver_gpus
from metricseg_ros.cli.checks.check import Check, OK, WARN
from metricseg_ros.cli.checks.tensorrt import check_tensorrt


def check_gpu() -> Iterator[Check]:
    """
    Compare the GPUs that the system has with those that torch and ONNX Runtime can use.

    :return: one check for the GPU, one for each package that leaves it unused, and those of
        TensorRT.
    """
    found = driver_gpus()
    if not found:
        yield Check('GPU', OK, 'no NVIDIA GPU: the network runs on the CPU')
    else:
        yield Check('GPU', OK, ', '.join(found))
        yield from (check for check in (torch_on_gpu(), onnxruntime_on_gpu()) if check)
    yield from check_tensorrt(bool(found))


def torch_on_gpu() -> Check | None:
    """Compute something on the GPU with torch; return the check if torch cannot, else None."""
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
    """Ask ONNX Runtime for its GPU providers; return the check if it has none, else None."""
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
