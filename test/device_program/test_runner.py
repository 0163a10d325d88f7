# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmenter runs the program where it is wanted, and leaves the rest to the CPU's path."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.backends import BackendError
from metricseg_ros.backends.standby import StandbyBackend
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.clicks import Clicks, segment_clicks
from metricseg_ros.config import BackendConfig, GroupingConfig, InputConfig
from metricseg_ros.device_program import runner as runner_module
from metricseg_ros.device_program.masks import Steps
from metricseg_ros.device_program.runner import MOST_PROGRAMS
from metricseg_ros.models import load_description
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
import pytest
import torch

CPU = torch.device('cpu')
GROUPING = GroupingConfig(minimum_score=1e-6, minimum_mean_score=0.0)
SMALL = InputConfig(64, 96)


@pytest.fixture
def segmenter() -> InstanceSegmenter:
    """Give the CPU's path, of images that are small for the network."""
    description = load_description('household-lite')
    return InstanceSegmenter(
        description, TorchBackend(description, BackendConfig(device_policy='cpu')), GROUPING,
        SMALL, device_program='never')


@pytest.fixture
def device(segmenter: InstanceSegmenter) -> InstanceSegmenter:
    """Give the same with the program."""
    return InstanceSegmenter(segmenter.description, segmenter.backend, GROUPING,
                             SMALL, device_program='always')


@pytest.fixture
def images(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.integers(0, 255, (60, 90, 3), np.uint8) for _ in range(3)]


def test_frames_do_not_mix(device: InstanceSegmenter, segmenter: InstanceSegmenter,
                           images: list[np.ndarray]) -> None:
    together = device.embed_all(images)  # More than there are buffers.
    for image, embedded in zip([*images, *reversed(images)],
                               [*together, *map(device.embed, reversed(images))], strict=True):
        expected, found = segmenter.segment(image), device.instances(embedded)
        assert len(expected) and np.array_equal(found.seeds, expected.seeds)
        assert (found.label_map != expected.label_map).mean() < 1e-3
        assert torch.equal(embedded.output.embeddings, segmenter.embed(image).output.embeddings)


def test_the_ladder_is_climbed_and_then_the_cpu_has_to(
        device: InstanceSegmenter, segmenter: InstanceSegmenter, images: list[np.ndarray],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, 'LADDER', (Steps(1, 1, 1), Steps(2, 30, 8),
                                                  Steps(64, 60, 64)))
    assert device.embed(images[0]).masks is not None
    (slots,) = device._runner.slots.values()
    assert sorted(len(slot.rungs) for slot in slots) == [1, 3]
    monkeypatch.setattr(runner_module, 'LADDER', (Steps(1, 1, 1), Steps(2, 30, 8)))
    for image in images:
        assert device.embed(image).masks is None
        assert np.array_equal(device.segment(image).seeds, segmenter.segment(image).seeds)


def test_the_network_sees_a_frame_once_however_far_the_ladder_is_climbed(
        device: InstanceSegmenter, images: list[np.ndarray],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, 'LADDER', (Steps(1, 1, 1), Steps(64, 60, 64)))
    device.embed_all(images)  # Both slots have climbed.
    (slots,) = device._runner.slots.values()
    runs, network = [], slots[0].network
    for slot in slots:
        monkeypatch.setattr(slot, 'network', lambda *inputs: runs.append(1) or network(*inputs))
    device.embed_all(images)
    assert len(runs) == len(images)


def test_masks_of_parameters_that_change_meanwhile_are_made_again(
        device: InstanceSegmenter, segmenter: InstanceSegmenter,
        images: list[np.ndarray]) -> None:
    embedded = device.embed(images[0])
    device.grouping = segmenter.grouping = replace(GROUPING, maximum_seeds=2)
    found = device.instances(embedded)
    assert 0 < len(found) <= 2
    assert np.array_equal(found.seeds, segmenter.segment(images[0]).seeds)


def test_clicks_are_answered_from_what_the_program_leaves(
        device: InstanceSegmenter, segmenter: InstanceSegmenter,
        images: list[np.ndarray]) -> None:
    clicks = Clicks(np.array([[30.0, 40.0]]), np.zeros((0, 2)))
    found, expected = (segment_clicks(way.embed(images[0]), clicks, outline_radius=3)
                       for way in (device, segmenter))
    assert np.array_equal(found.label_map, expected.label_map)


def test_what_the_program_cannot_do_is_left_to_the_cpu_or_refused(
        device: InstanceSegmenter, images: list[np.ndarray],
        monkeypatch: pytest.MonkeyPatch) -> None:
    device.grouping = replace(GROUPING, diversity_weight=0.0)
    with pytest.raises(BackendError, match='always, but grouping.diversity_weight is 0'):
        device.embed(images[0])
    pretend_gpu(device, monkeypatch)
    assert device.embed(images[0]).masks is None
    device.grouping = GROUPING  # It was the configuration's fault alone.
    assert device.embed(images[0]).masks is not None


def test_a_program_that_fails_on_a_gpu_gives_way_and_says_so(
        device: InstanceSegmenter, segmenter: InstanceSegmenter, images: list[np.ndarray],
        monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpu(device, monkeypatch)
    monkeypatch.setattr(runner_module, 'Slot', fail)
    assert np.array_equal(device.segment(images[0]).seeds, segmenter.segment(images[0]).seeds)
    assert device.backend.report.note == 'masks are made on the CPU: no such kernel'
    monkeypatch.undo()
    assert device.embed(images[0]).masks is None  # Once is enough.


def test_what_runs_is_told(device: InstanceSegmenter, images: list[np.ndarray]) -> None:
    device.embed(images[0])
    assert str(device.backend.report).endswith(
        'masks by one program, the CPU has no CUDA graphs')


def test_a_better_backend_takes_the_program_over(
        segmenter: InstanceSegmenter, images: list[np.ndarray]) -> None:
    better = TorchBackend(segmenter.description, BackendConfig(device_policy='cpu'))
    standby = StandbyBackend(segmenter.backend, lambda tell: better, lambda: None)
    device = InstanceSegmenter(segmenter.description, standby, GROUPING, SMALL,
                               device_program='always')
    assert standby.wait(10)
    assert device.embed(images[0]).masks is not None
    assert device._runner.backend is better


def test_programs_that_are_not_used_are_given_back(device: InstanceSegmenter) -> None:
    device.embed(np.zeros((60, 90, 3), np.uint8))
    for height in range(40, 40 + 2 * MOST_PROGRAMS):
        device._runner.slot((height, 60), GROUPING)
    assert len(device._runner.slots) == MOST_PROGRAMS


def pretend_gpu(device: InstanceSegmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the backend say that it runs on a GPU, with the program on the CPU all the same."""
    monkeypatch.setattr(device, 'device_program', 'auto')
    device.backend.report = replace(device.backend.report, device='cuda (none)')
    monkeypatch.setattr(runner_module.torch, 'device', lambda name: CPU)


def fail(*inputs: object) -> None:
    raise RuntimeError('no such kernel')
