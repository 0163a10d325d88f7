# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which backend runs: as asked for, or the best one that works, and then why not a better."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from metricseg_ros.backends.backend import Backend, BackendError
from metricseg_ros.backends.gpus import found_gpu
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.tensorrt.startup import open_tensorrt
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import ModelDescription

BACKENDS = {'onnxruntime': OnnxRuntimeBackend, 'torch': TorchBackend}
"""Backend classes by name, best first, that run on a GPU and on the CPU; TensorRT is before them
on a GPU."""

Opener = Callable[[], Backend]


def open_backend(description: ModelDescription, config: BackendConfig,
                 box: tuple[int, int] | None = None) -> Backend:
    """
    Open a backend for a model: on a GPU, or on the CPU, as the device policy says.

    :param box: (height, width) of the box images are fitted into; None for the model's own.
    :return: the backend; its report says what really runs, and why not something better.
    :raises BackendError: if none works as asked, in one sentence; its cause lists every reason.
    :raises ModelError: if the model's files are missing or damaged.
    """
    reasons: list[str] = []
    if config.device_policy != 'cpu':
        backend = first_that_opens(gpu_openers(description, config, box), reasons)
        if backend is not None:
            return backend
        gpu = found_gpu()
        if config.device_policy == 'require_gpu':
            raise BackendError(refusal(config, reasons, gpu)) from BackendError('; '.join(reasons))
        reasons = reasons if gpu else ['no NVIDIA GPU is found here']
    backend = first_that_opens(cpu_openers(description, config), reasons)
    if backend is None:
        raise BackendError(f'backend.name is {config.name} and backend.device_policy is '
                           f'{config.device_policy}, but '
                           f'{"; ".join(reasons) or "TensorRT runs on a GPU only"}')
    return backend


def refusal(config: BackendConfig, reasons: list[str], gpu: str) -> str:
    """Say why a required GPU is not used."""
    asked = 'backend.device_policy is require_gpu, but'
    if not gpu:
        return (f'{asked} no NVIDIA GPU is found here: install its driver if there is one, or '
                'set prefer_gpu or cpu to run on the CPU')
    if len(reasons) == 1:
        return f'{asked} {config.name} cannot use the GPU ({gpu}): {reasons[0]}'
    return f'{asked} no backend can use the GPU ({gpu}): metricseg doctor tells what each lacks'


def first_that_opens(openers: Iterator[Opener], reasons: list[str]) -> Backend | None:
    """
    Open the first backend that can be.

    :param openers: of backends, best first.
    :param reasons: what is known to keep better ones from running; those that fail add theirs.
    :return: the backend, its note with the reasons; None if there is none.
    """
    for opener in openers:
        try:
            backend = opener()
        except BackendError as error:
            reasons.append(str(error))
            continue
        note = '; '.join(filter(None, [*reasons, backend.report.note]))
        backend.report = replace(backend.report, note=note)
        return backend
    return None


def gpu_openers(description: ModelDescription, config: BackendConfig,
                box: tuple[int, int] | None) -> Iterator[Opener]:
    """
    List the backends to try on a GPU.

    :param box: (height, width) of the box images are fitted into; None for the model's own.
    """
    if config.name in ('auto', 'tensorrt'):
        yield lambda: open_tensorrt(description, config, box or description.input_size,
                                    lambda: standby(description, config))
    for name in BACKENDS if config.name == 'auto' else {config.name} & set(BACKENDS):
        yield partial(BACKENDS[name], description, replace(config, device_policy='require_gpu'))


def cpu_openers(description: ModelDescription, config: BackendConfig) -> Iterator[Opener]:
    """List the backends to try on the CPU."""
    any_will_do = config.name == 'auto' or config.device_policy == 'prefer_gpu' and \
        config.name not in BACKENDS
    for name in BACKENDS if any_will_do else {config.name} & set(BACKENDS):
        yield partial(BACKENDS[name], description, replace(config, device_policy='cpu'))


def standby(description: ModelDescription, config: BackendConfig) -> Backend | None:
    """
    Open what serves while TensorRT's engine is built.

    :param config: under require_gpu nothing serves on the CPU.
    """
    for name in BACKENDS:
        try:
            return open_backend(description, replace(config, name=name))
        except (BackendError, ValueError):  # Weights are not needed for an engine.
            continue
    return None
