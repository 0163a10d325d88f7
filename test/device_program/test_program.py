# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The device's program segments as the CPU does, and never asks the host for anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from metricseg_ros.backends import Backend
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.config import BackendConfig
from metricseg_ros.device_program.masks import Steps
from metricseg_ros.device_program.program import DeviceProgram, LADDER
from metricseg_ros.inputs import open_input
from metricseg_ros.models import load_description
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.shipped import shipped
from metricseg_ros.structures import Instances
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

ON_CPU = BackendConfig(device_policy='cpu', threads=1)
MOST_OPERATORS = {('torch', False): 217, ('torch', True): 242, ('triton', False): 122,
                  ('triton', True): 147}
"""By what does the loops, and whether outlines follow depth."""
DIFFERING_PIXELS = 1e-4
"""Largest share of pixels that are of another instance than on the CPU: rounding on outlines."""

VIEWS = {'view', '_unsafe_view', 'permute', 't', 'transpose', 'unsqueeze', 'squeeze', 'expand',
         'slice', 'select', 'alias', 'unbind', 'split', 'split_with_sizes', 'detach'}
REFUSED = {'_local_scalar_dense', 'nonzero', 'masked_select', 'equal', 'is_nonzero', 'bincount',
           'lift_fresh', '_unique2', 'unique_dim', 'repeat_interleave', 'copy_'}
"""What waits for the device, has a shape that depends on data, or brings data from the host."""


@pytest.fixture(scope='module')
def segmenter() -> InstanceSegmenter:
    """Give the CPU's path."""
    description = load_description('household-lite')
    return InstanceSegmenter(description, TorchBackend(description, ON_CPU))


@pytest.fixture(scope='module')
def images() -> list[np.ndarray]:
    return [frame.image for path in photographs() for frame in open_input(path)]


def program(segmenter: InstanceSegmenter, image: np.ndarray,
            device: str = 'cpu', by_depth: bool = False, loops: str = 'torch') -> DeviceProgram:
    kernels = None if loops == 'torch' else pytest.importorskip(
        'metricseg_ros.device_program.kernels', reason='no triton here').Kernels
    return DeviceProgram(segmenter.description, image.shape[:2], segmenter.input_size,
                         segmenter.grouping, torch.device(device), by_depth, kernels)


def by_program(segmenter: InstanceSegmenter, **grouping: Any) -> InstanceSegmenter:
    """Give the same with the program in place of the CPU's path."""
    return InstanceSegmenter(segmenter.description, segmenter.backend,
                             replace(segmenter.grouping, **grouping), device_program='always')


def assert_same(expected: Instances, got: Instances) -> None:
    assert np.array_equal(got.seeds, expected.seeds)
    assert np.array_equal(got.class_ids, expected.class_ids)
    assert np.array_equal(got.similarity_thresholds, expected.similarity_thresholds)
    np.testing.assert_allclose(got.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(got.embeddings, expected.embeddings, atol=1e-3)
    assert (got.label_map != expected.label_map).mean() < DIFFERING_PIXELS
    for index in range(len(got)):
        assert (got.mask(index) != expected.mask(index)).mean() < DIFFERING_PIXELS


@pytest.mark.parametrize('backend', [OnnxRuntimeBackend, TorchBackend])
def test_photographs_have_the_same_instances_as_on_the_cpu(
        segmenter: InstanceSegmenter, images: list[np.ndarray], backend: type[Backend]) -> None:
    segmenter = InstanceSegmenter(segmenter.description,
                                  backend(segmenter.description, ON_CPU))
    device = by_program(segmenter)
    for image in images:
        embedded = device.embed(image)
        assert embedded.masks is not None and len(embedded.masks.placed) > 0
        assert_same(segmenter.segment(image), device.instances(embedded))


def test_depth_goes_up_with_the_frame_and_finds_what_it_does_on_the_cpu() -> None:
    description = load_description('household-rgbd')
    segmenter = InstanceSegmenter(description, OnnxRuntimeBackend(description, ON_CPU))
    device = by_program(segmenter)
    for frame in open_input(shipped('demo/rgbd')):
        embedded = device.embed(frame.image, frame.depth)
        # Whole masks come back, of which supports may be dropped.
        assert embedded.masks is not None and not embedded.masks.grouping.resolve_overlaps
        expected = segmenter.segment(frame.image, frame.depth)
        assert not np.array_equal(expected.scores, segmenter.segment(frame.image).scores)
        assert_same(expected, device.instances(embedded))


@pytest.mark.parametrize('change', [
    {'resolve_overlaps': False}, {'outline_radius': 0}, {'connected': False},
    {'similarity_threshold': 0.6}, {'mean_shift_steps': 0}, {'mean_shift_steps': 2},
    {'maximum_seeds': 3}, {'suppression_iou': 0.05}, {'minimum_score': 0.99}])
def test_parameters_do_what_they_do_on_the_cpu(segmenter: InstanceSegmenter,
                                               images: list[np.ndarray],
                                               change: dict[str, Any]) -> None:
    changed = InstanceSegmenter(segmenter.description, segmenter.backend,
                                replace(segmenter.grouping, **change))
    embedded = by_program(segmenter, **change).embed(images[0])
    assert embedded.masks is not None
    assert_same(changed.segment(images[0]), by_program(segmenter, **change).instances(embedded))


class Recorder(TorchDispatchMode):
    """Notes every operator with the shapes it gives, and refuses what asks the host."""

    def __init__(self, device: str) -> None:
        """Begin with none."""
        super().__init__()
        self.device = {device}
        self.seen: list[tuple[str, Any]] = []

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        name = operator._schema.name.removeprefix('aten::')
        assert name not in REFUSED, name
        if name in ('index', 'index_put'):
            assert all(item is None or item.dtype != torch.bool for item in args[1]), name
        result = operator(*args, **(kwargs or {}))
        made = [item for item in (result if isinstance(result, (tuple, list)) else [result])
                if isinstance(item, torch.Tensor)]
        assert {item.device.type for item in made} | self.device == self.device, name
        if name not in VIEWS:
            self.seen.append((name, [tuple(item.shape) for item in made]))
        return result


def operators(made: DeviceProgram, image: torch.Tensor, segmenter: InstanceSegmenter
              ) -> list[tuple[str, Any]]:
    """Run a program and give its operators; the network counts for nothing, as an engine does."""
    said = []

    def network(tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
        said.append(segmenter.backend.network(tensor))
        return said[0]

    with torch.no_grad():
        made(network, image)
        with Recorder('cpu') as recorder:
            made.masks(made(lambda tensor: said[0], image), LADDER[0])
    return recorder.seen


def test_operators_and_shapes_are_the_same_whatever_the_image_shows(
        segmenter: InstanceSegmenter, images: list[np.ndarray]) -> None:
    image = images[0]
    nothing, noise = np.zeros_like(image), np.random.default_rng(0).integers(
        0, 255, image.shape, np.uint8)
    first, *others = (operators(program(segmenter, image), torch.from_numpy(shown), segmenter)
                      for shown in (image, nothing, noise))
    assert all(other == first for other in others)
    # The three outputs of torch's own network are copied, as they lie otherwise in memory.
    assert len(first) <= MOST_OPERATORS['torch', False] + 3


@pytest.mark.parametrize(('loops', 'by_depth'), MOST_OPERATORS)
def test_nothing_is_asked_of_a_device_that_holds_no_numbers(
        segmenter: InstanceSegmenter, images: list[np.ndarray], loops: str,
        by_depth: bool) -> None:
    # Tensors of the device meta have a shape alone: any look at a number and any copy to the host
    # fails, and what is made on the CPU is found.
    description, image = segmenter.description, images[0]
    grid = tuple(side // 4 for side in description.input_size)
    with torch.no_grad():
        made = program(segmenter, image, 'meta', by_depth, loops)
        said = (torch.empty(1, description.network.embedding_dim, *grid, device='meta'),
                torch.empty(1, 4, 2, *grid, device='meta'),
                torch.empty(1, description.network.class_count, *(side // 4 for side in grid),
                            device='meta'))
        frame = torch.empty(image.shape, dtype=torch.uint8, device='meta')
        depth = by_depth * (torch.empty(image.shape[:2], device='meta'),
                            torch.empty(1, 5, device='meta'))
        guide = torch.empty(made.geometry.content_size, device='meta') if by_depth else None
        made(lambda *given: said, frame, *depth, depth_guide=guide)
        with Recorder('meta') as recorder:
            packed = made.masks(made(lambda *given: said, frame, *depth, depth_guide=guide),
                                LADDER[0])
    assert packed.device.type == 'meta' and packed.dtype == torch.uint8
    assert len(recorder.seen) <= MOST_OPERATORS[loops, by_depth], len(recorder.seen)


def test_infinite_logits_elsewhere_change_no_name(segmenter: InstanceSegmenter,
                                                  images: list[np.ndarray]) -> None:
    made, steps = program(segmenter, images[0]), LADDER[0]
    frame = torch.from_numpy(images[0])

    def spoiled(tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
        embeddings, logits, names = segmenter.backend.network(tensor)
        names[0, 2, 0, 0] = -torch.inf  # As the logarithm of what underflows.
        return embeddings, logits, names

    with torch.inference_mode():
        (expected, _), (found, enough) = (
            (answer.masks.seeds.class_ids, answer.enough) for answer in (
                made.answer(made.masks(made(network, frame), steps).numpy(), steps)
                for network in (segmenter.backend.network, spoiled)))
    assert enough and len(found) > 1 and torch.equal(found, expected)


def test_too_few_seeds_and_embeddings_that_are_no_numbers_are_told(
        segmenter: InstanceSegmenter, images: list[np.ndarray]) -> None:
    frame, made, few = torch.from_numpy(images[0]), program(segmenter, images[0]), Steps(2, 8, 4)

    def spoiled(tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
        embeddings, *logits = segmenter.backend.network(tensor)
        embeddings[0, 0, 10] = torch.nan
        return embeddings, *logits

    with torch.inference_mode():
        for network, steps in ((segmenter.backend.network, few), (spoiled, LADDER[0])):
            packed = made.masks(made(network, frame), steps)
            assert not made.answer(packed.numpy(), steps).enough
