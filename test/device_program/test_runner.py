# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A runner takes larger programs where one is not enough, and leaves the rest to the CPU."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig, GroupingConfig
from metricseg_ros.device_program import runner as runner_module
from metricseg_ros.device_program.masks import Steps
from metricseg_ros.device_program.runner import MOST_PROGRAMS, ProgramRunner
from metricseg_ros.models import load_description
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
import pytest
import torch

CPU = torch.device('cpu')
GROUPING = GroupingConfig(minimum_score=1e-6, minimum_mean_score=0.0)


@pytest.fixture
def segmenter(small_model: object) -> InstanceSegmenter:
    """Give the CPU's path, of a network of random weights."""
    description = load_description(small_model)
    return InstanceSegmenter(description, TorchBackend(
        description, BackendConfig(device_policy='cpu')), GROUPING)


@pytest.fixture
def runner(segmenter: InstanceSegmenter) -> ProgramRunner:
    return ProgramRunner(segmenter.description, segmenter.input_size, segmenter.backend.network,
                         CPU)


@pytest.fixture
def images(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.integers(0, 255, (60, 90, 3), np.uint8) for _ in range(3)]


def test_frames_do_not_mix(runner: ProgramRunner, segmenter: InstanceSegmenter,
                           images: list[np.ndarray]) -> None:
    for image in [*images, *reversed(images)]:
        found = runner.segment(image, GROUPING)
        assert found is not None
        assert np.array_equal(found.seeds, segmenter.segment(image).seeds)


def test_the_ladder_is_climbed_and_then_the_cpu_has_to(
        runner: ProgramRunner, images: list[np.ndarray],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, 'LADDER', (Steps(1, 1, 1), Steps(2, 30, 8),
                                                  Steps(64, 60, 64)))
    found = runner.segment(images[0], GROUPING)
    assert [key[2] for key in runner.slots] == [0, 1, 2] and found is not None
    monkeypatch.setattr(runner_module, 'LADDER', (Steps(1, 1, 1), Steps(2, 30, 8)))
    assert runner.segment(images[0], GROUPING) is None


def test_what_the_program_cannot_do_is_left_to_the_cpu(runner: ProgramRunner,
                                                       images: list[np.ndarray]) -> None:
    assert runner.segment(images[0], replace(GROUPING, diversity_weight=0.0)) is None
    assert not runner.slots


def test_programs_that_are_not_used_are_given_back(runner: ProgramRunner) -> None:
    for height in range(40, 40 + 2 * MOST_PROGRAMS):
        runner.slot((height, 60), GROUPING)
    assert len(runner.slots) == MOST_PROGRAMS
