# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Running a TensorRT engine: own stream, buffers allocated once, a CUDA graph for each input size.

Not tried on a GPU yet; tests of it are marked gpu.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from metricseg_ros.backends.backend import (
    Backend,
    BackendError,
    DeviceNetwork,
    ExecutionReport,
)
from metricseg_ros.backends.cuda_graph import CudaGraph, CudaGraphError
from metricseg_ros.backends.tensorrt.building import BuildJob
from metricseg_ros.backends.tensorrt.library import TensorRTLibrary
from metricseg_ros.grouping.rehearsal import rehearse
from metricseg_ros.models import ModelDescription
from metricseg_ros.preprocess import DepthTensors, network_inputs
from metricseg_ros.structures import NetworkOutput
import torch
from torch import Tensor

MOST_BINDINGS = 4
"""Input sizes kept ready; a camera has one, and turned images another."""

NOT_TRIED = 'none captured yet'
"""Why there is no CUDA graph before the first image."""


class Binding:
    """
    An execution context with buffers of one input size.

    Everything happens on one stream, whose buffers are allocated on it too: torch's allocator
    gives memory that was freed on one stream to others only after their work is done. What is
    handed out is copied on the caller's stream, so that it is the caller's altogether.
    """

    def __init__(self, library: TensorRTLibrary, engine: Any, kernels: Path,
                 shapes: dict[str, tuple[int, ...]], outputs: tuple[str, ...],
                 stream: torch.cuda.Stream) -> None:
        """
        Allocate, and run once.

        :param kernels: file of the kernels that TensorRT-RTX compiles.
        :param outputs: names of the outputs, in the order wanted.
        :raises BackendError: if the engine does not take that shape or fails.
        """
        self.stream = stream
        self.library = library
        self.kept = library.context(engine, kernels)
        self.context = self.kept.execution
        for name, shape in shapes.items():
            if not self.context.set_input_shape(name, shape):
                raise BackendError(f'the TensorRT engine takes no {name} of {shape}: '
                                   'see input.height and input.width')
        self.pinned = {name: torch.empty(shape, pin_memory=True)
                       for name, shape in shapes.items()}
        with torch.cuda.stream(stream):
            self.inputs = {name: torch.zeros(shape, device='cuda')
                           for name, shape in shapes.items()}
            self.outputs = {name: torch.empty(tuple(self.context.get_tensor_shape(name)),
                                              device='cuda') for name in outputs}
        for name, tensor in {**self.inputs, **self.outputs}.items():
            self.context.set_tensor_address(name, tensor.data_ptr())
        self.execute()  # Also since TensorRT settles on a new shape only then.
        stream.synchronize()
        self.kept.save()
        self.graph: CudaGraph | None = None
        self.why_no_graph = NOT_TRIED

    def enqueue(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """
        Enqueue the engine on the stream, which is current.

        :param inputs: on the GPU, in their order.
        :return: the outputs, for the stream to go on with.
        """
        for own, tensor in zip(self.inputs.values(), inputs, strict=True):
            own.copy_(tensor)
        self.execute()
        return tuple(self.outputs.values())

    def run(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        """
        Run the engine, as a CUDA graph if it can be captured.

        :param inputs: by their names, on the CPU.
        :return: copies of the outputs, on the GPU, done.
        """
        caller = torch.cuda.current_stream()
        if self.why_no_graph == NOT_TRIED:
            self.graph, self.why_no_graph = self._captured()
        for name, tensor in inputs.items():
            self.pinned[name].copy_(tensor)  # No upload is under way: every run waits for its own.
        with torch.cuda.stream(self.stream):
            for name, pinned in self.pinned.items():
                self.inputs[name].copy_(pinned, non_blocking=True)
            if self.graph is None:
                self.execute()
            else:
                self.graph.launch(self.stream.cuda_stream)
        caller.wait_stream(self.stream)
        outputs = [output.clone() for output in self.outputs.values()]
        caller.synchronize()
        return outputs

    def execute(self) -> None:
        """Enqueue the engine."""
        self.library.complaints.clear()
        if not self.context.execute_async_v3(self.stream.cuda_stream):
            raise BackendError(f'{self.library} cannot run the engine: '
                               f'{"; ".join(self.library.complaints) or "no reason given"}')

    def _captured(self) -> tuple[CudaGraph | None, str]:
        """Give the CUDA graph; or None and why, as some layers cannot be captured."""
        stream = self.stream.cuda_stream
        capturable = getattr(self.context, 'is_stream_capturable', lambda stream: True)
        if not capturable(stream):
            return None, 'no CUDA graph: TensorRT says that the engine cannot be captured'
        try:
            return CudaGraph(stream, self.execute), ''
        except CudaGraphError as error:
            self.execute()  # An engine that has failed has to settle again.
            self.stream.synchronize()
            return None, str(error)


class EngineBackend(Backend):
    """Runs an engine."""

    def __init__(self, plan: bytes, library: TensorRTLibrary, description: ModelDescription,
                 job: BuildJob) -> None:
        """
        Load the engine, run it once, and group, so that the first image is not slow.

        :raises BackendError: if it cannot be loaded or run.
        """
        self.library = library
        self.kernels = job.engine_cache.kernels_path(job.key)
        self.network = description.network
        self.failure = ''
        self._running = Lock()
        self.bindings: dict[tuple[int, ...], Binding] = {}
        self.engine = library.deserialised(plan)
        self._check_tensors()
        self.stream = torch.cuda.Stream()
        rehearse(self.run(torch.zeros(1, 3, *job.sizes.best)))
        (binding,) = self.bindings.values()
        self.report = ExecutionReport('tensorrt', str(library), f'cuda ({job.key.gpu})',
                                      job.key.precision, binding.why_no_graph)

    def run(self, tensor: Tensor, depth: DepthTensors | None = None) -> NetworkOutput:
        """
        Run the network on one image.

        :raises BackendError: if GPU memory ran out, the GPU was lost or the engine failed.
        """
        if self.failure:
            raise BackendError(self.failure)
        inputs = network_inputs(self.network.inputs, tensor, depth)
        try:
            with self._running:  # Two images at once would share the buffers.
                outputs = self._binding(inputs).run(inputs)
        except RuntimeError as error:
            raise self._explained(error) from error
        return NetworkOutput.of([output[0] for output in outputs],
                                self.network.similarity_thresholds)

    def on_device(self, input_size: tuple[int, int]) -> DeviceNetwork | None:
        """
        Make the engine a step of other work, with an execution context of its own.

        :return: the step, for the present stream alone; None where the engine runs in one context.
        :raises BackendError: if the engine does not take that size or fails.
        """
        if not self.library.shares_profiles:
            return None
        given = network_inputs(self.network.inputs, torch.zeros(1, 3, *input_size), None)
        shapes = {name: tuple(tensor.shape) for name, tensor in given.items()}
        return Binding(self.library, self.engine, self.kernels, shapes, self.network.outputs,
                       torch.cuda.current_stream()).enqueue

    def close(self) -> None:
        """Give the GPU's memory back."""
        self.bindings.clear()
        self.engine = None
        if not self.failure:
            torch.cuda.empty_cache()

    def _binding(self, inputs: dict[str, Tensor]) -> Binding:
        shapes = {name: tuple(tensor.shape) for name, tensor in inputs.items()}
        shape = shapes[self.network.inputs[0]]
        if shape not in self.bindings:
            most = MOST_BINDINGS if self.library.shares_profiles else 1
            if len(self.bindings) >= most:  # Before another takes its place.
                self.bindings.pop(next(iter(self.bindings)))
            self.bindings[shape] = Binding(self.library, self.engine, self.kernels, shapes,
                                           self.network.outputs, self.stream)
        return self.bindings[shape]

    def _explained(self, error: RuntimeError) -> RuntimeError:
        explained = explain(error)
        if explained is not error and not isinstance(error, torch.cuda.OutOfMemoryError):
            self.failure = str(explained)
        return explained

    def _check_tensors(self) -> None:
        engine, single = self.engine, self.library.trt.float32
        wanted = (*self.network.inputs, *self.network.outputs)
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        if set(names) != set(wanted):
            raise BackendError(f'the engine must have {", ".join(wanted)}, got '
                               f'{", ".join(names)}: export the model with metricseg export')
        others = [name for name in wanted if engine.get_tensor_dtype(name) != single]
        if others:
            raise BackendError(f'{", ".join(others)} of the engine must be fp32: export the model '
                               'with metricseg export')


def explain(error: RuntimeError) -> RuntimeError:
    """
    Say what an error of CUDA means to the robot's user.

    :param error: from torch or TensorRT.
    :return: a :class:`BackendError` with the remedy; the error itself if it is none of CUDA's.
    """
    if isinstance(error, BackendError):
        return error
    first = (str(error).splitlines() or [''])[0]
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return BackendError(f'out of GPU memory: {first}: end other programs on the GPU, or '
                            'choose a smaller input.height and input.width, then clean up and '
                            'configure')
    if 'CUDA' in first or isinstance(error, getattr(torch, 'AcceleratorError', ())):
        return BackendError(f'the GPU was lost: {first}: clean up and configure; if that fails '
                            'too, start the node anew')
    return error


def open_or_explain(opener: Callable[[], EngineBackend]) -> EngineBackend:
    """Open an engine; what CUDA raises becomes a BackendError."""
    try:
        return opener()
    except BackendError:
        raise
    except RuntimeError as error:
        raise explain(error) from error
