# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
On a GPU the network says what it says on the CPU, and so does grouping; needs one.

Each test prints what it measured: `scripts/test -m gpu -rP`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations, product

from metricseg_ros.backends import Backend, BackendError, open_backend
from metricseg_ros.backends.cuda_graph import CudaGraph, CudaGraphError
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.standby import StandbyBackend
from metricseg_ros.backends.tensorrt.engine_backend import EngineBackend, MOST_BINDINGS
from metricseg_ros.backends.tensorrt.library import find_libraries
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.clicks import Clicks, segment_clicks
from metricseg_ros.config import BackendConfig, GroupingConfig
from metricseg_ros.device_program.frame import FramePreparation
from metricseg_ros.device_program.loops import triton_kernels
from metricseg_ros.device_program.program import DeviceProgram, LADDER
from metricseg_ros.export.parity import BOUNDS, compare, grouped_by
from metricseg_ros.inputs import open_input
from metricseg_ros.models import load_description, ModelDescription
from metricseg_ros.preprocess import preprocess
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage, Instances, NetworkOutput
import numpy as np
import pytest
import torch

# The first test waits for the engine: minutes on a Jetson.
pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]
CPU = BackendConfig(device_policy='cpu')
MOVED = 1e-3
"""Largest share of pixels that rounding puts into another instance."""


@pytest.fixture(scope='module')
def description() -> ModelDescription:
    return load_description('household-lite')


@pytest.fixture(scope='module')
def images() -> list[np.ndarray]:
    return [frame.image for path in photographs() for frame in open_input(path)]


@pytest.fixture(scope='module')
def engine(description: ModelDescription,
           tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Build an engine of the shipped model for this card, and open it."""
    try:
        library = find_libraries()[0]
    except BackendError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        try:
            backend = open_backend(description, BackendConfig('tensorrt', 'require_gpu'))
        except BackendError as error:
            if 'builds for compute capability' in str(error):
                pytest.skip(f'{library} is not for this card: {error}')
            raise
        if isinstance(backend, StandbyBackend):
            assert backend.wait(600)
            backend.run(torch.zeros(1, 3, *description.input_size))
        if 'builds for compute capability' in backend.report.note:
            pytest.skip(f'{library} is not for this card: {backend.report.note}')
        assert backend.report.backend == 'tensorrt', backend.report.note
        yield backend
        backend.close()


def inputs(description: ModelDescription, images: list[np.ndarray]) -> list[torch.Tensor]:
    return [preprocess(image, description.input_size, description.size_multiple)[0]
            for image in images]


def assert_agrees(backend: Backend, description: ModelDescription,
                  images: list[np.ndarray]) -> None:
    """Compare what exports compare: TF32 and fp16 may move a single logit or near-tie far."""
    precision = {'fp32': 'tf32'}.get(backend.report.precision, backend.report.precision)
    reference = OnnxRuntimeBackend(description, CPU)
    parity = compare(grouped_by(reference), grouped_by(backend), description, images)
    print(f'{backend.report}: {parity}')
    assert parity.instances > 20 and parity.faults(BOUNDS[precision]) == [], parity


@pytest.mark.parametrize('name', ['torch', 'onnxruntime'])
def test_other_backends_on_the_gpu_agree_with_the_cpu(
        description: ModelDescription, images: list[np.ndarray], name: str) -> None:
    try:
        backend = open_backend(description, BackendConfig(name, 'require_gpu'))
    except BackendError as error:
        if name == 'torch':
            raise
        pytest.skip(str(error))
    assert backend.report.device.startswith('cuda (')
    assert_agrees(backend, description, images)
    backend.close()


def test_the_engine_agrees_with_the_cpu_on_photographs(
        engine: Backend, description: ModelDescription, images: list[np.ndarray]) -> None:
    assert engine.report.precision == 'fp16'
    assert engine.run(inputs(description, images)[0]).embeddings.is_cuda
    assert_agrees(engine, description, images)


def apart(first: list[torch.Tensor], second: list[torch.Tensor]) -> float:
    """Tell the largest difference of outputs, each of the same image."""
    return max(float((one - two).abs().max()) for one, two in zip(first, second, strict=True))


def test_an_output_is_of_its_own_image_whatever_ran_before_and_after(
        engine: Backend, description: ModelDescription, images: list[np.ndarray]) -> None:
    # The first run of a size is the engine, later ones replay its CUDA graph: the same bits.
    tensors = inputs(description, images)
    first = [engine.run(tensor).embeddings for tensor in tensors]
    kept = [output.clone() for output in first]
    again = [engine.run(tensor).embeddings for tensor in reversed(tensors)][::-1]
    others = [apart([one], [two]) for one, two in combinations(first, 2) if one.shape == two.shape]
    print(f'two runs of an image are {apart(first, again):.1e} apart, images {min(others):.1e}')
    assert all(map(torch.equal, first, kept)) and all(map(torch.equal, first, again))


def test_a_cuda_graph_is_captured(engine: Backend) -> None:
    served = engine._serving if isinstance(engine, StandbyBackend) else engine
    assert isinstance(served, EngineBackend)
    reasons = {binding.why_no_graph for binding in served.bindings.values()}
    print(f'{served.report}; sizes: {list(served.bindings)}; no graph because: {reasons}')
    assert reasons == {''}


def test_torch_is_whole_after_a_capture_that_fails() -> None:
    def fail() -> None:
        torch.ones(8, device='cuda').sum().item()  # A wait, which no capture allows.

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream), pytest.raises(CudaGraphError) as raised:
        CudaGraph(stream.cuda_stream, fail)
    print(raised.value)
    stream.synchronize()
    with torch.cuda.stream(stream):
        assert torch.ones(2 ** 20, device='cuda').sum().item() == 2 ** 20
    torch.cuda.empty_cache()
    assert torch.ones(2 ** 20, device='cuda').sum().item() == 2 ** 20


def test_images_of_several_threads_do_not_mix(
        engine: Backend, description: ModelDescription, images: list[np.ndarray]) -> None:
    tensors = inputs(description, images)
    alone = [engine.run(tensor).embeddings for tensor in tensors]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            together = list(pool.map(lambda tensor: engine.run(tensor).embeddings, tensors))
            print(f'alone and beside others: {apart(alone, together):.1e} apart')
            assert all(map(torch.equal, alone, together))


def test_many_input_sizes_take_no_more_memory_than_some(
        engine: Backend, description: ModelDescription) -> None:
    step = description.size_multiple
    sizes = [(step * rows, step * columns) for rows in (1, 2, 3) for columns in (2, 4, 5)]
    used = []
    for _ in range(3):
        for size in sizes:
            assert engine.run(torch.rand(1, 3, *size)).embeddings.isfinite().all()
        used.append(torch.cuda.mem_get_info()[0])
    print(f'bytes free after each round of {len(sizes)} sizes: {used}')
    assert len(sizes) > MOST_BINDINGS
    assert used[1] - used[2] < 2 ** 24  # Of free bytes; the first round fills the pools.


def test_the_engine_is_loaded_again_without_being_built(
        engine: Backend, description: ModelDescription) -> None:
    backend = open_backend(description, BackendConfig('tensorrt', 'require_gpu'))
    assert isinstance(backend, EngineBackend)
    tensor = torch.rand(1, 3, *description.input_size)
    loaded, built = (one.run(tensor).embeddings for one in (backend, engine))
    print(f'loaded and built: {apart([loaded], [built]):.1e} apart')
    assert torch.equal(loaded, built)
    backend.close()


@pytest.fixture(scope='module')
def seen(description: ModelDescription,
         images: list[np.ndarray]) -> list[tuple[EmbeddedImage, EmbeddedImage]]:
    """Let the network see the photographs on the CPU, and copy what it says to the GPU."""
    segmenter = InstanceSegmenter(description, OnnxRuntimeBackend(description, CPU))

    def copied(output: NetworkOutput) -> NetworkOutput:
        return replace(output, embeddings=output.embeddings.cuda(),
                       class_logits=output.class_logits.cuda(),
                       name_logits=output.name_logits.cuda())
    return [(embedded, replace(embedded, output=copied(embedded.output)))
            for embedded in map(segmenter.embed, images)]


def test_frames_are_prepared_on_the_gpu_to_the_last_bit(description: ModelDescription,
                                                        images: list[np.ndarray]) -> None:
    for image in images:
        expected, geometry = preprocess(image, description.input_size, description.size_multiple)
        prepare = FramePreparation(geometry, description.mean, description.std,
                                   torch.device('cuda'))
        got = prepare(torch.from_numpy(image).cuda()).cpu()
        print(f'{image.shape}: {float((got - expected).abs().max()):.1e} apart at most')
        assert torch.equal(got, expected)


def on_cpu(embedded: EmbeddedImage) -> EmbeddedImage:
    """Bring back what the network said, without the masks that the program made of it."""
    output = embedded.output
    said = replace(output, embeddings=output.embeddings.cpu(),
                   class_logits=output.class_logits.cpu(), name_logits=output.name_logits.cpu())
    return replace(embedded, output=said, guide=embedded.guide.cpu().numpy(), masks=None)


@pytest.mark.parametrize('name', ['torch', 'engine'])
def test_everything_beside_the_network_is_captured_and_finds_what_the_cpu_does(
        name: str, request: pytest.FixtureRequest, description: ModelDescription,
        images: list[np.ndarray]) -> None:
    backend = request.getfixturevalue('engine') if name == 'engine' else TorchBackend(
        description, BackendConfig('torch', 'require_gpu'))
    together = InstanceSegmenter(description, backend, device_program='always')
    # All at once, through both buffers, and one by one.
    for embedded in [*together.embed_all(images), *map(together.embed, images)]:
        assert embedded.masks is not None
        # The network may say something else at another run; masks are compared of the same words.
        assert_same(together.instances(on_cpu(embedded)), together.instances(embedded))
    print(backend.report)
    by = ' with Triton' if triton_kernels(torch.device('cuda')) else ''
    assert backend.report.masks == f'one program{by}, a CUDA graph'


def test_kernels_of_triton_find_what_torch_does(description: ModelDescription,
                                                images: list[np.ndarray]) -> None:
    pytest.importorskip('triton', reason='no triton here')
    kernels, backend = triton_kernels(torch.device('cuda')), TorchBackend(
        description, BackendConfig('torch', 'require_gpu'))
    assert kernels is not None
    for image, steps in product(images, LADDER):
        by_torch, by_kernels = (DeviceProgram(
            description, image.shape[:2], description.input_size, GroupingConfig(),
            torch.device('cuda'), kernels=choice) for choice in (None, kernels))
        with torch.inference_mode():
            network = backend.on_device(by_torch.geometry.input_size)
            seen = by_torch(network, torch.from_numpy(image).cuda())
            by_kernels(network, torch.from_numpy(image).cuda())
            one, two = (program.answer(program.masks(seen, steps).cpu().numpy(), steps)
                        for program in (by_torch, by_kernels))
        print(f'{steps}: {len(one.masks.placed)} and {len(two.masks.placed)} masks')
        if one.enough:  # The kernels need no number of sweeps.
            assert two.enough
            assert torch.equal(one.masks.seeds.positions, two.masks.seeds.positions)
            for (box, mask), (other_box, other) in zip(one.masks.placed, two.masks.placed,
                                                       strict=True):
                assert box == other_box and np.array_equal(mask, other)


def assert_same(here: Instances, there: Instances) -> None:
    """Compare instances that were found on the CPU with those found on the GPU."""
    moved = float((here.label_map != there.label_map).mean())
    print(f'{len(here)} and {len(there)} instances, {moved:.1e} of the pixels are of another')
    assert np.array_equal(here.seeds, there.seeds)
    assert np.array_equal(here.class_ids, there.class_ids)
    assert moved < MOVED
    np.testing.assert_allclose(here.embeddings, there.embeddings, atol=1e-3)


def test_grouping_on_the_gpu_is_that_of_the_cpu(
        seen: list[tuple[EmbeddedImage, EmbeddedImage]], description: ModelDescription) -> None:
    segmenter = InstanceSegmenter(description, OnnxRuntimeBackend(description, CPU))
    for here, there in seen:
        assert_same(segmenter.instances(here), segmenter.instances(there))


def test_clicks_on_what_is_on_the_gpu_are_answered_as_on_the_cpu(
        seen: list[tuple[EmbeddedImage, EmbeddedImage]]) -> None:
    for here, there in seen:
        middle = np.array(here.image_size) / 2
        clicks = Clicks(middle[None], np.zeros((1, 2)))
        one, two = segment_clicks(here, clicks), segment_clicks(there, clicks)
        moved = float((one.label_map != two.label_map).mean())
        print(f'{moved:.1e} of the pixels differ')
        assert moved < MOVED
