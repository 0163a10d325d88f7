# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A network that takes depth does the same in every backend, with depth and without."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.backends.half import to_half
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig, NetworkConfig
from metricseg_ros.export.onnx import halve_precision, write_model
from metricseg_ros.export.parity import compare, grouped_by, inputs_of, LARGEST_DIFFERENCE
from metricseg_ros.models import load_description
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import DepthImage
import numpy as np
import onnx
import pytest
import torch

CPU = BackendConfig(device_policy='cpu')
NAMES = ('cup', 'book', 'box')


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model whose depth branch says something."""
    torch.manual_seed(1)
    network = MetricSegmentationNetwork(NetworkConfig(
        embedding_dim=4, decoder_channels=8, class_count=3, name_backbone='shared', depth=True))
    for layer in network.depth.project:
        torch.nn.init.normal_(layer.weight, std=0.3)
    folder = tmp_path_factory.mktemp('models') / 'with_depth'
    write_model(network, folder, NAMES, (64, 96), {})
    return folder


@pytest.fixture(scope='module')
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, size, np.uint8) for size in ((100, 130, 3), (150, 90, 3))]


def test_onnx_runtime_does_what_torch_does_with_depth_and_without(
        folder: Path, images: list[np.ndarray]) -> None:
    description = load_description(folder)
    torch_s, onnx_s = (grouped_by(kind(description, CPU))
                       for kind in (TorchBackend, OnnxRuntimeBackend))
    parity = compare(torch_s, onnx_s, description, images)
    assert parity.images == 4 and parity.difference < LARGEST_DIFFERENCE
    bare, deep = inputs_of(images[0], description)
    for stages in (torch_s, onnx_s):
        without, seen = stages(*bare)[0], stages(*deep)[0]
        assert not torch.allclose(without.embeddings, seen.embeddings, atol=1e-2)
    names = [stages(*deep)[0].name_logits for stages in (torch_s, onnx_s)]
    torch.testing.assert_close(*names, atol=1e-3, rtol=0)


def test_batches_are_as_single_images(folder: Path, images: list[np.ndarray]) -> None:
    description = load_description(folder)
    depth = DepthImage(np.full((100, 130), 0.8, np.float32), Intrinsics(100, 100, 64, 50))
    for kind in (TorchBackend, OnnxRuntimeBackend):
        segmenter = InstanceSegmenter(description, kind(description, CPU))
        alone = [segmenter.embed(images[0], given).output for given in (depth, None)]
        segmenter.backend.largest_batch = 2
        together = segmenter.embed_all([images[0]] * 2, [depth, None])
        for one, other in zip(alone, together, strict=True):
            torch.testing.assert_close(one.embeddings, other.output.embeddings, atol=1e-4, rtol=0)


def test_depth_of_another_size_is_refused(folder: Path, images: list[np.ndarray]) -> None:
    description = load_description(folder)
    segmenter = InstanceSegmenter(description, TorchBackend(description, CPU))
    with pytest.raises(ValueError, match='depth must be of the size of the image'):
        segmenter.segment(images[0], DepthImage(np.ones((50, 60), np.float32),
                                                Intrinsics(50, 50, 30, 25)))


def test_what_depth_tells_of_shapes_stays_in_full_precision(folder: Path) -> None:
    model = to_half(onnx.load(folder / 'model.onnx'))
    halves = {item.name for item in model.graph.initializer
              if item.data_type == onnx.TensorProto.FLOAT16}
    before: set[str] = {'depth', 'camera'}
    kinds = []
    for node in model.graph.node:
        if before & set(node.input) and node.op_type not in ('Conv', 'Cast'):
            before.update(node.output)
            kinds.append(node.op_type)
            assert not halves & set(node.input), node.name
    assert {'Log', 'MaxPool', 'AveragePool', 'Div'} <= set(kinds)


def test_half_precision_agrees_with_depth(folder: Path, images: list[np.ndarray],
                                          tmp_path: Path) -> None:
    import shutil
    halved = Path(shutil.copytree(folder, tmp_path / 'halved'))
    halve_precision(halved)
    one, other = (OnnxRuntimeBackend(load_description(path), CPU) for path in (folder, halved))
    description = load_description(folder)
    for inputs in inputs_of(images[0], description):
        first, second = (grouped_by(backend)(*inputs)[0] for backend in (one, other))
        spread = first.embeddings.std()
        assert (first.embeddings - second.embeddings).abs().mean() < 0.02 * spread


def test_tensorrt_rtx_builds_a_network_of_several_inputs(folder: Path) -> None:
    pytest.importorskip('tensorrt_rtx', reason='no TensorRT-RTX here')
    from metricseg_ros.backends.tensorrt.engine_key import input_sizes
    from metricseg_ros.backends.tensorrt.library import load_library

    library = load_library('tensorrt_rtx')
    plan = library.build((folder / 'model.onnx').read_bytes(), input_sizes((64, 96), 32), 'fp32',
                         0, '8.9', lambda share: None)
    assert len(plan) > 1e6
