# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The input pyramid: one trunk at several scales, both fusions, and its ONNX file."""

from __future__ import annotations

from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.config import BackendConfig, NetworkConfig
from metricseg_ros.export.onnx import write_model
from metricseg_ros.models import load_description
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.pyramid import rescale, size_multiple
import pytest
import torch

PAPER_SCALES = (0.25, 0.5, 1.0, 2.0)


def build(fusion, scales=PAPER_SCALES, **changes):
    """Build a small network with a pyramid."""
    torch.manual_seed(0)
    values = {'backbone': 'resnet18', 'embedding_dim': 4, 'class_count': 2, 'decoder_channels': 0,
              'position_channels': False, **changes}
    return MetricSegmentationNetwork(NetworkConfig(
        **values, pyramid_scales=scales, pyramid_fusion=fusion)).eval()


@pytest.mark.parametrize('fusion', ['concatenate', 'average'])
@pytest.mark.parametrize('decoder', [0, 8])
@torch.inference_mode()
def test_outputs_are_on_the_grid_of_scale_one(fusion, decoder):
    network = build(fusion, decoder_channels=decoder)
    embeddings, class_logits = network(torch.randn(2, 3, 32, 64))
    grid = (32 // network.stride, 64 // network.stride)
    assert embeddings.shape == (2, 4, *grid)
    assert class_logits.shape == (2, 4, 3, *grid)


def test_all_scales_share_one_trunk():
    plain, pyramid = build('concatenate', (1.0,)), build('concatenate')
    assert plain.backbone.state_dict().keys() == pyramid.backbone.state_dict().keys()
    assert pyramid.embedding_head.project.in_channels == 4 * 512
    assert build('average').embedding_head.project.in_channels == 512


@torch.inference_mode()
def test_average_is_the_mean_of_the_scales_outputs():
    network, image = build('average', (1.0, 0.5)), torch.randn(1, 3, 32, 48)
    embeddings, class_logits = network(image)
    network.scales = (1.0,)
    whole, half = network(image), network(rescale(image, 0.5))
    torch.testing.assert_close(embeddings, (whole[0] + rescale(half[0], 2)) / 2)
    torch.testing.assert_close(
        class_logits.flatten(1, 2),
        (whole[1].flatten(1, 2) + rescale(half[1].flatten(1, 2), 2)) / 2)


@torch.inference_mode()
def test_concatenated_heads_see_each_scale_through_weights_of_their_own():
    network, image = build('concatenate', (1.0, 0.5)), torch.randn(1, 3, 32, 48)
    head = network.embedding_head.project
    head.weight[:, 512:] = 0  # Blind to the half scale.
    embeddings, _ = network(image)
    expected = torch.nn.functional.conv2d(network.backbone(image)[-1], head.weight[:, :512],
                                          head.bias)
    torch.testing.assert_close(embeddings, expected)


def test_shrinking_is_the_mean_of_blocks_and_keeps_a_constant():
    maps = torch.arange(16.0).view(1, 1, 4, 4)
    assert rescale(maps, 0.5).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert torch.equal(rescale(torch.ones(1, 1, 2, 2), 2), torch.ones(1, 1, 4, 4))


def test_sides_must_fit_the_smallest_scale():
    assert size_multiple(8, PAPER_SCALES) == 32
    assert size_multiple(32, (1.0, 2.0)) == 32


@pytest.mark.parametrize('scale', [0.3, 1.5, 0.0, -1.0])
def test_other_scales_are_refused(scale):
    with pytest.raises(ValueError, match='pyramid_scales must be whole numbers'):
        build('average', (1.0, scale))


@torch.inference_mode()
def test_exported_pyramid_computes_the_same_at_other_sizes(tmp_path):
    network = build('concatenate', (0.25, 2.0))
    write_model(network, tmp_path / 'model', ('a', 'b'), (32, 64), {})
    backend = OnnxRuntimeBackend(load_description(tmp_path / 'model'),
                                 BackendConfig(device_policy='cpu'))
    for size in ((32, 64), (96, 32)):
        image = torch.randn(1, 3, *size)
        embeddings, class_logits = network(image)
        exported = backend.run(image)
        torch.testing.assert_close(exported.embeddings, embeddings[0], rtol=0, atol=1e-3)
        torch.testing.assert_close(exported.class_logits, class_logits[0], rtol=0, atol=1e-3)
