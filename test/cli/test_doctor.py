# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg doctor`: what is wrong is found, named and given a remedy."""

from __future__ import annotations

import json
from pathlib import Path
import shutil
import time

from metricseg_ros.backends import ExecutionReport
from metricseg_ros.backends.gpus import found_gpu
from metricseg_ros.cli.checks import tensorrt
from metricseg_ros.cli.checks.check import Check, FAIL, OK, WARN
from metricseg_ros.cli.checks.model import check_backend, check_model
from metricseg_ros.cli.checks.packages import check_import, check_python
from metricseg_ros.cli.checks.ros import (
    check_domain,
    check_profile,
    check_receive_buffer,
    check_shared_memory,
    probe_checks,
    run_probe,
)
from metricseg_ros.cli.checks.tensorrt import check_tensorrt
from metricseg_ros.cli.doctor import verdict
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.main import main
from metricseg_ros.config import SegmenterConfig, with_values
from metricseg_ros.models import find_model
import pytest
import torch


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Copy the shipped model, to damage it."""
    return Path(shutil.copytree(find_model('household-lite'), tmp_path / 'model'))


def checks_of(model: Path) -> list[Check]:
    return list(check_model(with_values(SegmenterConfig(), {'model': str(model)})))


def test_everything_that_is_wrong_has_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(['doctor', '--json', '-'])
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert code == (DONE if report['ok'] else FAILED)
    assert all(check['remedy'] for check in report['checks'] if check['status'] != OK)
    statuses = {check['subject']: check['status'] for check in report['checks']}
    assert statuses['torch'] == statuses['model.onnx'] == statuses['backend'] == OK
    assert 'OK    numpy: ' in printed.err


def test_a_damaged_model_is_found(model: Path) -> None:
    path = model / 'model.onnx'
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    damaged = next(check for check in checks_of(model) if check.subject == 'model.onnx')
    assert damaged.status == FAIL
    assert str(path) in damaged.remedy and 'copy the whole model folder again' in damaged.remedy


def test_a_missing_model_stops_the_node(tmp_path: Path) -> None:
    (check,) = checks_of(tmp_path / 'none')
    assert check.status == FAIL and str(tmp_path / 'none') in check.detail


def test_an_intact_model_segments_an_image(model: Path) -> None:
    checks = {check.subject: check for check in checks_of(model)}
    assert checks['model.onnx'].status == checks['weights.safetensors'].status == OK
    assert checks['one image'].status in (OK, WARN)
    assert 'network' in checks['one image'].detail


def tensorrt_checks(on_gpu: bool) -> dict[str, Check]:
    return {check.subject: check for check in check_tensorrt(on_gpu)}


@pytest.mark.parametrize(('on_gpu', 'status'), [(False, OK), (True, WARN)])
def test_tensorrt_is_missed_where_there_is_a_gpu(on_gpu: bool, status: str,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt, 'find_spec', lambda name: None)
    check = tensorrt_checks(on_gpu)['TensorRT']
    assert check.status == status and bool(check.remedy) == on_gpu


@pytest.mark.parametrize(('cuda', 'told'), [
    ('12.8', 'of CUDA 13, but torch is of CUDA 12.8'), ('13.0', '11.4.0'), (None, '11.4.0')])
def test_a_tensorrt_of_another_cuda_than_torch_s_is_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuda: str | None, told: str) -> None:
    # As the package named tensorrt alone brings it.
    (tmp_path / 'tensorrt.py').write_text('__version__ = "11.4.0"')
    info = tmp_path / 'tensorrt_cu13-11.4.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: tensorrt-cu13\nVersion: 11.4.0\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setattr(torch.version, 'cuda', cuda)
    check = tensorrt_checks(True)['TensorRT']
    assert told in check.detail and (check.status == WARN) == ('but' in told)


@pytest.mark.parametrize(('code', 'status', 'detail'), [
    ('__version__ = "10.3.0"', OK, '10.3.0'),
    ('raise ImportError("libnvinfer.so.10: cannot open")', WARN, 'libnvinfer.so.10: cannot open'),
    ('import os; os.abort()', WARN, 'exit code -6')])
def test_a_tensorrt_that_takes_its_process_down_does_not_take_doctor(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, status: str,
        detail: str) -> None:
    (tmp_path / 'tensorrt.py').write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    check = tensorrt_checks(True)['TensorRT']
    assert check.status == status and detail in check.detail


def test_broken_engines_are_told_of_with_what_removes_them(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert tensorrt_checks(False)['engines'].status == OK
    (tmp_path / 'metricseg_ros' / 'engines').mkdir(parents=True)
    (tmp_path / 'metricseg_ros' / 'engines' / '0123.plan').write_bytes(b'half an engine')
    check = tensorrt_checks(False)['engines']
    assert check.status == WARN and '0123' in check.detail and 'engines prune' in check.remedy


def test_a_gpu_that_is_there_and_not_used_is_worth_a_warning() -> None:
    on_cpu = ExecutionReport('onnxruntime', 'CPUExecutionProvider', 'cpu', 'fp32', 'why')
    assert check_backend(on_cpu, '', '').status == OK
    warned = check_backend(on_cpu, 'NVIDIA GeForce RTX 4090', '')
    assert warned.status == WARN and 'RTX 4090' in warned.remedy and 'why' in warned.detail
    building = check_backend(on_cpu, 'Orin', 'building the TensorRT engine: 43% after 12 s')
    assert building.status == WARN and 'metricseg build-engine' in building.remedy
    on_gpu = ExecutionReport('tensorrt', 'TensorRT 10.3.0', 'cuda (Orin)', 'fp16')
    assert check_backend(on_gpu, 'Orin', '').status == OK


@pytest.mark.skipif(bool(found_gpu()), reason='there is a GPU')
def test_a_required_gpu_is_a_fault_of_the_backend_with_what_each_lacks() -> None:
    config = with_values(SegmenterConfig(), {'backend.device_policy': 'require_gpu'})
    check = list(check_model(config))[-1]
    assert (check.subject, check.status) == ('backend', FAIL)
    assert 'no NVIDIA GPU is found here' in check.detail
    assert 'onnxruntime-gpu' in check.remedy and 'CUDA build of torch' in check.remedy


@pytest.mark.parametrize(('version', 'status'), [
    ((3, 9), FAIL), ((3, 10), OK), ((3, 13), OK), ((3, 14), WARN)])
def test_python_versions(version: tuple[int, int], status: str) -> None:
    assert check_python(version).status == status


def test_an_import_that_fails_says_why() -> None:
    check = check_import('no_such_module_anywhere', WARN, 'install it')
    assert check.status == WARN and 'No module named' in check.detail


@pytest.mark.parametrize(('text', 'status'), [
    ('0', OK), ('101', OK), ('102', WARN), ('233', FAIL), ('-1', FAIL), ('home', FAIL)])
def test_domains(text: str, status: str) -> None:
    assert check_domain(text).status == status


def test_buffers_are_judged_by_what_an_image_needs() -> None:
    assert check_receive_buffer(212992).status == WARN
    assert check_receive_buffer(2**31 - 1).status == OK
    assert check_receive_buffer(None).status == OK
    assert check_shared_memory(64 * 2**20).status == OK
    assert check_shared_memory(2**20).status == WARN


def test_the_profile_of_the_middleware_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / 'profile.xml'
    missing = check_profile({}, 212992)
    assert missing.status == WARN and 'before Kilted FASTRTPS_' in missing.remedy
    assert Path(missing.remedy.split('=')[1].split()[0]).is_file()  # As can be copied.
    assert check_profile({'FASTDDS_DEFAULT_PROFILES_FILE': str(path)}, None).status == WARN
    path.touch()
    assert check_profile({'FASTRTPS_DEFAULT_PROFILES_FILE': str(path)}, None).status == OK
    transports = {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}
    assert check_profile(transports, None).status == OK
    both = check_profile({**transports, 'FASTDDS_DEFAULT_PROFILES_FILE': str(path)}, None)
    assert both.status == WARN and both.remedy.startswith('unset one of them')


def test_what_ros_lacks_is_told_in_one_line_and_ours_in_another() -> None:
    missing = {name: f'No module named {name!r}' for name in ('rclpy', 'std_msgs',
                                                              'metricseg_msgs', 'vision_msgs')}
    checks = list(probe_checks({'missing': missing,
                                'required': ['rclpy', 'std_msgs', 'metricseg_msgs']}))
    assert [(check.subject, check.status) for check in checks] == [
        ('ROS 2', FAIL), ('metricseg_msgs', FAIL), ('vision_msgs', WARN)]


def test_a_probe_that_fails_is_told() -> None:
    (check,) = probe_checks({'error': 'the probe ended: Segmentation fault'})
    assert check.status == FAIL and 'Segmentation fault' in check.detail


@pytest.mark.ros
def test_an_image_comes_round_through_the_middleware() -> None:
    found = run_probe()
    assert 0 < found['round_trip_ms'] < 10_000
    assert found['looked_s'] >= 3  # Publishers are often seen after one or two seconds only.
    assert not set(found['missing']) & set(found['required'])


@pytest.mark.ros
def test_a_segmenter_that_runs_is_asked_how_it_is(tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    from metricseg_ros.ros.process.processes import Processes
    with Processes(tmp_path) as processes:
        for name, value in processes.environment.items():
            monkeypatch.setenv(name, value)
        processes.start('metricseg_ros.ros.segmenter_node', '--ros-args', '-r', '__ns:=/robot',
                        '-p', 'model:=/nowhere')
        end = time.monotonic() + 60
        while not (found := run_probe()).get('segmenters'):
            assert time.monotonic() < end, found
    checks = {check.subject: check for check in probe_checks(found)}
    check = checks['robot/segmenter: segmentation']
    assert check.status == WARN and 'no model at /nowhere' in check.detail and check.remedy
    (name, (_, message)), = found['segmenters'].items()
    well = {**found, 'segmenters': {name: (0, message)}}
    assert {check.subject: check.status for check in probe_checks(well)}[name] == OK


def test_the_verdict_sums_up() -> None:
    fine, doubtful, broken = (Check('x', status, '') for status in (OK, WARN, FAIL))
    assert verdict([fine]) == 'all is well'
    assert verdict([fine, doubtful]) == 'the node will run; 1 warnings'
    assert 'will not run' in verdict([fine, doubtful, broken])
