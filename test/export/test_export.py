# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An exported model is the network it was made of, and the check of that can fail."""

from __future__ import annotations

import json
from pathlib import Path

import metricseg_ros
from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig
from metricseg_ros.export.parity import compare, grouped_by, LARGEST_DIFFERENCE
from metricseg_ros.models import load_description, sha256
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import read_weights
from model_fixtures import CARD, INPUT_SIZE, vouch_for
import numpy as np
import onnx
import pytest
from safetensors.torch import save_file
import torch


def largest_difference(folder: Path) -> float:
    """Compare ONNX Runtime with torch on random images, upright and turned."""
    rng = np.random.default_rng(0)
    description = load_description(folder)
    stages = [grouped_by(kind(description, BackendConfig(device_policy='cpu')))
              for kind in (TorchBackend, OnnxRuntimeBackend)]
    images = [rng.integers(0, 255, (*size, 3), np.uint8) for size in ((60, 90), (90, 60), (8, 8))]
    return compare(*stages, description, images).difference


def test_weights_survive_exactly(small_model: Path,
                                 written_network: MetricSegmentationNetwork) -> None:
    expected = written_network.state_dict()
    written = read_weights(small_model / 'weights.safetensors')
    assert written.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(written[name], tensor), name


def test_the_folder_holds_a_whole_model_and_its_card(small_model: Path) -> None:
    assert sorted(path.name for path in small_model.iterdir()) == [
        'model.json', 'model.onnx', 'weights.safetensors']
    content = json.loads((small_model / 'model.json').read_text())
    assert content['training'] == CARD['training']
    assert tuple(content['input']['size']) == INPUT_SIZE
    assert content['files'] == {name: sha256(small_model / name)
                                for name in ('model.onnx', 'weights.safetensors')}


def test_the_graph_holds_no_paths_of_the_machine_that_exported_it(small_model: Path) -> None:
    source = str(Path(metricseg_ros.__file__).parent).encode()
    assert source not in (small_model / 'model.onnx').read_bytes()


def test_the_graph_takes_any_size_and_is_valid(small_model: Path) -> None:
    model = onnx.load(small_model / 'model.onnx')
    onnx.checker.check_model(model, full_check=True)
    (image,) = model.graph.input
    batch, channels, height, width = image.type.tensor_type.shape.dim
    assert (batch.dim_value, channels.dim_value) == (1, 3)
    assert height.dim_param and width.dim_param and height.dim_param != width.dim_param


def test_onnx_runtime_computes_what_torch_does(small_model: Path) -> None:
    assert largest_difference(small_model) < LARGEST_DIFFERENCE


@pytest.mark.parametrize('name', ['embedding_head.project.bias', 'class_head.project.weight',
                                  'backbone.stem.1.weight'])
def test_one_changed_weight_is_noticed(own_model: Path, name: str) -> None:
    path = own_model / 'weights.safetensors'
    weights = read_weights(path)
    weights[name] = weights[name].clone()
    weights[name].view(-1)[0] += 0.5
    save_file(weights, path)
    vouch_for(own_model, path.name)
    assert largest_difference(own_model) > LARGEST_DIFFERENCE
