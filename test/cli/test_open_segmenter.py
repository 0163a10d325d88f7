# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A command runs on one backend from first to last, and says if it is not the one asked for."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from metricseg_ros.backends import ExecutionReport, gpus
from metricseg_ros.backends.gpus import found_gpu, Gpu
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.standby import StandbyBackend
from metricseg_ros.backends.tensorrt import startup
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.cli import open_segmenter as open_segmenter_module
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.main import main
from metricseg_ros.cli.open_segmenter import is_other, open_segmenter, wait_for_best_backend
from metricseg_ros.config import BackendConfig, SegmenterConfig, with_values
from metricseg_ros.models import load_description
import pytest

ON_CPU = ExecutionReport('onnxruntime', 'CPUExecutionProvider', 'cpu', 'fp32')


@pytest.mark.skipif(bool(found_gpu()), reason='there is a GPU')
@pytest.mark.parametrize(('backend', 'told'), [('tensorrt', True), ('onnxruntime', False),
                                               ('auto', False)])
def test_what_is_not_as_asked_for_is_told(small_model: Path, tmp_path: Path, backend: str,
                                          told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['segment', str(photographs()[0]), '--model', str(small_model), '--backend',
                 backend, '--output', str(tmp_path / 'out'), '--quiet']) == 0
    assert capsys.readouterr().err == (
        'metricseg: running on onnxruntime (CPUExecutionProvider) on cpu, fp32; no NVIDIA GPU is '
        'found here\n' if told else '')


def test_an_idle_gpu_is_something_else_unless_it_shall_be_idle(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, 'driver_gpus', lambda: ['NVIDIA GeForce RTX 4090'])
    assert is_other(ON_CPU, BackendConfig())
    assert not is_other(ON_CPU, BackendConfig(device_policy='cpu'))


def test_a_command_waits_for_the_engine_and_tells_its_progress(
        small_model: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(open_segmenter_module, 'TELL_S', 0.01)
    description, told = load_description(small_model), Event()
    config = BackendConfig(device_policy='cpu')
    wait = StandbyBackend.wait

    def wait_and_tell(backend: StandbyBackend, timeout: float | None = None) -> bool:
        ready = wait(backend, timeout)
        if '43%' in backend.progress:
            told.set()
        return ready

    def prepare(tell: object) -> TorchBackend:
        tell('building the TensorRT engine: 43% after 12 s')
        assert told.wait(60)
        return TorchBackend(description, config)

    monkeypatch.setattr(StandbyBackend, 'wait', wait_and_tell)
    backend = StandbyBackend(OnnxRuntimeBackend(description, config), prepare, told.set)
    assert wait_for_best_backend(backend) and backend.progress == ''
    assert 'metricseg: building the TensorRT engine: 43% after 12 s' in capsys.readouterr().err
    assert not wait_for_best_backend(OnnxRuntimeBackend(description, config))
    backend.close()


def test_a_short_command_leaves_an_engine_for_the_next(
        small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('tensorrt_rtx', reason='needs TensorRT-RTX')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(startup, 'present_gpu', lambda: Gpu('NVIDIA GeForce RTX 4090', '8.9'))
    segmenter = open_segmenter(with_values(SegmenterConfig(), {'model': str(small_model)}))
    segmenter.close()
    assert list((tmp_path / 'metricseg_ros' / 'engines').glob('*.plan'))
