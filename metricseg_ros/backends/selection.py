# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which backend runs: as asked for, or the best one that works, and then why not a better."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.backends.backend import Backend, BackendError
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import ModelDescription

BACKENDS = {'onnxruntime': OnnxRuntimeBackend, 'torch': TorchBackend}
"""Backend classes by name, best first."""

POLICIES = {'prefer_gpu': ('require_gpu', 'cpu'), 'require_gpu': ('require_gpu',),
            'cpu': ('cpu',)}
"""What is tried in turn: every backend on a GPU, before any on the CPU."""


def open_backend(description: ModelDescription, config: BackendConfig) -> Backend:
    """
    Open a backend for a model.

    :param description: of the model.
    :param config: which one, where.
    :return: the backend; its report says what really runs, and why not something better.
    :raises BackendError: if none works as asked.
    :raises ModelError: if the model's files are missing or damaged.
    """
    names = list(BACKENDS) if config.name == 'auto' else [config.name]
    failures: list[str] = []
    for policy in POLICIES[config.device_policy]:
        for name in names:
            try:
                backend = BACKENDS[name](description, replace(config, device_policy=policy))
            except BackendError as error:
                failures.append(str(error))
                continue
            backend.report = replace(backend.report, note='; '.join(failures))
            return backend
    raise BackendError(f'backend.name is {config.name} and backend.device_policy is '
                       f'{config.device_policy}, but {"; ".join(failures)}')
