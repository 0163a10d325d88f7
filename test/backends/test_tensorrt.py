# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Engines are really built, by TensorRT-RTX, which needs no GPU for that; runs are marked gpu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
import gc
import json
import os
from pathlib import Path
import shutil
import signal
import sys
from threading import Event, Thread
import time
from types import SimpleNamespace
from typing import Any
import weakref

from metricseg_ros.backends import BackendError, ExecutionReport, open_backend, selection
from metricseg_ros.backends.gpus import Gpu, present_gpu
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.standby import StandbyBackend
from metricseg_ros.backends.tensorrt import engine_backend, startup
from metricseg_ros.backends.tensorrt.building import (
    BuildJob,
    BuildProcess,
    job_from,
    obtain_engine,
    plan_job,
)
from metricseg_ros.backends.tensorrt.engine_backend import EngineBackend, explain
from metricseg_ros.backends.tensorrt.engine_key import EngineKey
from metricseg_ros.backends.tensorrt.library import find_libraries, TensorRTLibrary
from metricseg_ros.backends.tensorrt.progress import Phases
from metricseg_ros.backends.tensorrt.startup import open_tensorrt
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.cli.main import main
from metricseg_ros.config import BackendConfig, from_dict, NetworkConfig
from metricseg_ros.grouping.rehearsal import rehearse
from metricseg_ros.models import load_description, shipped_models
from metricseg_ros.preprocess import DepthTensors
from metricseg_ros.structures import NetworkOutput
import onnx
import pytest
import torch
import yaml

rtx = pytest.importorskip('tensorrt_rtx', reason='needs TensorRT-RTX, of which there is no wheel '
                          'for this machine; engines are not built here')
CPU = BackendConfig(device_policy='cpu')
RTX_4090 = Gpu('NVIDIA GeForce RTX 4090', '8.9')
PAPER = Path(__file__).parents[2] / 'config' / 'training' / 'paper_voc.yaml'
OTHERS = ({'version': '10.3.0'}, {'gpu': 'NVIDIA GeForce RTX 4080'})


@pytest.fixture(scope='module')
def library() -> TensorRTLibrary:
    """Give the builder."""
    return find_libraries()[0]


@pytest.fixture
def job(small_model: Path, library: TensorRTLibrary, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> BuildJob:
    """Ask for an engine of the small model, in a cache of its own."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return plan_job(load_description(small_model), BackendConfig(), (64, 96), RTX_4090, library)


@pytest.fixture(scope='module')
def first_build(small_model: Path, library: TensorRTLibrary,
                tmp_path_factory: pytest.TempPathFactory) -> tuple[BuildJob, list[str]]:
    """Build an engine, where there are those of another version and GPU; return what was told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        job = plan_job(load_description(small_model), BackendConfig(), (64, 96), RTX_4090, library)
    for change in OTHERS:
        job.engine_cache.store(replace(job.key, **change), b'of something else', 1)
    return job, built(job, library)


@pytest.fixture
def filled(job: BuildJob, first_build: tuple[BuildJob, list[str]]) -> BuildJob:
    """Ask for an engine that is in the cache."""
    shutil.copytree(first_build[0].engine_cache.folder, job.engine_cache.folder)
    return job


def built(job: BuildJob, library: TensorRTLibrary) -> list[str]:
    """Obtain an engine and return what was told."""
    told: list[str] = []
    assert obtain_engine(job, library, told.append)
    return told


def wait_for(condition: Callable[[], bool], seconds: float = 250) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.01)


def test_an_engine_is_built_once_with_progress_and_for_nothing_else(
        first_build: tuple[BuildJob, list[str]], library: TensorRTLibrary) -> None:
    job, told = first_build
    assert 'there is none yet for' in told[0] and '(but for ' in told[0]
    assert '% after' in told[1] and told[-1].startswith('built the TensorRT engine in')
    assert built(job, library) == []
    entries = {entry.key: entry for entry in job.engine_cache.entries(checksums=True)}
    assert not entries[job.key].fault
    for change in OTHERS:
        other = replace(job.key, **change)
        assert other in entries and job.engine_cache.load(other).plan == b'of something else'
    assert not list(job.engine_cache.folder.glob('*.timings'))  # Of no use to TensorRT-RTX.


def test_a_job_survives_its_way_to_the_process(job: BuildJob) -> None:
    assert job_from(json.loads(json.dumps(asdict(job)))) == job


def test_a_damaged_engine_is_built_again(filled: BuildJob, library: TensorRTLibrary) -> None:
    path = filled.engine_cache.folder / f'{filled.key.digest}.plan'
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert 'is not used: it has' in built(filled, library)[0]
    assert filled.engine_cache.load(filled.key).plan
    assert abs(len(path.read_bytes()) - len(whole)) < 1000


def test_why_an_engine_was_not_taken_is_told_while_and_after_it_is_built_anew(
        filled: BuildJob, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    # TensorRT-RTX itself refuses it, as there is no driver; so it does the new one.
    monkeypatch.setattr(startup, 'present_gpu', lambda: RTX_4090)
    before = (filled.engine_cache.folder / f'{filled.key.digest}.plan').stat().st_mtime_ns
    description = load_description(small_model)
    backend = open_tensorrt(description, BackendConfig(), (64, 96),
                            lambda: OnnxRuntimeBackend(description, CPU))
    assert 'cannot load the engine: ' in backend.report.note
    wait_for(lambda: 'not used: TensorRT-RTX' in backend.progress or backend.progress == '')
    assert backend.wait(240)
    assert backend.report.note.count('cannot load the engine: ') == 2
    assert (filled.engine_cache.folder / f'{filled.key.digest}.plan').stat().st_mtime_ns > before
    assert backend.run(torch.rand(1, 3, 32, 64)).grid_size == (8, 16)
    backend.close()


def test_an_engine_that_only_lacks_memory_is_not_built_again(
        filled: BuildJob, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, 'present_gpu', lambda: RTX_4090)

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')
    monkeypatch.setattr(startup, 'EngineBackend', fail)
    with pytest.raises(BackendError, match='out of GPU memory'):
        open_tensorrt(load_description(small_model), BackendConfig(), (64, 96), lambda: None)
    assert filled.engine_cache.load(filled.key).plan


def test_a_cache_that_cannot_be_written_costs_only_the_next_start(
        job: BuildJob, library: TensorRTLibrary) -> None:
    blocker = Path(job.cache).parent
    blocker.mkdir(parents=True)
    Path(job.cache).write_text('a file where the folder should be')
    told = built(job, library)
    assert 'cannot be kept' in told[-1] and 'XDG_CACHE_HOME' in told[-1]


def test_of_two_processes_one_builds_and_the_other_waits(job: BuildJob) -> None:
    lock = job.engine_cache.lock(job.key)
    told: list[list[str]] = [[], []]
    plans: list[bytes] = []
    with lock:  # Until both stand at the door.
        processes = [BuildProcess(job), BuildProcess(job)]
        threads = [Thread(target=lambda process=process, lines=lines: plans.append(
            process.result(lines.append))) for process, lines in zip(processes, told)]
        for thread in threads:
            thread.start()
        wait_for(lambda: all(any('waiting for another' in line for line in lines)
                             for lines in told))
    for thread in threads:
        thread.join()
    assert plans[0] == plans[1] != b''
    assert sum('built the TensorRT engine' in line for lines in told for line in lines) == 1


def test_a_killed_build_leaves_a_cache_that_the_next_one_mends(job: BuildJob,
                                                               library: TensorRTLibrary) -> None:
    process = BuildProcess(job)
    kill_once = Event()

    def kill(line: str) -> None:
        if '% after' in line and not kill_once.is_set():
            kill_once.set()
            os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(BackendError, match='ended by signal 9'):
        process.result(kill)
    assert kill_once.is_set()
    assert job.engine_cache.load(job.key).plan is None
    assert 'waiting' not in ' '.join(built(job, library))  # Its lock went with it.
    assert job.engine_cache.load(job.key).plan


def test_what_cannot_be_parsed_is_told_from_the_process_too(
        job: BuildJob, tmp_path: Path) -> None:
    (tmp_path / 'broken.onnx').write_bytes(b'no graph')
    process = BuildProcess(replace(job, onnx=str(tmp_path / 'broken.onnx')))
    with pytest.raises(BackendError, match='cannot read the ONNX file.*metricseg export'):
        process.result(lambda line: None)


@pytest.mark.parametrize('name', shipped_models())
def test_the_shipped_models_parse_and_build(name: str, library: TensorRTLibrary, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    words = ['build-engine', '--model', name, 'input.height=320', 'input.width=416', '--gpu',
             RTX_4090.name, '--compute-capability', RTX_4090.compute_capability]
    assert main(words) == 0
    assert f'built: {name}, fp16, 32x32 320x416 416x416' in capsys.readouterr().out
    assert main(words) == 0
    assert f'was there: {name}' in capsys.readouterr().out


@pytest.mark.parametrize(('asked', 'own', 'precision'), [
    ('auto', 'fp32', 'fp16'), ('fp16', 'fp32', 'fp16'), ('fp32', 'fp32', 'fp32'),
    ('auto', 'fp16', 'fp16'), ('fp32', 'fp16', 'fp16')])
def test_an_engine_has_half_precision_unless_asked_not_to(
        small_model: Path, library: TensorRTLibrary, asked: str, own: str, precision: str) -> None:
    description = replace(load_description(small_model), precision=own)
    job = plan_job(description, BackendConfig(precision=asked), (64, 96), RTX_4090, library)
    assert job.key.precision == precision
    given = (small_model / 'model.onnx').read_bytes()
    # A file that is in fp16 already is taken as it is.
    assert (job.graph() == given) == (own == precision)
    kinds = {item.data_type for item in onnx.load_model_from_string(job.graph()).graph.initializer}
    assert (onnx.TensorProto.FLOAT16 in kinds) == (own != precision)


def test_without_onnx_half_precision_is_refused_with_the_remedy(
        small_model: Path, library: TensorRTLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    job = plan_job(load_description(small_model), BackendConfig(), (64, 96), RTX_4090, library)
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(BackendError, match='install it, or set backend.precision to fp32'):
        job.graph()


def test_a_layer_has_no_more_than_a_part_of_an_8_gb_jetson_unless_asked_for(
        small_model: Path, library: TensorRTLibrary) -> None:
    job = plan_job(load_description(small_model), BackendConfig(), (64, 96), RTX_4090, library)
    assert 0 < job.workspace_mib <= 8192 // 4


def test_the_present_gpu_tells_its_multiprocessors(monkeypatch: pytest.MonkeyPatch) -> None:
    orin = SimpleNamespace(name='Orin', major=8, minor=7, multi_processor_count=16)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda index: orin)
    assert present_gpu() == Gpu('Orin', '8.7', 16)


def test_orins_of_one_name_and_more_or_fewer_multiprocessors_have_engines_of_their_own(
        small_model: Path, library: TensorRTLibrary) -> None:
    def key(made_by: Any, multiprocessors: int) -> EngineKey:
        gpu = Gpu('Orin', '8.7', multiprocessors)
        return plan_job(load_description(small_model), BackendConfig(), (64, 96), gpu, made_by).key

    measuring = SimpleNamespace(name='tensorrt', version='10.3.0', measures=True)
    assert key(measuring, 16).digest != key(measuring, 8).digest
    assert key(measuring, 16).builder_digest != key(measuring, 8).builder_digest
    assert key(library, 16) == key(library, 0)  # TensorRT-RTX builds where the GPU is not.


def test_an_engine_has_grouped_before_it_takes_over(
        filled: BuildJob, small_model: Path, library: TensorRTLibrary,
        monkeypatch: pytest.MonkeyPatch) -> None:
    description = load_description(small_model)
    binding = SimpleNamespace(why_no_graph='no CUDA graph: so it is')
    here = TorchBackend(description, CPU)
    monkeypatch.setattr(TensorRTLibrary, 'deserialised', lambda self, plan: None)
    monkeypatch.setattr(EngineBackend, '_check_tensors', lambda self: None)
    monkeypatch.setattr(EngineBackend, 'run', lambda self, tensor, depth=None: (
        self.bindings.update({0: binding}), here.run(tensor))[1])
    monkeypatch.setattr(torch.cuda, 'Stream', lambda: None)
    rehearsed: list[int] = []
    monkeypatch.setattr(engine_backend, 'rehearse', lambda output: rehearsed.append(
        len(rehearse(output).seeds)))
    backend = EngineBackend(b'a plan', library, description, filled)
    assert rehearsed == [4]
    assert backend.report.precision == 'fp16' and backend.report.note == binding.why_no_graph


def test_the_paper_s_resnet_101_with_its_pyramid_parses_and_builds(library: TensorRTLibrary,
                                                                   tmp_path: Path) -> None:
    from metricseg_ros.export.onnx import save, traced
    from metricseg_ros.network import MetricSegmentationNetwork

    config = from_dict(NetworkConfig, yaml.safe_load(PAPER.read_text())['network'])
    assert config.backbone == 'deeplab_resnet101' and len(config.pyramid_scales) == 4
    save(traced(MetricSegmentationNetwork(config), (64, 64)), tmp_path / 'large.onnx')
    shares: list[float] = []
    plan = library.build((tmp_path / 'large.onnx').read_bytes(), ((64, 64),) * 3, 'fp32', 0, '8.9',
                         shares.append)
    assert len(plan) > 40e6 * 4  # Its weights.
    assert shares == sorted(shares) and shares[-1] <= 1


class Compiled:
    """A runtime cache of TensorRT-RTX that takes note of what it is given."""

    def __init__(self, known: list[bytes], content: bytes | None = b'kernels') -> None:
        """Begin empty."""
        self.known, self.content = known, content

    def deserialize(self, content: bytes) -> bool:
        self.known.append(content)
        return True

    def serialize(self) -> bytes | None:
        return self.content


class Options(SimpleNamespace):
    """A runtime configuration, which can be watched."""


def engine_with(compiled: Compiled, taken: bool = True) -> tuple[Any, Options]:
    """Stand in for an engine of TensorRT-RTX; return it and its configuration."""
    options = Options(create_runtime_cache=lambda: compiled,
                      set_runtime_cache=lambda cache: taken)
    # As TensorRT-RTX does, it keeps nothing of what it is given alive.
    return SimpleNamespace(create_runtime_config=lambda: options,
                           create_execution_context=lambda options: object()), options


def test_tensorrt_rtx_is_held_to_kernels_that_a_cuda_graph_can_be_made_of(
        library: TensorRTLibrary, tmp_path: Path) -> None:
    known: list[bytes] = []
    for _ in range(2):
        engine, options = engine_with(Compiled(known))
        library.context(engine, tmp_path / 'kernels').save()
        assert options.dynamic_shapes_kernel_specialization_strategy \
            == rtx.DynamicShapesKernelSpecializationStrategy.EAGER
    assert known == [b'kernels']  # What the first one compiled serves the second.


def test_what_a_context_uses_lives_as_long_as_it(library: TensorRTLibrary, tmp_path: Path) -> None:
    compiled = Compiled([])
    engine, options = engine_with(compiled)
    watched = [weakref.ref(compiled), weakref.ref(options)]
    options.create_runtime_cache = iter([compiled]).__next__
    engine.create_runtime_config = iter([options]).__next__
    context = library.context(engine, tmp_path / 'kernels')
    del compiled, engine, options
    gc.collect()
    assert all(held() is not None for held in watched)
    del context
    gc.collect()
    assert all(held() is None for held in watched)


@pytest.mark.parametrize(('content', 'taken'), [(None, True), (b'kernels', False)])
def test_kernels_that_cannot_be_had_are_not_kept(library: TensorRTLibrary, tmp_path: Path,
                                                 content: bytes | None, taken: bool) -> None:
    engine, _ = engine_with(Compiled([], content), taken)
    library.context(engine, tmp_path / 'kernels').save()
    assert not (tmp_path / 'kernels').exists()


def test_a_gpu_that_tensorrt_rtx_does_not_build_for_is_refused(
        filled: BuildJob, library: TensorRTLibrary) -> None:
    with pytest.raises(BackendError, match=r'for compute capability .*8\.9.*, got 8\.7'):
        built(replace(filled, key=replace(filled.key, gpu='Orin', compute_capability='8.7')),
              library)


def test_a_gpu_that_no_engine_is_built_for_is_left_to_the_other_backends(
        small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, 'present_gpu', lambda: Gpu('NVIDIA H100', '9.0'))
    monkeypatch.setattr(selection, 'found_gpu', lambda: 'NVIDIA H100')
    tried = selection.gpu_openers(load_description(small_model), BackendConfig(), (64, 96))
    with pytest.raises(BackendError, match='for compute capability .*, got 9.0'):
        next(tried)()
    backend = open_backend(load_description(small_model), BackendConfig())
    assert not isinstance(backend, StandbyBackend) and 'got 9.0' in backend.report.note


def test_building_ahead_fails_where_the_engine_cannot_be_kept(
        small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    assert main(['build-engine', '--model', str(small_model), '--gpu', RTX_4090.name,
                 '--compute-capability', RTX_4090.compute_capability]) == 1
    printed = capsys.readouterr()
    assert not printed.out and 'it cannot be kept' in printed.err.splitlines()[-1]


def test_build_engine_without_a_gpu_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    assert main(['build-engine']) == 2
    assert '--gpu and --compute-capability' in capsys.readouterr().err
    assert main(['build-engine', '--gpu', 'Orin']) == 2


def test_tensorrt_is_nothing_for_the_cpu(small_model: Path) -> None:
    with pytest.raises(BackendError, match='runs on a GPU only'):
        open_backend(load_description(small_model), BackendConfig('tensorrt', 'cpu'))


def test_backends_change_places_between_two_images(small_model: Path) -> None:
    description = load_description(small_model)
    ready = Event()

    def prepare(tell: Callable[[str], None]) -> TorchBackend:
        tell('building the TensorRT engine: 43% after 12 s')
        assert ready.wait(250)
        return TorchBackend(description, CPU)

    backend = StandbyBackend(OnnxRuntimeBackend(description, CPU), prepare, ready.set)
    tensor = torch.rand(1, 3, 32, 64)
    first = backend.run(tensor)
    assert backend.report.backend == 'onnxruntime'
    wait_for(lambda: '43%' in backend.progress)
    ready.set()
    assert backend.wait(250) and backend.progress == ''
    assert backend.report.backend == 'onnxruntime'  # Nothing ran since.
    second = backend.run(tensor)
    assert backend.report.backend == 'torch'
    assert (first.embeddings - second.embeddings).abs().max() < 1e-3
    backend.close()


@pytest.mark.parametrize(('error', 'told'), [
    (BackendError('out of GPU memory'), 'out of GPU memory'),
    (RuntimeError('shape mismatch'), 'shape mismatch'), (AttributeError(), 'AttributeError')])
def test_the_standby_goes_on_whatever_befalls_the_better_one(small_model: Path, error: Exception,
                                                             told: str) -> None:
    def prepare(tell: Callable[[str], None]) -> TorchBackend:
        tell('building')
        raise error

    backend = StandbyBackend(OnnxRuntimeBackend(load_description(small_model), CPU), prepare,
                             lambda: None)
    assert backend.wait(60)
    assert backend.report.note == told and backend.progress == ''
    assert backend.run(torch.rand(1, 3, 32, 64)).grid_size == (8, 16)
    backend.close()


class Failing:
    """A backend that was warmed up and then fails."""

    report = ExecutionReport('tensorrt', 'TensorRT 10.3.0', 'cuda (Orin)', 'fp16')
    closed = False

    def run(self, tensor: torch.Tensor, depth: DepthTensors | None) -> NetworkOutput:
        raise BackendError('out of GPU memory: end other programs')

    def close(self) -> None:
        self.closed = True


def test_the_present_backend_goes_on_where_the_better_one_fails_at_its_first_image(
        small_model: Path) -> None:
    failing = Failing()
    backend = StandbyBackend(OnnxRuntimeBackend(load_description(small_model), CPU),
                             lambda tell: failing, lambda: None)
    assert backend.wait(60)
    for _ in range(2):
        assert backend.run(torch.rand(1, 3, 32, 64)).grid_size == (8, 16)
        assert backend.report.backend == 'onnxruntime'
        assert backend.report.note == 'out of GPU memory: end other programs'
    assert failing.closed
    backend.close()


def test_the_backend_that_gave_way_is_gone(small_model: Path) -> None:
    description = load_description(small_model)
    before = OnnxRuntimeBackend(description, CPU)
    session = weakref.ref(before.session)
    backend = StandbyBackend(before, lambda tell: TorchBackend(description, CPU), lambda: None)
    assert backend.wait(60) and session() is not None
    backend.run(torch.rand(1, 3, 32, 64))
    assert session() is None
    network = weakref.ref(backend._serving.network)
    backend.close()
    assert network() is None


def test_closing_ends_a_build_that_is_under_way(small_model: Path, job: BuildJob) -> None:
    process = BuildProcess(job)
    backend = StandbyBackend(OnnxRuntimeBackend(load_description(small_model), CPU),
                             process.result, process.stop)
    wait_for(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) > 0)  # Others come first.
    backend.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_progress_rises_through_nested_phases() -> None:
    phases, seen = Phases(), []
    phases.start('whole', None, 2)
    for part in ('first', 'second'):
        phases.start(part, 'whole', 4)
        for step in range(4):
            phases.step(part, step)
            seen.append(phases.share())
        phases.finish(part)
        phases.step('whole', ('first', 'second').index(part))
        seen.append(phases.share())
    assert seen == [0.125, 0.25, 0.375, 0.5, 0.5, 0.625, 0.75, 0.875, 1.0, 1.0]


@pytest.mark.parametrize(('error', 'words'), [
    (torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'), 'smaller input'),
    (RuntimeError('CUDA error: unspecified launch failure\nmore'), 'start the node anew')])
def test_errors_of_the_gpu_are_explained(error: RuntimeError, words: str) -> None:
    explained = explain(error)
    assert isinstance(explained, BackendError) and words in str(explained)
    other = RuntimeError('shape mismatch')
    assert explain(other) is other
