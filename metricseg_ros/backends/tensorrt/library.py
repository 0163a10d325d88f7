# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The differences between TensorRT 8.5 to 11 and TensorRT-RTX, all of them.

Features are asked for by what the module has, not by its version:

- 8.5 and 8.6 (JetPack 5 and 6.0) have named tensors and `execute_async_v3`, which all later ones
  have too. Precision is asked for by builder flags, and the batch must be called explicit. An
  optimisation profile serves one context at a time, but for 8.6, where sharing can be asked for.
- 9 and 10 (JetPack 6.1 and later) have strongly typed networks and progress monitors; every batch
  is explicit, and the flag that said so does nothing.
- 11 has only strongly typed networks; that flag, and those of precision, are gone.
- TensorRT-RTX is strongly typed, builds for GPUs that are not there, and compiles kernels at run
  time, which are kept in a runtime cache. By itself it runs general kernels while it compiles
  those of a new input size, and then no CUDA graph can be captured; nor can one where it allocates
  at run time. Its timing cache does nothing but ask for a GPU, and its engines do not depend on
  how many multiprocessors a GPU has.

Every TensorRT keeps the first logger of the process and tells all others' news to it, so there is
one :class:`TensorRTLibrary` of a module in a process (:func:`load_library`).

What 11 took away and nobody misses here: bindings by index, calibrators, implicit batch,
`device_memory_size`, `IStreamReader`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
import re
from types import ModuleType
from typing import Any

from metricseg_ros.atomic_files import read_with_checksum, write_with_checksum
from metricseg_ros.backends.backend import BackendError
from metricseg_ros.backends.tensorrt.engine_key import InputSizes
from metricseg_ros.backends.tensorrt.progress import Phases

FLAVOURS = {'tensorrt': 'TensorRT', 'tensorrt_rtx': 'TensorRT-RTX'}
"""Module -> its name for people, the preferred one first."""

MIB = 2 ** 20
SHORT_OF_MEMORY = re.compile(r'out ?of ?memory|alloc', re.IGNORECASE)


class EngineRefusedError(BackendError):
    """An engine that is whole, and that this TensorRT does not take; another build may do."""


@dataclass(frozen=True)
class Context:
    """
    What runs an engine.

    :param execution: an IExecutionContext.
    :param kernels: the file and the IRuntimeCache of what TensorRT-RTX compiles, or None.
    :param kept: what TensorRT uses and does not keep alive itself.
    """

    execution: Any
    kernels: tuple[Path, Any] | None = None
    kept: tuple[Any, ...] = ()

    def save(self) -> None:
        """Keep the kernels that have been compiled by now, if they can be had."""
        if self.kernels is not None:
            path, compiled = self.kernels
            serialised = compiled.serialize()
            if serialised is not None:
                write_with_checksum(path, bytes(serialised))


class TensorRTLibrary:
    """An installed TensorRT."""

    def __init__(self, module: ModuleType) -> None:
        """Adapt to what the module has."""
        self.trt = module
        self.name = module.__name__
        self.version = module.__version__
        self.complaints: list[str] = []
        self.logger = self._logger()
        self._runtime: Any = None

    def __str__(self) -> str:
        return f'{FLAVOURS[self.name]} {self.version}'

    @property
    def is_strongly_typed(self) -> bool:
        """Tell whether types are the ONNX file's; before that, they are asked for by flags."""
        return (hasattr(self.trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')
                or not hasattr(self.trt.BuilderFlag, 'FP16'))

    @property
    def measures(self) -> bool:
        """Tell whether it builds on the GPU itself, by what it measures there."""
        return self.name == 'tensorrt'

    @property
    def shares_profiles(self) -> bool:
        """Tell whether several contexts can run one engine, each at an input size of its own."""
        return self.is_strongly_typed or hasattr(self._preview_features, 'PROFILE_SHARING_0806')

    def target(self, compute_capability: str) -> Any:
        """
        Look up what engines can be built for.

        :param compute_capability: of a GPU, such as 8.9.
        :return: what TensorRT-RTX calls it; None for TensorRT, which builds for the GPU it is on.
        :raises BackendError: if no engine can be built for it.
        """
        known = getattr(self.trt, 'ComputeCapability', None)
        target = getattr(known, f'SM{compute_capability.replace(".", "")}', None)
        if known is not None and target is None:
            names = ', '.join(sorted(name[2:-1] + '.' + name[-1] for name in dir(known)
                                     if name.startswith('SM')))
            raise BackendError(f'{self} builds for compute capability {names}, got '
                               f'{compute_capability}: use tensorrt on that GPU')
        return target

    def build(self, onnx: bytes, sizes: InputSizes, precision: str, workspace_mib: int,
              compute_capability: str, tell: Callable[[float], None],
              timings: Path | None = None) -> bytes:
        """
        Build an engine.

        :param precision: of the graph: fp32 or fp16.
        :param workspace_mib: most GPU memory a layer may use for itself; 0 for no limit.
        :param tell: told the share that is done, in [0,1].
        :param timings: file of what earlier builds measured on that GPU; it is added to.
        :raises BackendError: if the file cannot be parsed or the engine not be built.
        """
        trt = self.trt
        self.complaints.clear()
        builder = self._started(trt.Builder)
        network = builder.create_network(self._network_flags())
        parser = trt.OnnxParser(network, self.logger)
        if not parser.parse(onnx):
            problems = [parser.get_error(index).desc() for index in range(parser.num_errors)]
            raise BackendError(f'{self} cannot read the ONNX file: {"; ".join(problems)}: export '
                               'it again with metricseg export')
        config = builder.create_builder_config()
        self._set_flags(config, precision)
        if precision == 'fp16' and not self.is_strongly_typed:
            self._hold_to_single(network)
        self._set_target(config, compute_capability)
        if workspace_mib:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib * MIB)
        inputs = [network.get_input(index) for index in range(network.num_inputs)]
        if any(-1 in tuple(item.shape) for item in inputs):
            profile = builder.create_optimization_profile()
            for item in inputs:
                if -1 in tuple(item.shape):
                    profile.set_shape(item.name, *((*item.shape[:2], *size) for size in sizes))
            config.add_optimization_profile(profile)
        if hasattr(trt, 'IProgressMonitor'):
            config.progress_monitor = self._monitor(tell)
        save = self._use_timings(config, timings)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise BackendError(f'{self} cannot build the engine: {self._complaint()}: if memory '
                               'is short free some, raise backend.workspace_mib, or choose a '
                               'smaller input.height and input.width')
        save()
        return bytes(plan)

    def deserialised(self, plan: bytes) -> Any:
        """
        Make an engine of its serialised form, on the present GPU.

        :return: an ICudaEngine.
        :raises EngineRefusedError: if this TensorRT and GPU cannot.
        :raises BackendError: if only memory is short.
        """
        self.start()
        self.complaints.clear()
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            refusal = f'{self} cannot load the engine: {self._complaint()}'
            if any(map(SHORT_OF_MEMORY.search, self.complaints)):
                raise BackendError(f'{refusal}: end other programs on the GPU')
            raise EngineRefusedError(refusal)
        return engine

    def start(self) -> None:
        """Start the runtime; without a driver it may crash, so callers look for a GPU first."""
        self._runtime = self._runtime or self._started(self.trt.Runtime)

    def context(self, engine: Any, kernels: Path) -> Context:
        """
        Make an execution context.

        :param engine: from :meth:`deserialised`.
        :param kernels: file of the kernels that TensorRT-RTX compiles at run time.
        :return: the context, to be saved after its first run.
        :raises BackendError: if there is not enough GPU memory.
        """
        self.complaints.clear()
        if hasattr(engine, 'create_runtime_config') and hasattr(self.trt, 'IRuntimeCache'):
            options = engine.create_runtime_config()
            options.dynamic_shapes_kernel_specialization_strategy = \
                self.trt.DynamicShapesKernelSpecializationStrategy.EAGER
            compiled = options.create_runtime_cache()
            if known := read_with_checksum(kernels):
                compiled.deserialize(known)
            taken = options.set_runtime_cache(compiled)
            context = Context(engine.create_execution_context(options),
                              (kernels, compiled) if taken else None, (options, compiled))
        else:
            context = Context(engine.create_execution_context())
        if context.execution is None:
            raise BackendError(f'{self} cannot prepare the engine: {self._complaint()}: free GPU '
                               'memory, or choose a smaller input.height and input.width')
        return context

    def _complaint(self) -> str:
        return self.complaints[-1] if self.complaints else 'it gives no reason'

    def _started(self, kind: Callable[[Any], Any]) -> Any:
        """Make a Builder or Runtime, of whose failure pybind only says that it got nothing."""
        self.complaints.clear()
        try:
            return kind(self.logger)
        except (TypeError, RuntimeError) as error:
            raise BackendError(f'{self} cannot start: {self._complaint()}') from error

    def _network_flags(self) -> int:
        flags = self.trt.NetworkDefinitionCreationFlag
        name = 'STRONGLY_TYPED' if self.is_strongly_typed else 'EXPLICIT_BATCH'
        return 1 << int(getattr(flags, name)) if hasattr(flags, name) else 0

    @property
    def _preview_features(self) -> Any:
        return getattr(self.trt, 'PreviewFeature', None)

    def _set_flags(self, config: Any, precision: str) -> None:
        flags = self.trt.BuilderFlag
        if hasattr(flags, 'REQUIRE_USER_ALLOCATION'):  # Or no CUDA graph can be captured.
            config.set_flag(flags.REQUIRE_USER_ALLOCATION)
        if self.is_strongly_typed:
            return
        if precision == 'fp16':
            config.set_flag(flags.FP16)
            config.set_flag(flags.PREFER_PRECISION_CONSTRAINTS)
        if self.shares_profiles:
            config.set_preview_feature(self._preview_features.PROFILE_SHARING_0806, True)

    def _hold_to_single(self, network: Any) -> None:
        """Ask for fp32 where the graph has it: flags alone let the builder lower all of it."""
        for layer in map(network.get_layer, range(network.num_layers)):
            if layer.type == self.trt.LayerType.CONVOLUTION \
                    and layer.get_input(0).dtype == self.trt.float32:
                layer.precision = self.trt.float32

    def _set_target(self, config: Any, compute_capability: str) -> None:
        """Name the GPU to TensorRT-RTX, which builds without one."""
        target = self.target(compute_capability)
        if target is not None:
            config.num_compute_capabilities = 1
            config.set_compute_capability(target, 0)

    def _use_timings(self, config: Any, path: Path | None) -> Callable[[], None]:
        """Tell the builder what earlier builds measured; return what keeps it for later ones."""
        if path is None or self.name == 'tensorrt_rtx':
            return lambda: None
        # It refuses those of another version or GPU.
        for known in (read_with_checksum(path), b''):
            cache = config.create_timing_cache(known)
            if cache is not None and config.set_timing_cache(cache, False):
                return lambda: write_with_checksum(path, bytes(cache.serialize()))
        return lambda: None

    def _logger(self) -> Any:
        severity, complaints = self.trt.ILogger.Severity, self.complaints

        class Logger(self.trt.ILogger):  # type: ignore[name-defined]
            """Keeps what TensorRT complains about; its exceptions say nothing."""

            def __init__(self) -> None:
                super().__init__()

            def log(self, level: Any, message: str) -> None:
                """Keep an error; an exception must not get into TensorRT."""
                if level in (severity.ERROR, severity.INTERNAL_ERROR) and message.strip():
                    complaints.append(message.strip().splitlines()[0])

        return Logger()

    def _monitor(self, tell: Callable[[float], None]) -> Any:
        phases = Phases()

        class Monitor(self.trt.IProgressMonitor):  # type: ignore[name-defined]
            """Turns nested phases into one share."""

            def __init__(self) -> None:
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


@cache
def load_library(name: str) -> TensorRTLibrary:
    """
    Import a TensorRT.

    :return: the one :class:`TensorRTLibrary` of this process.
    :raises ImportError: if it is not installed, or not whole.
    """
    return TensorRTLibrary(import_module(name))


def find_libraries() -> list[TensorRTLibrary]:
    """
    Import what there is of TensorRT.

    :return: the libraries that are installed and whole, the preferred one first.
    :raises BackendError: if there is none.
    """
    found, failures = [], []
    for name in FLAVOURS:
        try:
            found.append(load_library(name))
        except ModuleNotFoundError as error:
            failures += [f'{name}: {error}'] if error.name != name else []
        except (ImportError, OSError, AttributeError, RuntimeError) as error:
            failures.append(f'{name}: {error}')
    if found:
        return found
    reason = f' ({"; ".join(failures)})' if failures else ''
    raise BackendError(f'TensorRT is not installed{reason}: a Jetson has it from JetPack; '
                       "elsewhere install tensorrt-cu12 or tensorrt-cu13, as torch's CUDA is, or "
                       'for RTX cards tensorrt-rtx-cu13')


def started_library(candidates: list[TensorRTLibrary], compute_capability: str) -> TensorRTLibrary:
    """
    Start a TensorRT, where there is a GPU.

    :param candidates: those to try, the preferred one first.
    :return: the first one that starts and is for that GPU.
    :raises BackendError: if none is, with the reason of each.
    """
    failures = []
    for candidate in candidates:
        try:
            candidate.target(compute_capability)
            candidate.start()
            return candidate
        except BackendError as error:
            failures.append(str(error))
    raise BackendError('; '.join(failures))
