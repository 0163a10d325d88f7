# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the network runs is as asked, and log, diagnostics and messages say the same of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from metricseg_ros.backends.gpus import found_gpu, Gpu
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.standby import StandbyBackend
from metricseg_ros.backends.tensorrt import startup
from metricseg_ros.backends.tensorrt.engine_backend import explain
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import load_description
from metricseg_ros.ros.tools.camera_messages import raw_image
from metricseg_ros.structures import NetworkOutput
import pytest
from ros.colour_model import scene
from ros.robot import PATIENCE_S, Robot, Segmenter, wait_for
from torch import Tensor

pytestmark = [pytest.mark.ros, pytest.mark.skipif(bool(found_gpu()), reason='there is a GPU')]


Start = Callable[..., Any]
REFUSAL = ('backend.device_policy is require_gpu, but no NVIDIA GPU is found here: install its '
           'driver if there is one, or set prefer_gpu or cpu to run on the CPU')
ERROR = 40


def logged(robot: Robot, text: str) -> list[str]:
    return [log.msg for log in list(robot.logs) if text in log.msg]


def test_a_required_gpu_that_is_missing_is_refused_in_one_sentence_and_may_be_preferred(
        start: Start, colour_model: Path) -> None:
    node = start(Segmenter(colour_model, backend__device_policy='require_gpu',
                           image_reliability='reliable')).node
    robot = start(Robot('instances'))
    status = robot.wait_for_status('not configured')
    assert status.message.startswith(f'not configured: {REFUSAL}; ')
    assert status.level == b'\x02'
    wait_for(lambda: logged(robot, REFUSAL), 'the refusal in the log')
    assert [log.msg for log in robot.logs if log.level >= ERROR] == \
        [f'cannot be configured: {REFUSAL}']
    assert not robot.change_state('configure') and node.phase == 'unconfigured'
    assert robot.set_parameter('backend.device_policy', 'prefer_gpu').successful
    assert robot.change_state('configure') and robot.change_state('activate')
    robot.wait_until_matched()
    assert robot.answer(raw_image(robot.header(), scene())).device == 'cpu'


def test_a_preferred_gpu_that_is_missing_is_told_everywhere(start: Start,
                                                            colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    message = robot.answer(raw_image(robot.header(), scene()))
    said = {name: robot.value(name) for name in ('backend', 'provider', 'device', 'precision')}
    assert said == {name: getattr(message, name) for name in said}
    assert said['device'] == 'cpu' and robot.value('note') == 'no NVIDIA GPU is found here'
    line = ', '.join(said.values())
    wait_for(lambda: logged(robot, f'{line}: no NVIDIA GPU is found here'), 'the log to say so')


def test_a_gpu_that_is_lost_is_told_and_the_next_configure_recovers(start: Start,
                                                                    colour_model: Path) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()

    def lost(*inputs: Tensor | None) -> NetworkOutput:
        raise explain(RuntimeError('CUDA error: unspecified launch failure'))

    node.session.segmenter.backend.run = lost
    status = robot.wait_for_status('the GPU was lost: CUDA error: unspecified launch failure',
                                   lambda: robot.send(raw_image(robot.header(), scene())))
    assert status.level == b'\x02' and 'clean up and configure' in status.message
    assert node.phase == 'active'
    for transition in ('deactivate', 'cleanup', 'configure', 'activate'):
        assert robot.change_state(transition)
    robot.wait_until_matched()
    assert robot.answer(raw_image(robot.header(), scene())).instances


def test_images_are_segmented_while_an_engine_is_built_and_after_it_is_refused(
        start: Start, colour_model: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('tensorrt_rtx', reason='needs TensorRT-RTX')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    # It really builds; that there is no driver comes out only when it loads what it has built.
    monkeypatch.setattr(startup, 'present_gpu', lambda: Gpu('NVIDIA GeForce RTX 4090', '8.9'))
    start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    assert robot.answer(raw_image(robot.header(), scene())).device == 'cpu'
    wait_for(lambda: 'cannot load the engine' in (robot.value('note') or ''), 'the refusal')
    assert list((tmp_path / 'metricseg_ros' / 'engines').glob('*.plan'))
    assert robot.answer(raw_image(robot.header(), scene())).instances
    wait_for(lambda: logged(robot, 'cannot load the engine'), 'the log to say so')


def test_a_backend_that_gives_way_to_a_better_one_is_told_of(start: Start,
                                                             colour_model: Path) -> None:
    segmenter = start(Segmenter(colour_model, image_reliability='reliable')).node.session.segmenter
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    built = Event()

    def prepare(tell: Callable[[str], None]) -> OnnxRuntimeBackend:
        tell('building the TensorRT engine: 43% after 12 s')
        assert built.wait(PATIENCE_S)
        better = OnnxRuntimeBackend(load_description(colour_model),
                                    BackendConfig(device_policy='cpu'))
        better.report = replace(better.report, note='the better one')
        return better

    segmenter.backend = StandbyBackend(segmenter.backend, prepare, built.set)
    wait_for(lambda: '43%' in (robot.value('progress') or ''), 'the progress in the diagnostics')
    wait_for(lambda: logged(robot, '43% after 12 s'), 'the progress in the log')
    built.set()
    assert segmenter.backend.wait(PATIENCE_S)
    robot.answer(raw_image(robot.header(), scene()))
    wait_for(lambda: robot.value('note') == 'the better one', 'the diagnostics to say so')
    wait_for(lambda: logged(robot, 'cpu, fp32: the better one'), 'the log to say so')
