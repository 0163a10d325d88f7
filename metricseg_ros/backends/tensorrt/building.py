# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Getting an engine: out of the cache, or built, in this process or in one of its own.

A process of its own can be stopped at any time, gives its memory back, and takes nobody along when
it crashes. It reads the job from stdin, tells its progress on stderr line by line, and writes the
engine to stdout, so that a cache that cannot be written costs only the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
from threading import Thread
import time

from metricseg_ros.backends.backend import BackendError
from metricseg_ros.backends.gpus import Gpu
from metricseg_ros.backends.half import to_half
from metricseg_ros.backends.tensorrt.engine_cache import EngineCache, Lookup
from metricseg_ros.backends.tensorrt.engine_key import EngineKey, input_sizes, InputSizes
from metricseg_ros.backends.tensorrt.library import load_library, TensorRTLibrary
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import ModelDescription

ProgressCallback = Callable[[str], None]
TELL_S = 1.0
"""Least time between two lines of progress."""
NICENESS = 10
"""A build takes minutes of a core, which the robot's other processes need first."""


@dataclass(frozen=True)
class BuildJob:
    """
    An engine that is wanted.

    :param onnx: path of the ONNX file, whose checksum has been found right.
    :param halved: whether the graph is put into fp16 first.
    :param key: what the engine is for.
    :param workspace_mib: most GPU memory for a layer; 0 for no limit.
    :param limit_mib: size limit of the cache; 0 for none.
    :param refused: why the engine in the cache, though whole, is of no use here; or empty.
    """

    onnx: str
    halved: bool
    key: EngineKey
    sizes: InputSizes
    workspace_mib: int
    cache: str
    limit_mib: int
    refused: str = ''

    @property
    def engine_cache(self) -> EngineCache:
        return EngineCache(Path(self.cache), self.limit_mib)

    def graph(self) -> bytes:
        """Read the ONNX file, in the precision that is wanted."""
        content = Path(self.onnx).read_bytes()
        if not self.halved:
            return content
        try:
            from google.protobuf.message import DecodeError
            import onnx
            return to_half(onnx.load_model_from_string(content)).SerializeToString()
        except ImportError as error:
            raise BackendError('an engine of fp16 needs the Python package onnx to be made: '
                               f'install it, or set backend.precision to fp32 ({error})'
                               ) from error
        except DecodeError as error:
            raise BackendError(f'cannot read the ONNX file {self.onnx} ({error}): export it again '
                               'with metricseg export') from error
        except ValueError as error:
            raise BackendError(f'{error}, or set backend.precision to fp32') from error

    def look(self) -> Lookup:
        """Take the engine out of the cache, unless it is known to be of no use."""
        if self.refused:
            return Lookup(None, f'the one in the cache is not used: {self.refused}')
        return self.engine_cache.load(self.key)


def plan_job(description: ModelDescription, config: BackendConfig, box: tuple[int, int], gpu: Gpu,
             library: TensorRTLibrary) -> BuildJob:
    """
    Say which engine a model needs.

    :param box: (height, width) of the box images are fitted into.
    :raises ModelError: if the model's file is missing or damaged.
    """
    path = description.checked_file('model.onnx')
    sizes = input_sizes(box, description.size_multiple)
    halved = description.precision == 'fp32' and config.precision != 'fp32'
    key = EngineKey(description.checksums['model.onnx'], library.name, library.version, gpu.name,
                    gpu.compute_capability, gpu.multiprocessors * library.measures,
                    'fp16' if halved else description.precision, str(sizes))
    return BuildJob(str(path), halved, key, sizes, config.workspace_mib,
                    str(EngineCache().folder), config.engine_cache_mib)


def obtain_engine(job: BuildJob, library: TensorRTLibrary, tell: ProgressCallback) -> bytes:
    """
    Take an engine out of the cache, or build and keep it.

    Of two processes that want the same engine one builds, and the other waits for it.

    :param tell: told in one line what goes on.
    :raises BackendError: if it cannot be built.
    """
    from filelock import Timeout

    looked = job.look()
    if looked.plan is not None:
        return looked.plan
    tell(f'building the TensorRT engine: {looked.reason}')
    try:
        lock = job.engine_cache.lock(job.key)
        lock.acquire(timeout=0)
    except Timeout:
        tell('waiting for another process that builds the same TensorRT engine')
        lock.acquire()
    except OSError:
        lock = nullcontext()  # Keeping the engine will fail too, and tell why.
    try:
        looked = job.look()
        return looked.plan if looked.plan is not None else build_and_keep(job, library, tell)
    finally:
        if not isinstance(lock, nullcontext):
            lock.release()


def build_and_keep(job: BuildJob, library: TensorRTLibrary, tell: ProgressCallback) -> bytes:
    """
    Build an engine and put it into the cache.

    :return: the engine, even if the cache does not take it.
    :raises BackendError: if it cannot be built.
    """
    begin, told = time.monotonic(), -TELL_S

    def progress(share: float) -> None:
        nonlocal told
        took = time.monotonic() - begin
        if took - told >= TELL_S:
            told = took
            tell(f'building the TensorRT engine: {share:.0%} after {took:.0f} s')

    plan = library.build(job.graph(), job.sizes, job.key.precision,
                         job.workspace_mib, job.key.compute_capability, progress,
                         job.engine_cache.timings_path(job.key))
    took = time.monotonic() - begin
    try:
        job.engine_cache.store(job.key, plan, took)
        tell(f'built the TensorRT engine in {took:.0f} s, {len(plan) / 2**20:.0f} MiB')
    except OSError as error:
        tell(f'built the TensorRT engine in {took:.0f} s, but it cannot be kept ({error}), so the '
             'next start builds it again: make room or let it be written, or set XDG_CACHE_HOME')
    return plan


class BuildProcess:
    """Gets an engine in a process of its own."""

    def __init__(self, job: BuildJob) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'metricseg_ros.backends.tensorrt.building'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with suppress(BrokenPipeError):  # It has ended; the result tells why.
            self._process.stdin.write(json.dumps(asdict(job)).encode())
            self._process.stdin.close()
        self.pid = self._process.pid

    def result(self, tell: ProgressCallback) -> bytes:
        """
        Wait for the engine.

        :raises BackendError: if it could not be built, or the process was stopped or crashed.
        """
        lines: list[str] = []

        def listen() -> None:
            for line in self._process.stderr:
                lines.append(line.decode(errors='replace').strip())
                tell(lines[-1])

        listener = Thread(target=listen, name='engine-progress', daemon=True)
        listener.start()
        plan = self._process.stdout.read()
        listener.join()
        code = self._process.wait()
        if code == 0:
            return plan
        if code < 0:
            raise BackendError(f'building the TensorRT engine was ended by signal {-code}: start '
                               'again, or use metricseg build-engine to see more')
        raise BackendError(lines[-1] if lines else f'building ended with exit code {code}')

    def stop(self) -> None:
        """End the process, if it still runs."""
        self._process.kill()
        self._process.wait()


def job_from(values: dict) -> BuildJob:
    """Make a job of what `asdict` made of it and JSON carried."""
    sizes = InputSizes(*(tuple(size) for size in values['sizes']))
    return BuildJob(**{**values, 'key': EngineKey(**values['key']), 'sizes': sizes})


def main() -> int:
    """Get the engine that stdin asks for; return the exit code."""
    os.nice(NICENESS)
    job = job_from(json.load(sys.stdin))
    out = os.fdopen(os.dup(1), 'wb')
    os.dup2(2, 1)  # A library that prints must not get into the engine.

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        plan = obtain_engine(job, load_library(job.key.library), tell)
    except (BackendError, ImportError, OSError) as error:
        tell(' '.join(str(error).split()))
        return 1
    out.write(plan)
    out.close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
