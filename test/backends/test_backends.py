# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Backends compute the same, say truthfully what runs, and refuse what they cannot run."""

from __future__ import annotations

from pathlib import Path
import sys

from metricseg_ros.backends import (
    Backend,
    BackendError,
    ExecutionReport,
    gpus,
    onnxruntime_backend,
    open_backend,
    selection,
)
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.selection import BACKENDS
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import FAILED
from metricseg_ros.cli.main import main
from metricseg_ros.config import BackendConfig
from metricseg_ros.export.parity import LARGEST_DIFFERENCE
from metricseg_ros.models import load_description, ModelError, shipped_models
from metricseg_ros.network.checkpoint import CheckpointError
from model_fixtures import edit_description, vouch_for
import onnx
from onnx import helper, TensorProto
import pytest
import torch

SIZES = [(32, 32), (64, 96), (96, 64), (160, 224)]


def open_on_cpu(folder: Path, name: str) -> Backend:
    return open_backend(load_description(folder), BackendConfig(name=name, device_policy='cpu'))


def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine have no GPU, whatever it has."""
    import onnxruntime

    monkeypatch.setattr(gpus, 'driver_gpus', list)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: ['CPUExecutionProvider'])


def assert_same(folder: Path, size: tuple[int, int]) -> None:
    """Run a model in both backends on the same random input."""
    tensor = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
    first, second = (open_on_cpu(folder, name).run(tensor) for name in ('torch', 'onnxruntime'))
    assert first.grid_size == second.grid_size == (size[0] // 4, size[1] // 4)
    assert first.similarity_thresholds == second.similarity_thresholds
    assert (first.embeddings - second.embeddings).abs().max() < LARGEST_DIFFERENCE
    assert (first.class_logits - second.class_logits).abs().max() < LARGEST_DIFFERENCE


@pytest.mark.parametrize('size', SIZES)
def test_torch_and_onnx_runtime_agree_at_every_size(small_model: Path,
                                                    size: tuple[int, int]) -> None:
    assert_same(small_model, size)


@pytest.mark.skipif('household-lite' not in shipped_models(), reason='needs household-lite')
@pytest.mark.parametrize('size', [(64, 96), (240 // 32 * 32, 320)])
def test_torch_and_onnx_runtime_agree_on_the_shipped_model(size: tuple[int, int]) -> None:
    assert_same(shipped_models()['household-lite'], size)


@pytest.mark.parametrize('name', BACKENDS)
def test_the_output_is_the_input_s_alone(small_model: Path, name: str) -> None:
    backend = open_on_cpu(small_model, name)
    tensor = torch.randn(1, 3, 32, 64)
    first = backend.run(tensor)
    kept = first.embeddings.clone()
    backend.run(torch.zeros(1, 3, 32, 64))
    assert torch.equal(first.embeddings, kept)
    assert torch.equal(backend.run(tensor).embeddings, kept)


@pytest.mark.parametrize(('name', 'provider'), [
    ('onnxruntime', 'CPUExecutionProvider'), ('torch', f'torch {torch.__version__}')])
def test_the_report_says_what_runs(small_model: Path, name: str, provider: str) -> None:
    report = open_on_cpu(small_model, name).report
    assert report == ExecutionReport(name, provider, 'cpu', 'fp32', '')
    assert str(report) == f'{name} ({provider}) on cpu, fp32'


def test_auto_takes_onnx_runtime_first(small_model: Path) -> None:
    assert list(BACKENDS) == ['onnxruntime', 'torch']
    assert open_on_cpu(small_model, 'auto').report.backend == 'onnxruntime'


def test_auto_goes_on_to_torch_and_says_why(small_model: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    report = open_on_cpu(small_model, 'auto').report
    assert report.backend == 'torch'
    assert 'install the Python package onnxruntime' in report.note


@pytest.mark.parametrize('name', ['auto', 'tensorrt', *BACKENDS])
def test_a_required_gpu_that_is_not_there_is_refused_in_one_sentence(
        small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str,
        capsys: pytest.CaptureFixture[str]) -> None:
    no_gpu(monkeypatch)
    words = ['segment', str(photographs()[0]), '--model', str(small_model), '--backend', name,
             '--device', 'gpu', '--output', str(tmp_path / 'out')]
    assert main(words) == FAILED
    assert capsys.readouterr().err == (
        'metricseg: error: BackendError: backend.device_policy is require_gpu, but no NVIDIA GPU '
        'is found here: install its driver if there is one, or set prefer_gpu or cpu to run on '
        'the CPU\n')


@pytest.mark.parametrize(('name', 'reasons'), [
    ('onnxruntime', ['install onnxruntime-gpu']), ('torch', ['CUDA build of torch']),
    ('auto', ['TensorRT', 'install onnxruntime-gpu', 'CUDA build of torch'])])
def test_a_required_gpu_that_no_package_can_use_is_named(
        small_model: Path, monkeypatch: pytest.MonkeyPatch, name: str,
        reasons: list[str]) -> None:
    no_gpu(monkeypatch)
    monkeypatch.setattr(selection, 'found_gpu', lambda: 'NVIDIA GeForce RTX 4090')
    config = BackendConfig(name, 'require_gpu')
    with pytest.raises(BackendError, match='RTX 4090') as caught:
        open_backend(load_description(small_model), config)
    assert all(reason in str(caught.value.__cause__) for reason in reasons)
    assert ('doctor' if name == 'auto' else reasons[0]) in str(caught.value)
    # Whoever only prefers it is told all of it beside what runs.
    report = open_backend(load_description(small_model), BackendConfig(name)).report
    assert report.device == 'cpu' and all(reason in report.note for reason in reasons)


@pytest.mark.parametrize('name', ['auto', 'tensorrt', *BACKENDS])
def test_a_preferred_gpu_that_is_not_there_is_told(small_model: Path, name: str,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    no_gpu(monkeypatch)
    report = open_backend(load_description(small_model), BackendConfig(name)).report
    assert report.device == 'cpu' and report.note == 'no NVIDIA GPU is found here'
    assert str(report).endswith(f'on cpu, fp32; {report.note}')


def test_a_provider_that_leaves_the_work_to_the_cpu_is_refused(
        small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The Azure provider is in every build, loads without an error and takes no convolution.
    monkeypatch.setattr(onnxruntime_backend, 'GPU_PROVIDER', 'AzureExecutionProvider')
    with pytest.raises(BackendError, match=r'gives \d\d of \d\d convolutions to the CPU'):
        OnnxRuntimeBackend(load_description(small_model), BackendConfig('auto', 'require_gpu'))


def test_a_provider_that_is_listed_but_does_not_load_is_refused(
        small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    if 'CUDAExecutionProvider' in onnxruntime.get_available_providers():
        pytest.skip('CUDA may load here')
    # As onnxruntime-gpu does where CUDA's libraries are missing: it goes on with the CPU.
    monkeypatch.setattr(onnxruntime, 'get_available_providers',
                        lambda: ['CUDAExecutionProvider', 'CPUExecutionProvider'])
    with pytest.raises(BackendError, match='CPUExecutionProvider in place of CUDA'):
        OnnxRuntimeBackend(load_description(small_model), BackendConfig('auto', 'require_gpu'))


def test_the_driver_is_asked_for_its_gpus(tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, 'JETSON_RELEASE', tmp_path / 'release')
    monkeypatch.setenv('PATH', str(tmp_path))
    assert gpus.driver_gpus() == []
    tool = tmp_path / 'nvidia-smi'
    tool.write_text('#!/bin/sh\necho "NVIDIA GeForce RTX 4090, 570.86, 24564 MiB"\n')
    tool.chmod(0o755)
    assert gpus.driver_gpus() == ['NVIDIA GeForce RTX 4090, 570.86, 24564 MiB']
    tool.write_text('#!/bin/sh\necho "the driver does not answer"; exit 9\n')
    assert gpus.driver_gpus() == []
    (tmp_path / 'release').write_text('# R36 (release), REVISION: 4.3, GCID: 38968081\n')
    assert gpus.driver_gpus() == ['Jetson, R36 (release), REVISION: 4.3, GCID: 38968081']


def test_a_file_that_is_no_onnx_is_named(own_model: Path) -> None:
    (own_model / 'model.onnx').write_bytes(b'no graph at all')
    vouch_for(own_model, 'model.onnx')
    with pytest.raises(BackendError, match=r'cannot load .*own/model\.onnx'):
        open_on_cpu(own_model, 'onnxruntime')


@pytest.mark.parametrize(('name', 'file'), [('onnxruntime', 'model.onnx'),
                                            ('torch', 'weights.safetensors')])
def test_a_damaged_file_is_named(own_model: Path, name: str, file: str) -> None:
    with (own_model / file).open('ab') as opened:
        opened.write(b'\0')
    with pytest.raises(ModelError, match=f'own/{file} is damaged'):
        open_on_cpu(own_model, name)


def write_foreign(path: Path, image: str, outputs: tuple[str, ...]) -> None:
    """Write an ONNX file that gives its input back, under other names."""
    size = [1, 3, 'h', 'w']
    graph = helper.make_graph(
        [helper.make_node('Identity', [image], [name]) for name in outputs], 'foreign',
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name in outputs])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)],
                                ir_version=8), path)


@pytest.mark.parametrize(('image', 'outputs'), [
    ('input', ('embeddings', 'class_logits')), ('image', ('embeddings', 'logits')),
    ('image', ('embeddings',)), ('pixel_values', ('boxes', 'masks'))])
def test_an_onnx_file_of_another_network_is_refused(own_model: Path, image: str,
                                                    outputs: tuple[str, ...]) -> None:
    write_foreign(own_model / 'model.onnx', image, outputs)
    vouch_for(own_model, 'model.onnx')
    with pytest.raises(BackendError) as caught:
        open_on_cpu(own_model, 'onnxruntime')
    text = str(caught.value)
    assert str(own_model / 'model.onnx') in text and 'metricseg export' in text
    assert f'got {image} and {", ".join(outputs)}' in text


def test_weights_of_another_network_are_refused(own_model: Path) -> None:
    edit_description(own_model, lambda content: content['network'].update(embedding_dim=5))
    with pytest.raises(CheckpointError, match=r'own/weights.safetensors does not fit .*embedding'):
        open_on_cpu(own_model, 'torch')
