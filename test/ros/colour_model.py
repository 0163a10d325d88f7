# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A real model whose answer is known beforehand: pixels of equal colour are one object.

Its embedding is the colour, and anything but black is an object, so that coloured rectangles on
black come out as they were drawn, within the network's stride.
"""

from __future__ import annotations

from dataclasses import asdict
import hashlib
import json
from pathlib import Path

from metricseg_ros.config import NetworkConfig
from metricseg_ros.models import FORMAT_VERSION
import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

STRIDE = 4
COLOURS = {'red': (255, 0, 0), 'green': (0, 255, 0), 'blue': (0, 0, 255)}
CLASSES = ('thing',)
THRESHOLD = 0.5


def write_colour_model(folder: Path, size: tuple[int, int] = (240, 320),
                       burden: int = 0) -> Path:
    """
    Write the model's folder.

    :param folder: where it goes; its name is the model's.
    :param size: (height, width) of the box images are fitted into.
    :param burden: convolutions of 64 channels that only take time.
    :return: the folder.
    """
    folder.mkdir(parents=True)
    onnx.save(_graph(burden), folder / 'model.onnx')
    network = asdict(NetworkConfig(embedding_dim=3, class_count=len(CLASSES),
                                   similarity_thresholds=(THRESHOLD,)))
    checksum = hashlib.sha256((folder / 'model.onnx').read_bytes()).hexdigest()
    (folder / 'model.json').write_text(json.dumps({
        'format_version': FORMAT_VERSION, 'name': folder.name, 'classes': CLASSES,
        'network': network, 'files': {'model.onnx': checksum},
        'input': {'size': size, 'size_multiple': 32, 'mean': [0.5] * 3, 'std': [0.5] * 3}}))
    return folder


def scene(height: int = 240, width: int = 320) -> np.ndarray:
    """
    Draw one rectangle of each colour, aligned with the network's grid.

    :param height: of the image, in pixels; at least 96.
    :param width: the same; at least 192.
    :return: (H,W,3) uint8 RGB.
    """
    image = np.zeros((height, width, 3), np.uint8)
    for index, colour in enumerate(COLOURS.values()):
        left = 16 + 56 * index
        image[32:80, left:left + 40] = colour
    return image


def _graph(burden: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node('AveragePool', ['image'], ['colours'], kernel_shape=[STRIDE] * 2,
                         strides=[STRIDE] * 2),
        helper.make_node('Mul', ['colours', 'four'], ['plain']),
        # Black sums to -3, a pure colour to -1: object scores of 0.0025 and 0.9975.
        helper.make_node('ReduceSum', ['colours', 'channels'], ['sum'], keepdims=1),
        helper.make_node('Add', ['sum', 'two'], ['shifted']),
        helper.make_node('Mul', ['shifted', 'six'], ['object']),
        helper.make_node('Mul', ['object', 'zero'], ['background']),
        helper.make_node('Concat', ['background', 'object'], ['logits'], axis=1),
        helper.make_node('Unsqueeze', ['logits', 'channels'], ['class_logits'])]
    constants = {name: np.float32(value) for name, value in
                 {'zero': 0, 'two': 2, 'four': 4, 'six': 6}.items()}
    constants['channels'] = np.array([1], np.int64)
    nodes += _burden(burden, constants)
    outputs = [helper.make_tensor_value_info('embeddings', TensorProto.FLOAT, [1, 3, 'h', 'w']),
               helper.make_tensor_value_info('class_logits', TensorProto.FLOAT,
                                             [1, 1, 2, 'h', 'w'])]
    image = helper.make_tensor_value_info('image', TensorProto.FLOAT, [1, 3, 'H', 'W'])
    graph = helper.make_graph(nodes, 'colours', [image], outputs, [
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def _burden(count: int, constants: dict[str, np.ndarray]) -> list[onnx.NodeProto]:
    """Add nothing to the embedding, by way of many convolutions."""
    if not count:
        return [helper.make_node('Identity', ['plain'], ['embeddings'])]
    rng = np.random.default_rng(0)
    nodes, last, channels = [], 'plain', 3
    for index in range(count):
        following = 3 if index == count - 1 else 64
        constants[f'weights{index}'] = rng.normal(0, 0.01, (following, channels, 3, 3)).astype(
            np.float32)
        nodes.append(helper.make_node('Conv', [last, f'weights{index}'], [f'burden{index}'],
                                      pads=[1] * 4))
        last, channels = f'burden{index}', following
    return [*nodes, helper.make_node('Mul', [last, 'zero'], ['nothing']),
            helper.make_node('Add', ['plain', 'nothing'], ['embeddings'])]
