# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a model's ONNX file computes what its weights do."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import load_description
import torch

LARGEST_DIFFERENCE = 1e-3
"""Largest difference of embeddings and class logits that passes, in float32."""


def largest_difference(folder: Path) -> float:
    """
    Run a model in ONNX Runtime and in torch on the same random inputs.

    :param folder: the model folder.
    :return: largest absolute difference of an embedding's or a class logit's component, over
        inputs of several sizes.
    """
    description = load_description(folder)
    config = BackendConfig(device_policy='cpu')
    backends = [kind(description, config) for kind in (TorchBackend, OnnxRuntimeBackend)]
    generator = torch.Generator().manual_seed(0)
    differences = []
    for rows, columns in ((1, 1), (6, 10), (8, 10), (10, 8)):
        size = (rows * description.size_multiple, columns * description.size_multiple)
        tensor = torch.randn(1, 3, *size, generator=generator)
        first, second = (backend.run(tensor) for backend in backends)
        differences += [(first.embeddings - second.embeddings).abs().max(),
                        (first.class_logits - second.class_logits).abs().max()]
    return float(max(differences))
