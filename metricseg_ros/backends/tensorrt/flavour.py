# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The differences between TensorRT 8.5 to 11 and TensorRT-RTX, all of them.

Features are asked for by what the module has, never by its version.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from metricseg_ros.backends.backend import BackendError
from metricseg_ros.backends.onnxruntime_backend import INPUT
from metricseg_ros.backends.tensorrt.engine_cache import write_whole
from metricseg_ros.backends.tensorrt.engine_key import InputSizes
from metricseg_ros.backends.tensorrt.progress import Phases

FLAVOURS = {'tensorrt': 'TensorRT', 'tensorrt_rtx': 'TensorRT-RTX'}
"""Module -> its name for people, the preferred one first."""

MIB = 2 ** 20


class Flavour:
    """An installed TensorRT."""

    def __init__(self, module: ModuleType) -> None:
        """
        Adapt to what the module has.

        :param module: tensorrt or tensorrt_rtx.
        """
        self.trt = module
        self.name = module.__name__
        self.version = module.__version__
        self.complaints: list[str] = []
        self.logger = self._logger()

    def __str__(self) -> str:
        """Return name and version for people."""
        return f'{FLAVOURS[self.name]} {self.version}'

    @property
    def is_strongly_typed(self) -> bool:
        """Tell whether types are the ONNX file's; before that, they are asked for by flags."""
        return hasattr(self.trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')

    def build(self, onnx: bytes, sizes: InputSizes, precision: str, workspace_mib: int,
              compute_capability: str, tell: Callable[[float], None]) -> bytes:
        """
        Build an engine.

        :param onnx: the ONNX file.
        :param sizes: input sizes that it shall take.
        :param precision: of the file: fp32, fp16 or int8.
        :param workspace_mib: most GPU memory a layer may use for itself; 0 for no limit.
        :param compute_capability: of the GPU it is for.
        :param tell: told the share that is done, in [0,1].
        :return: the serialised engine.
        :raises BackendError: if the file cannot be parsed or the engine not be built.
        """
        trt = self.trt
        self.complaints.clear()
        builder = trt.Builder(self.logger)
        if builder is None:
            raise BackendError(f'{self} cannot start: {self._complaint()}')
        network = builder.create_network(self._network_flags())
        parser = trt.OnnxParser(network, self.logger)
        if not parser.parse(onnx):
            problems = [parser.get_error(index).desc() for index in range(parser.num_errors)]
            raise BackendError(f'{self} cannot read the ONNX file: {"; ".join(problems)}: export '
                               'it again with metricseg export')
        config = builder.create_builder_config()
        self._set_precision(config, precision)
        self._set_target(config, compute_capability)
        if workspace_mib:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib * MIB)
        if -1 in tuple(network.get_input(0).shape):
            profile = builder.create_optimization_profile()
            profile.set_shape(INPUT, *((1, 3, *size) for size in sizes))
            config.add_optimization_profile(profile)
        if hasattr(trt, 'IProgressMonitor'):
            config.progress_monitor = self._monitor(tell)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise BackendError(f'{self} cannot build the engine: {self._complaint()}')
        return bytes(plan)

    def deserialised(self, plan: bytes) -> Any:
        """
        Make an engine of its serialised form, on the present GPU.

        :param plan: the serialised engine.
        :return: an ICudaEngine.
        :raises BackendError: if this TensorRT and GPU cannot.
        """
        self.complaints.clear()
        # A runtime may crash the process where there is no driver: callers look for a GPU first.
        runtime = self.trt.Runtime(self.logger)
        engine = runtime.deserialize_cuda_engine(plan) if runtime is not None else None
        if engine is None:
            raise BackendError(f'{self} cannot load the engine: {self._complaint()}')
        return engine

    def context(self, engine: Any, kernels: Path) -> tuple[Any, Callable[[], None]]:
        """
        Make an execution context.

        :param engine: from :meth:`deserialised`.
        :param kernels: file of the kernels that TensorRT-RTX compiles at run time.
        :return: the context; and what to call after the first run, to keep those kernels.
        :raises BackendError: if there is not enough GPU memory.
        """
        self.complaints.clear()
        if hasattr(engine, 'create_runtime_config') and hasattr(self.trt, 'IRuntimeCache'):
            options = engine.create_runtime_config()
            compiled = options.create_runtime_cache()
            if kernels.is_file():
                compiled.deserialize(kernels.read_bytes())
            options.set_runtime_cache(compiled)
            context, save = engine.create_execution_context(options), \
                lambda: _keep(kernels, bytes(compiled.serialize()))
        else:
            context, save = engine.create_execution_context(), lambda: None
        if context is None:
            raise BackendError(f'{self} cannot prepare the engine: {self._complaint()}: free GPU '
                               'memory, or choose a smaller input.height and input.width')
        return context, save

    def _complaint(self) -> str:
        return self.complaints[-1] if self.complaints else 'it gives no reason'

    def _network_flags(self) -> int:
        flags = self.trt.NetworkDefinitionCreationFlag
        names = ['STRONGLY_TYPED'] if self.is_strongly_typed else ['EXPLICIT_BATCH']
        return sum(1 << int(getattr(flags, name)) for name in names)

    def _set_precision(self, config: Any, precision: str) -> None:
        if self.is_strongly_typed:
            return
        for name in {'fp32': (), 'fp16': ('FP16',), 'int8': ('INT8', 'FP16')}[precision]:
            config.set_flag(getattr(self.trt.BuilderFlag, name))

    def _set_target(self, config: Any, compute_capability: str) -> None:
        """Name the GPU to TensorRT-RTX, which builds without one."""
        capabilities = getattr(self.trt, 'ComputeCapability', None)
        target = getattr(capabilities, f'SM{compute_capability.replace(".", "")}', None)
        if target is not None and hasattr(config, 'set_compute_capability'):
            config.num_compute_capabilities = 1
            config.set_compute_capability(target, 0)

    def _logger(self) -> Any:
        severity, complaints = self.trt.ILogger.Severity, self.complaints

        class Logger(self.trt.ILogger):
            """Keeps what TensorRT complains about; its exceptions say nothing."""

            def __init__(self) -> None:
                """Begin."""
                super().__init__()

            def log(self, level: Any, message: str) -> None:
                """Keep an error."""
                if level in (severity.ERROR, severity.INTERNAL_ERROR):
                    complaints.append(message.strip().splitlines()[0])

        return Logger()

    def _monitor(self, tell: Callable[[float], None]) -> Any:
        phases = Phases()

        class Monitor(self.trt.IProgressMonitor):
            """Turns nested phases into one share."""

            def __init__(self) -> None:
                """Begin."""
                super().__init__()

            def phase_start(self, name: str, parent: str | None, steps: int) -> None:
                """Go one level down."""
                phases.start(name, parent, steps)

            def step_complete(self, name: str, step: int) -> bool:
                """Go on."""
                phases.step(name, step)
                tell(phases.share())
                return True

            def phase_finish(self, name: str) -> None:
                """Go one level up."""
                phases.finish(name)

        return Monitor()


def find_flavour() -> Flavour:
    """
    Import TensorRT.

    :return: the first flavour that is installed and whole.
    :raises BackendError: if there is none.
    """
    failures = []
    for name in FLAVOURS:
        try:
            return Flavour(import_module(name))
        except ModuleNotFoundError as error:
            if error.name != name:
                failures.append(f'{name}: {error}')
        except (ImportError, OSError, AttributeError, RuntimeError) as error:
            failures.append(f'{name}: {error}')
    reason = f' ({"; ".join(failures)})' if failures else ''
    raise BackendError(f'TensorRT is not installed{reason}: a Jetson has it from JetPack; '
                       'elsewhere install tensorrt, or for RTX cards tensorrt-rtx-cu13')


def _keep(path: Path, content: bytes) -> None:
    # Where they cannot be kept they are compiled again at the next start.
    with suppress(OSError):
        write_whole(path, content)
