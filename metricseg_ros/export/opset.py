# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Bringing a graph down to the newest opset that TensorRT 8.5 reads.

PyTorch exports opset 18 and its converter cannot go lower. Of what these networks need, opset 18
added only attributes of Resize, and made the axes of reductions an input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    :return: the same model.
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
    return model


def drop_new_attributes(node: NodeProto) -> None:
    """
    Leave out attributes that opset 17 has not, where they say what was always done.

    :param node: a node; it is changed.
    """
    import onnx

    added = ADDED.get(node.op_type, {})
    for attribute in list(node.attribute):
        if (attribute.name in added
                and onnx.helper.get_attribute_value(attribute) == added[attribute.name]):
            node.attribute.remove(attribute)
