# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Opening TensorRT for a model: at once if its engine is there, else behind another backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import logging

from metricseg_ros.backends.backend import Backend, BackendError
from metricseg_ros.backends.gpus import present_gpu
from metricseg_ros.backends.standby import StandbyBackend
from metricseg_ros.backends.tensorrt.building import (
    BuildJob,
    BuildProcess,
    plan_job,
    ProgressCallback,
)
from metricseg_ros.backends.tensorrt.engine_backend import EngineBackend, open_or_explain
from metricseg_ros.backends.tensorrt.library import (
    EngineRefusedError,
    find_libraries,
    started_library,
)
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import ModelDescription
import torch


def open_tensorrt(description: ModelDescription, config: BackendConfig, box: tuple[int, int],
                  standby: Callable[[], Backend | None]) -> Backend:
    """
    Open TensorRT.

    :param box: (height, width) of the box images are fitted into.
    :param standby: opens what serves while an engine is built; None if nothing may.
    :return: the backend. Without anything on standby the engine is built first.
    :raises BackendError: if there is no TensorRT or no GPU, or the engine cannot be built or run.
    :raises ModelError: if the model's file is missing or damaged.
    """
    gpu = present_gpu()
    if gpu is None:
        raise BackendError(f'TensorRT needs an NVIDIA GPU, and torch {torch.__version__} finds '
                           'none: install a driver and a CUDA build of torch to use one')
    libraries = find_libraries()
    # Or a backend that can use this GPU shall have it.
    library = started_library(libraries, gpu.compute_capability)
    job = plan_job(description, config, box, gpu, library)

    def opener(plan: bytes) -> Backend:
        return open_or_explain(lambda: EngineBackend(plan, library, description, job))
    looked = job.engine_cache.load(job.key)
    if looked.plan is not None:
        try:
            return opener(looked.plan)
        except EngineRefusedError as error:
            job = replace(job, refused=str(error))
    return open_behind(job, opener, standby())


def open_behind(job: BuildJob, opener: Callable[[bytes], Backend],
                standby: Backend | None) -> Backend:
    """
    Build an engine in a process of its own while another backend serves.

    :param opener: opens it once it is built.
    :param standby: serves meanwhile; None to wait.
    :raises BackendError: without standby, if the engine cannot be built or run.
    """
    process = BuildProcess(job)

    def prepare(tell: ProgressCallback) -> Backend:
        return opener(process.result(tell))

    if standby is None:
        return prepare(logging.getLogger(__name__).warning)  # It may take minutes.
    note = '; '.join(filter(None, [standby.report.note, job.refused]))
    standby.report = replace(standby.report, note=note)
    return StandbyBackend(standby, prepare, process.stop)
