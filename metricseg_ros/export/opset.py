# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Bringing a graph down to what TensorRT 8.5 reads.

PyTorch exports opset 18 and its converter cannot go lower. Of what these networks need, opset 18
added only attributes of Resize, and made the axes of reductions an input. Two forms that opset 17
has are written out, since that parser reads them wrong or not at all: a part of a shape, and a
Squeeze that names no axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricseg_ros.export.parser import unread

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

OPSET = 17
"""What JetPack 5's TensorRT 8.5 reads."""

REDUCTIONS = ('ReduceMax', 'ReduceMin', 'ReduceMean', 'ReduceProd')
"""Reductions whose axes were an attribute until opset 18."""

ADDED = {'Resize': {'antialias': 0, 'keep_aspect_ratio_policy': b'stretch'},
         **{name: {'noop_with_empty_axes': 0} for name in REDUCTIONS}}
"""Operator -> attributes that came with opset 18, and the value that is the old behaviour."""


def lowered(model: ModelProto) -> ModelProto:
    """
    Rewrite a graph of opset 18 for opset 17.

    :param model: of opset 18; it is changed.
    :raises ValueError: if it uses what opset 17 has not.
    """
    import onnx

    constants = {item.name: item for item in model.graph.initializer}
    for node in model.graph.node:
        drop_new_attributes(node)
        if node.op_type in REDUCTIONS and len(node.input) > 1:
            axes = onnx.numpy_helper.to_array(constants[node.input.pop()])
            node.attribute.append(onnx.helper.make_attribute('axes', axes.tolist()))
    model.opset_import[0].version = OPSET
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f'the network cannot be written for ONNX opset {OPSET}, which TensorRT '
                         f'8.5 needs: {error}') from error
    write_out_shapes(model)
    if faults := list(unread(onnx.shape_inference.infer_shapes(model))):
        raise ValueError('the network cannot be written so that TensorRT 8.5 reads it: '
                         f'{"; ".join(faults)}: build it of other operators, or see that '
                         'export/parser.py knows them')
    return model


def write_out_shapes(model: ModelProto) -> None:
    """Take parts of shapes with Gather, and name the axes of every Squeeze."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model).graph
    sides = {info.name: info.type.tensor_type.shape.dim
             for info in (*inferred.value_info, *inferred.input)}
    graph, nodes = model.graph, []
    for node in graph.node:
        if node.op_type == 'Shape' and node.attribute:
            part = {item.name: item.i for item in node.attribute}
            (source,), (name,) = node.input, node.output
            chosen = range(len(sides[source]))[part.get('start'):part.get('end')]
            nodes.append(onnx.helper.make_node('Shape', [source], [f'{name}_whole'],
                                               f'{node.name}_whole'))
            node = onnx.helper.make_node('Gather', [f'{name}_whole', f'{name}_which'], [name],
                                         node.name, axis=0)
            graph.initializer.append(onnx.helper.make_tensor(
                f'{name}_which', onnx.TensorProto.INT64, [len(chosen)], chosen))
        elif node.op_type == 'Squeeze' and len(node.input) == 1:
            axes = [axis for axis, side in enumerate(sides[node.input[0]]) if side.dim_value == 1]
            node.input.append(f'{node.output[0]}_axes')
            graph.initializer.append(onnx.helper.make_tensor(
                node.input[1], onnx.TensorProto.INT64, [len(axes)], axes))
        nodes.append(node)
    graph.ClearField('node')
    graph.node.extend(nodes)


def drop_new_attributes(node: NodeProto) -> None:
    """Leave out attributes that opset 17 has not, where they say what was always done."""
    import onnx

    added = ADDED.get(node.op_type, {})
    for attribute in list(node.attribute):
        if (attribute.name in added
                and onnx.helper.get_attribute_value(attribute) == added[attribute.name]):
            node.attribute.remove(attribute)
