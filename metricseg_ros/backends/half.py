# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Mixed precision written into the graph: convolutions in fp16, projections and grouping in fp32.

A strongly typed TensorRT network takes the types of the graph as they are, so nothing is left to
the builder. The last projection of every head is fp32: embeddings and logits, and so distances
and softmax, are not rounded to 11 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

HALF_INPUTS = {'Conv': 3, 'Clip': 3, 'Relu': 1, 'Add': 2, 'MaxPool': 1, 'Resize': 1}
"""Operators that run in fp16, and how many of their inputs are numbers of that type."""

HALF, FULL = '_fp16', '_fp32'


def to_half(model: ModelProto) -> ModelProto:
    """
    Let the network run in fp16 up to the last projections.

    :return: another model, with fp32 input and outputs.
    :raises ValueError: if a weight does not fit into fp16.
    """
    import onnx

    model = onnx.shape_inference.infer_shapes(model)
    graph, rewriter = model.graph, Rewriter(model)
    # What depth tells of shapes is differences of nearly equal numbers, before any convolution.
    halved = ancestors(model, projections(model)) & after_convolutions(model)
    nodes = [rewriter.rewritten(node, node.name in halved) for node in list(graph.node)]
    graph.ClearField('node')
    graph.node.extend(inner for group in nodes for inner in group)
    graph.ClearField('value_info')
    used = {name for node in graph.node for name in node.input}
    constants = [item for item in graph.initializer if item.name in used]
    graph.ClearField('initializer')
    graph.initializer.extend(constants)
    onnx.checker.check_model(model, full_check=True)
    return model


def projections(model: ModelProto) -> set[str]:
    """Find the convolutions that give the outputs."""
    producers = {name: node for node in model.graph.node for name in node.output}
    wanted = [output.name for output in model.graph.output]
    names = set()
    while wanted:
        # Constants and the graph's inputs have no producer.
        node = producers.get(wanted.pop())
        if node is not None and node.op_type == 'Conv':
            names.add(node.name)
        elif node is not None:
            wanted.extend(node.input)
    return names


def ancestors(model: ModelProto, names: set[str]) -> set[str]:
    """
    Find what some nodes are computed from.

    :param model: the graph, its nodes in order.
    """
    needed: set[str] = set()
    found = set()
    for node in reversed(model.graph.node):
        if node.name in names or needed & set(node.output):
            needed.update(node.input)
            found.add(node.name)
    return found - names


def after_convolutions(model: ModelProto) -> set[str]:
    """Find the convolutions and what is computed from them."""
    computed: set[str] = set()
    names = set()
    for node in model.graph.node:
        if node.op_type == 'Conv' or computed & set(node.input):
            computed.update(node.output)
            names.add(node.name)
    return names


class Rewriter:
    """Rewrites nodes one by one, casting where fp16 and fp32 meet."""

    def __init__(self, model: ModelProto) -> None:
        """
        Take note of the graph's tensors.

        :param model: with inferred types; constants in fp16 are added to it.
        """
        from onnx import numpy_helper, TensorProto

        graph = model.graph
        self.graph = graph
        self.constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        infos = [*graph.value_info, *graph.output, *graph.input]
        self.floats = {info.name for info in infos
                       if info.type.tensor_type.elem_type == TensorProto.FLOAT}
        self.halves: set[str] = set()
        self.cast: set[str] = set()

    def rewritten(self, node: NodeProto, may_be_half: bool) -> list[NodeProto]:
        """
        Put a node into its type.

        :param may_be_half: whether it need not stay in fp32.
        :return: the casts it needs, and the node.
        """
        half = (may_be_half and node.op_type in HALF_INPUTS
                and all(name in self.floats for name in node.output))
        casts: list[NodeProto] = []
        for index, name in enumerate(node.input):
            counts = half and index < HALF_INPUTS[node.op_type]
            if name and counts and name not in self.halves:
                node.input[index] = self._converted(name, HALF, casts)
            elif name in self.halves and not counts:
                node.input[index] = self._converted(name, FULL, casts)
        if half:
            self.halves.update(node.output)
        return [*casts, node]

    def _converted(self, name: str, suffix: str, casts: list[NodeProto]) -> str:
        from onnx import helper, TensorProto

        converted = name + suffix
        if converted in self.cast:
            return converted
        self.cast.add(converted)
        if name in self.constants:
            self._add_half_constant(name, converted)
        else:
            kind = TensorProto.FLOAT16 if suffix == HALF else TensorProto.FLOAT
            casts.append(helper.make_node('Cast', [name], [converted], f'cast_{converted}',
                                          to=kind))
        return converted

    def _add_half_constant(self, name: str, converted: str) -> None:
        import numpy as np
        from onnx import numpy_helper

        values = self.constants[name].astype(np.float16)
        if not np.isfinite(values).all():
            raise ValueError(f'{name} has values beyond the range of fp16: export it as fp32')
        self.graph.initializer.append(numpy_helper.from_array(values, converted))
