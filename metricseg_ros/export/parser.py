# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the ONNX parser of TensorRT 8.5 reads, and reads right.

The oldest parser is the strictest: what it takes, all up to TensorRT 11 take. The table holds what
networks of this kind consist of, as docs/operators.md of onnx-tensorrt's branch 8.5-GA lists it
and its importers do it. That parser passes over attributes that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


@dataclass(frozen=True)
class Reading:
    """
    How an operator is read.

    :param attributes: those that are heeded; the values taken, or none for any.
    :param constants: numbers of the inputs that must be initializers where they are given.
    :param inputs: fewest inputs.
    """

    attributes: dict[str, tuple[object, ...]] = field(default_factory=dict)
    constants: tuple[int, ...] = ()
    inputs: int = 1


PLAIN = ('Abs Add And Ceil Cos Div Equal Erf Exp Expand Floor GlobalAveragePool Greater '
         'GreaterOrEqual Identity IsNaN Less LessOrEqual Log MatMul Max Min Mul Neg Not Or Pow '
         'Range Reciprocal Relu Shape Sigmoid Sign Sin Softplus Sqrt Sub Tanh Tile Where')
WINDOW = {'kernel_shape': (), 'strides': (), 'pads': (), 'dilations': (), 'auto_pad': (b'NOTSET',)}
REDUCED = Reading({'axes': (), 'keepdims': ()})

READ = {
    **{name: Reading() for name in PLAIN.split()},
    **dict.fromkeys(('ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd'), REDUCED),
    'ArgMax': Reading({'axis': (), 'keepdims': (), 'select_last_index': (0,)}),
    'AveragePool': Reading({**WINDOW, 'ceil_mode': (), 'count_include_pad': ()}),
    'BatchNormalization': Reading({'epsilon': (), 'momentum': (), 'training_mode': (0,)},
                                  constants=(1, 2, 3, 4), inputs=5),
    'Cast': Reading({'to': (1, 6, 7, 9, 10)}),  # float, int32, int64, bool, float16
    'Clip': Reading(constants=(1, 2)),  # Else two operators, which no convolution takes in.
    'Concat': Reading({'axis': ()}),
    'Constant': Reading({'value': ()}, inputs=0),
    'ConstantOfShape': Reading({'value': ()}),
    'Conv': Reading({**WINDOW, 'group': ()}, constants=(1, 2), inputs=2),
    'Flatten': Reading({'axis': ()}),
    'Gather': Reading({'axis': ()}, inputs=2),
    'Gemm': Reading({'alpha': (), 'beta': (), 'transA': (), 'transB': ()}),
    'MaxPool': Reading({**WINDOW, 'dilations': ([1, 1],), 'ceil_mode': (), 'storage_order': (0,)}),
    'Pad': Reading({'mode': (b'constant', b'reflect', b'edge')}),
    'ReduceSum': Reading({'keepdims': (), 'noop_with_empty_axes': (0,)}, constants=(1,)),
    'Reshape': Reading({'allowzero': ()}, inputs=2),
    'Resize': Reading({'mode': (b'nearest', b'linear'), 'exclude_outside': (0,),
                       'coordinate_transformation_mode': (b'half_pixel', b'pytorch_half_pixel',
                                                          b'asymmetric', b'align_corners'),
                       # Of the two other modes alone; they are read, and count for nothing here.
                       'nearest_mode': (), 'cubic_coeff_a': (), 'extrapolation_value': ()},
                      constants=(2,)),
    'Slice': Reading(constants=(3,), inputs=3),
    'Softmax': Reading({'axis': ()}),
    'Split': Reading({'axis': ()}),
    'Squeeze': Reading(constants=(1,), inputs=2),
    'Transpose': Reading({'perm': ()}),
    'Unsqueeze': Reading(constants=(1,), inputs=2),
}
"""
Operator -> how it is read. Left out though documented: LogSoftmax and ReduceLogSumExp, which every
TensorRT computes as the logarithm of what underflows or overflows.
"""


def unread(model: ModelProto) -> Iterator[str]:
    """Find what TensorRT would not take, or take wrong."""
    from onnx import TensorProto

    graph = model.graph
    constants = {item.name for item in graph.initializer}
    constants |= {name for node in graph.node if node.op_type == 'Constant'
                  for name in node.output}
    whole = {info.name for info in (*graph.value_info, *graph.input)
             if info.type.tensor_type.elem_type in (TensorProto.INT32, TensorProto.INT64)}
    whole |= {item.name for item in graph.initializer
              if item.data_type in (TensorProto.INT32, TensorProto.INT64)}
    softmaxes = {name for node in graph.node if node.op_type == 'Softmax' for name in node.output}
    for node in graph.node:
        yield from (f'{node.op_type} ({node.name}): {fault}' for fault in faults(node, constants))
        if node.op_type == 'Range' and not whole.issuperset(node.input):
            yield f'Range ({node.name}): its bounds are no whole numbers'
        if node.op_type == 'Log' and softmaxes.intersection(node.input):
            yield f'Log ({node.name}): of a softmax, which underflows'


def faults(node: NodeProto, constants: set[str]) -> Iterator[str]:
    """
    Hold one node against the table.

    :param constants: names of the tensors whose values are known.
    """
    import onnx

    reading = READ.get(node.op_type)
    if reading is None:
        yield 'is not read'
        return
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        taken = reading.attributes.get(attribute.name)
        if taken is None:
            yield f'its attribute {attribute.name} is passed over'
        elif taken and value not in taken:
            yield f'its attribute {attribute.name} must not be {value}'
    if len(node.input) < reading.inputs:
        yield f'has {len(node.input)} inputs of the {reading.inputs} that it needs'
    for index in reading.constants:
        if node.input[index:index + 1] and node.input[index] not in {'', *constants}:
            yield f'its input {index} must be a constant'
