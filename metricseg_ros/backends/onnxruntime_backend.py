# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network in ONNX Runtime: on the CPU, or on a GPU where its build has a provider for it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from metricseg_ros.backends.backend import (
    Backend,
    BackendError,
    DeviceNetwork,
    ExecutionReport,
)
from metricseg_ros.backends.gpus import found_gpu
from metricseg_ros.config import BackendConfig, NetworkConfig
from metricseg_ros.models import ModelDescription
from metricseg_ros.preprocess import DepthTensors, network_inputs
from metricseg_ros.structures import NetworkOutput
import torch
from torch import Tensor

CPU_PROVIDER = 'CPUExecutionProvider'
GPU_PROVIDER = 'CUDAExecutionProvider'


class OnnxRuntimeBackend(Backend):
    """Runs a model's model.onnx."""

    def __init__(self, description: ModelDescription, config: BackendConfig) -> None:
        """
        Load the model.

        :param config: threads, and whether a GPU is wanted.
        :raises BackendError: if ONNX Runtime is missing, or cannot load the model, or a GPU is
            required and it has none.
        :raises ModelError: if the file is missing or damaged.
        """
        path = description.checked_file('model.onnx')
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendError('backend onnxruntime is not installed: install the Python package '
                               f'onnxruntime ({error})') from error
        self.network = description.network
        on_gpu = config.device_policy == 'require_gpu'
        self.session = open_session(onnxruntime, path, config.threads, on_gpu)
        check_names(self.session, description.network, str(path))
        device = 'cpu'
        if on_gpu:
            check_on_gpu(self.session)
            device = f'cuda ({found_gpu()})'
        self.report = ExecutionReport('onnxruntime', self.session.get_providers()[0], device,
                                      description.precision)

    def run(self, tensor: Tensor, depth: DepthTensors | None = None) -> NetworkOutput:
        """Run the network on one image."""
        given = network_inputs(self.network.inputs, tensor, depth)
        return NetworkOutput.of([part[0] for part in self._said(*given.values())],
                                self.network.similarity_thresholds)

    def on_device(self, input_size: tuple[int, int]) -> DeviceNetwork | None:
        """
        Make the network a step of other work on the CPU.

        :return: the step; None on a GPU, which ONNX Runtime would wait for.
        """
        return self._said if self.report.device == 'cpu' else None

    def _said(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = {name: part.numpy() for name, part in zip(self.network.inputs, inputs,
                                                          strict=True)}
        return tuple(map(torch.from_numpy, self.session.run(self.network.outputs, given)))

    def close(self) -> None:
        """Give the session back."""
        self.session = None


def open_session(onnxruntime: ModuleType, path: Path, threads: int, on_gpu: bool) -> Any:
    """
    Load an ONNX file.

    :param threads: threads of an operator, 0 for one each core.
    :raises BackendError: if this ONNX Runtime is not for GPUs, or cannot load the file.
    """
    if on_gpu and GPU_PROVIDER not in onnxruntime.get_available_providers():
        raise BackendError(f'ONNX Runtime {onnxruntime.__version__} has no {GPU_PROVIDER}: '
                           'install onnxruntime-gpu to use a GPU')
    try:
        # Its Python part would go on with the CPU after a failure, at any image.
        return onnxruntime.InferenceSession(
            path, session_options(onnxruntime, threads),
            [GPU_PROVIDER, CPU_PROVIDER] if on_gpu else [CPU_PROVIDER], enable_fallback=0)
    except Exception as error:
        # ONNX Runtime's own exceptions share no public base class.
        raise BackendError(f'ONNX Runtime cannot load {path}: {error}') from error


def session_options(onnxruntime: ModuleType, threads: int) -> Any:
    """
    Build the session's options.

    :param threads: threads of an operator, 0 for one each core.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Idle threads that spin would take the cores from the other nodes of the robot.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.add_session_config_entry('session.record_ep_graph_assignment_info', '1')
    options.log_severity_level = 3
    return options


def check_on_gpu(session: Any) -> None:
    """
    Check that the GPU does the work: ONNX Runtime gives what it cannot place there to the CPU.

    :param session: of ONNX Runtime, asked to run on the GPU.
    :raises BackendError: if the provider was not loaded, or the CPU has convolutions. Versions
        that do not tell who has which node are taken at their word; shapes are computed on the CPU
        in any case, at no cost.
    """
    if session.get_providers()[0] != GPU_PROVIDER:
        raise BackendError(f'ONNX Runtime loaded {CPU_PROVIDER} in place of {GPU_PROVIDER}: '
                           'see that the driver, CUDA and cuDNN fit its version')
    if not hasattr(session, 'get_provider_graph_assignment_info'):
        return
    who = [part.ep_name for part in session.get_provider_graph_assignment_info()
           for node in part.get_nodes() if 'Conv' in node.op_type]
    if astray := sum(name != GPU_PROVIDER for name in who):
        raise BackendError(f'ONNX Runtime gives {astray} of {len(who)} convolutions to the CPU '
                           f'though {GPU_PROVIDER} is loaded: export the model in fp32, or take '
                           'another version of onnxruntime-gpu')


def check_names(session: Any, network: NetworkConfig, source: str) -> None:
    """Check that a session has the network's inputs and outputs."""
    inputs = [item.name for item in session.get_inputs()]
    outputs = [item.name for item in session.get_outputs()]
    if set(inputs) != set(network.inputs) or set(network.outputs) - set(outputs):
        raise BackendError(f'{source} must take {", ".join(network.inputs)} and give '
                           f'{", ".join(network.outputs)}, got '
                           f'{", ".join(inputs)} and {", ".join(outputs)}: export it with '
                           'metricseg export')
