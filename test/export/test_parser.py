# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every graph that is exported is one that TensorRT from 8.5 on reads, and reads right."""

from __future__ import annotations

from typing import Any

from metricseg_ros.backends.half import to_half
from metricseg_ros.config import NetworkConfig
from metricseg_ros.export.onnx import rounded_up, traced
from metricseg_ros.export.opset import lowered
from metricseg_ros.export.parser import unread
from metricseg_ros.models import load_description, shipped_models
from metricseg_ros.network import MetricSegmentationNetwork
import numpy as np
import onnx
from onnx import helper, TensorProto
import onnxruntime
import pytest
import torch

WITH_NAMES = NetworkConfig(embedding_dim=4, decoder_channels=8, class_count=3,
                           name_backbone='efficientnet_lite0', class_scores='object')
NETWORKS = {
    'names': WITH_NAMES,
    'depth': NetworkConfig(embedding_dim=4, decoder_channels=8, class_count=3,
                           name_backbone='shared', depth=True),
    'classes': NetworkConfig(embedding_dim=4, decoder_channels=8, class_count=3,
                             class_scores='object'),
    'pyramid': NetworkConfig('resnet18', embedding_dim=4, decoder_channels=0,
                             pyramid_scales=(0.5, 1.0), pyramid_fusion='average')}


def exported(config: NetworkConfig) -> onnx.ModelProto:
    """Export a network of random weights for any size."""
    network = MetricSegmentationNetwork(config)
    multiple = network.size_multiple
    sides = {axis: multiple * torch.export.Dim(name, min=1, max=64)
             for axis, name in ((2, 'rows'), (3, 'columns'))}
    return traced(network, rounded_up((2 * multiple, 3 * multiple), multiple),
                  {'image': sides, 'depth': sides})


def model_of(nodes: list[onnx.NodeProto], given: tuple[int | str, ...] = (1, 3, 'h', 8),
             gives: tuple[int | str | None, ...] = (), constants: dict[str, Any] | None = None,
             kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """Make a graph of opset 18 from x to y."""
    graph = helper.make_graph(
        nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info('y', kind, gives)],
        [onnx.numpy_helper.from_array(np.asarray(value), name)
         for name, value in (constants or {}).items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10)


@pytest.mark.parametrize('name', shipped_models())
def test_shipped_graphs_are_read_in_fp32_and_in_fp16(name: str) -> None:
    model = onnx.load(load_description(name).folder / 'model.onnx')
    assert list(unread(onnx.shape_inference.infer_shapes(model))) == []
    assert list(unread(onnx.shape_inference.infer_shapes(to_half(model)))) == []


@pytest.mark.parametrize('name', NETWORKS)
def test_what_is_exported_now_is_read(name: str) -> None:
    model = exported(NETWORKS[name])  # It is refused by itself otherwise.
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {'LogSoftmax', 'Softmax', 'ReduceLogSumExp'}
    assert list(unread(onnx.shape_inference.infer_shapes(to_half(model)))) == []


def test_a_part_of_a_shape_is_gathered_from_the_whole() -> None:
    model = lowered(model_of([helper.make_node('Shape', ['x'], ['y'], 'part', start=1, end=-1)],
                             gives=(2,), kind=TensorProto.INT64))
    assert [node.op_type for node in model.graph.node] == ['Shape', 'Gather']
    assert not model.graph.node[0].attribute
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (shape,) = session.run(None, {'x': np.zeros((1, 3, 5, 8), np.float32)})
    assert shape.tolist() == [3, 5]


def test_a_squeeze_names_its_axes() -> None:
    model = lowered(model_of([helper.make_node('Squeeze', ['x'], ['y'], 'all')], (1, 3, 1, 8),
                             (3, 8)))
    (node,) = model.graph.node
    axes = {item.name: onnx.numpy_helper.to_array(item).tolist()
            for item in model.graph.initializer}
    assert axes[node.input[1]] == [0, 2]


LARGE = np.float32([1, 1, 2, 2])


@pytest.mark.parametrize(('fault', 'nodes', 'constants'), [
    ('LogSoftmax .*is not read', [('LogSoftmax', ['x'], {'axis': 1})], {}),
    ('Log .*of a softmax', [('Softmax', ['x'], {'axis': 1}), ('Log', ['n0'], {})], {}),
    ('ReduceLogSumExp .*is not read', [('ReduceLogSumExp', ['x'], {'keepdims': 1})], {}),
    ('must not be .*cubic', [('Resize', ['x', '', 's'], {'mode': 'cubic'})], {'s': LARGE}),
    ('Resize .*input 2 must be a constant',
     [('Cast', ['s'], {'to': 1}), ('Resize', ['x', '', 'n0'], {'mode': 'linear'})],
     {'s': LARGE.astype(np.float16)}),
    ('Range .*no whole numbers',
     [('Range', ['zero', 'four', 'one'], {})],
     {'zero': np.float32(0), 'four': np.float32(4), 'one': np.float32(1)}),
    ('MaxPool .*dilations must not be',
     [('MaxPool', ['x'], {'kernel_shape': [2, 2], 'dilations': [2, 2]})], {}),
    ('Clip .*input 1 must be a constant',
     [('ReduceMax', ['x'], {'keepdims': 0}), ('Clip', ['x', 'n0'], {})], {}),
    ('Hardmax .*is not read', [('Hardmax', ['x'], {})], {})])
def test_what_tensorrt_would_not_take_or_take_wrong_is_refused(
        fault: str, nodes: list[tuple[str, list[str], dict[str, Any]]],
        constants: dict[str, Any]) -> None:
    names = [*(f'n{index}' for index in range(len(nodes) - 1)), 'y']
    made = [helper.make_node(kind, inputs, [name], name, **attributes)
            for name, (kind, inputs, attributes) in zip(names, nodes, strict=True)]
    rank = 1 if nodes[-1][0] == 'Range' else 4
    model = model_of(made, (1, 3, 8, 8), tuple('abcd'[:rank]), constants)
    with pytest.raises(ValueError, match=f'TensorRT 8.5 .*{fault}'):
        lowered(model)


def test_names_leave_the_graph_as_logits() -> None:
    # TensorRT takes the logarithm of a softmax as that of 0 where a class is far from likely.
    for name in ('names', 'depth'):
        graph = exported(NETWORKS[name]).graph
        outputs = [output.name for output in graph.output]
        assert outputs == ['embeddings', 'class_logits', 'name_logits']
        normalisers = {'Softmax', 'LogSoftmax', 'ReduceLogSumExp', 'Exp'}
        assert not normalisers & {node.op_type for node in graph.node}
