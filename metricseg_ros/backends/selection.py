# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which backend runs: as asked for, or the best one that works, and then why not a better."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.backends.backend import Backend, BackendError
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.tensorrt.opening import open_tensorrt
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import ModelDescription

BACKENDS = {'onnxruntime': OnnxRuntimeBackend, 'torch': TorchBackend}
"""Backend classes by name, best first, that run on a GPU and on the CPU; TensorRT is before them
on a GPU."""

POLICIES = {'prefer_gpu': ('require_gpu', 'cpu'), 'require_gpu': ('require_gpu',),
            'cpu': ('cpu',)}
"""What is tried in turn: every backend on a GPU, before any on the CPU."""


def open_backend(description: ModelDescription, config: BackendConfig,
                 box: tuple[int, int] | None = None) -> Backend:
    """
    Open a backend for a model.

    :param description: of the model.
    :param config: which one, where.
    :param box: (height, width) of the box images are fitted into; None for the model's own.
    :return: the backend; its report says what really runs, and why not something better.
    :raises BackendError: if none works as asked.
    :raises ModelError: if the model's files are missing or damaged.
    """
    failures: list[str] = []
    if config.name in ('auto', 'tensorrt') and config.device_policy != 'cpu':
        try:
            return open_tensorrt(description, config, box or description.input_size,
                                 lambda: standby(description, config))
        except BackendError as error:
            failures.append(str(error))
    for policy in POLICIES[config.device_policy]:
        for name in names(config, policy):
            try:
                backend = BACKENDS[name](description, replace(config, device_policy=policy))
            except BackendError as error:
                failures.append(str(error))
                continue
            backend.report = replace(backend.report, note='; '.join(failures))
            return backend
    if config.name == 'tensorrt' and not failures:
        failures.append('TensorRT runs on a GPU only')
    raise BackendError(f'backend.name is {config.name} and backend.device_policy is '
                       f'{config.device_policy}, but {"; ".join(failures)}')


def names(config: BackendConfig, policy: str) -> list[str]:
    """
    List the backends to try, beside TensorRT.

    :param config: which one is asked for.
    :param policy: require_gpu or cpu.
    :return: names of :data:`BACKENDS`; whoever prefers a GPU and asks for TensorRT gets the CPU
        by ONNX Runtime rather than nothing.
    """
    if config.name == 'auto':
        return list(BACKENDS)
    if config.name != 'tensorrt':
        return [config.name]
    return list(BACKENDS) if policy == 'cpu' and config.device_policy == 'prefer_gpu' else []


def standby(description: ModelDescription, config: BackendConfig) -> Backend | None:
    """
    Open what serves while TensorRT's engine is built.

    :param description: of the model.
    :param config: under require_gpu nothing serves on the CPU.
    :return: a backend; None if none works.
    """
    try:
        backend = open_backend(description, replace(config, name='onnxruntime'))
    except BackendError:
        try:
            backend = open_backend(description, replace(config, name='torch'))
        except (BackendError, ValueError):  # Weights are not needed for an engine.
            return None
    return backend
