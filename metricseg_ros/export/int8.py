# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Explicit int8 quantisation: Q/DQ pairs around the convolutions, scales from a folder of images.

Symmetric, as TensorRT asks, with one scale for each output channel of a weight. ONNX Runtime runs
the same file. The last projections stay in fp32.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metricseg_ros.backends.backend import INPUT
from metricseg_ros.export.half import projections
from metricseg_ros.export.onnx import without_notices
from metricseg_ros.inputs import open_input
from metricseg_ros.models import ModelDescription
from metricseg_ros.preprocess import preprocess
import numpy as np

LARGEST_CALIBRATION = 256
"""Images beyond this many do not change the ranges enough to be worth the time."""


def to_int8(source: Path, target: Path, description: ModelDescription, folder: Path) -> int:
    """
    Quantise the convolutions of a model.

    :param source: its ONNX file in fp32.
    :param target: where the quantised one goes.
    :param description: says how images are fed.
    :param folder: images that look like those of the robot's camera.
    :return: number of images whose activations gave the ranges.
    :raises ValueError: if there is no image in the folder.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        quantize_static,
        QuantType,
    )

    class Reader(CalibrationDataReader):
        """Feeds the images one by one."""

        def __init__(self) -> None:
            """Begin at the first image."""
            self.inputs = network_inputs(description, folder)
            self.count = 0

        def get_next(self) -> dict[str, Any] | None:
            """Return the next input, or None at the end."""
            tensor = next(self.inputs, None)
            self.count += tensor is not None
            return None if tensor is None else {INPUT: tensor}

    reader = Reader()
    with without_notices():
        quantize_static(
            source, target, reader, quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=['Conv'], nodes_to_exclude=sorted(projections(onnx.load(source))),
            extra_options={'ActivationSymmetric': True, 'WeightSymmetric': True,
                           'QuantizeBias': False})
    return reader.count


def network_inputs(description: ModelDescription, folder: Path) -> Iterator[np.ndarray]:
    """
    Read the images of a folder as the network sees them.

    :param description: says how images are fed.
    :param folder: holds images.
    :return: (1,3,h,w) float32 of each, at most :data:`LARGEST_CALIBRATION`.
    :raises ValueError: if there is no image.
    """
    for _, frame in zip(range(LARGEST_CALIBRATION), open_input(folder)):
        tensor, _ = preprocess(frame.image, description.input_size, description.size_multiple,
                               description.mean, description.std)
        yield tensor.numpy()
