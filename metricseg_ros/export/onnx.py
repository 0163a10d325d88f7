# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing a model's files: model.onnx, weights.safetensors and model.json."""

from __future__ import annotations

from dataclasses import asdict
import json
from pathlib import Path
from typing import Any

from metricseg_ros.backends.onnxruntime_backend import INPUT, OUTPUTS
from metricseg_ros.models import DESCRIPTION_FILE, FORMAT_VERSION, sha256
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.preprocess import MEAN, STD
import torch

OPSET = 18


def export_onnx(network: MetricSegmentationNetwork, path: Path,
                input_size: tuple[int, int]) -> None:
    """
    Write the network as ONNX, for any height and width that it takes.

    :param network: with its weights.
    :param path: where.
    :param input_size: (height, width) the graph is traced at, multiples of the network's.
    """
    network = network.eval().to('cpu', memory_format=torch.contiguous_format)
    multiple = network.size_multiple
    height = multiple * torch.export.Dim('rows', min=1, max=256)
    width = multiple * torch.export.Dim('columns', min=1, max=256)
    program = torch.onnx.export(
        network, (torch.zeros(1, 3, *input_size),), dynamo=True, opset_version=OPSET,
        input_names=[INPUT], output_names=list(OUTPUTS), verbose=False,
        dynamic_shapes={'image': {2: height, 3: width}})
    for node in program.model.graph.all_nodes():
        # Stack traces, which hold paths of the machine that exports.
        node.metadata_props.clear()
    program.save(path, external_data=False)


def write_model(network: MetricSegmentationNetwork, folder: Path, classes: tuple[str, ...],
                input_size: tuple[int, int], card: dict[str, Any]) -> None:
    """
    Write a model folder.

    :param network: with its weights.
    :param folder: where; it is made.
    :param classes: name of class id 1, 2, ...
    :param input_size: (height, width) of the box images are fitted into.
    :param card: what else model.json shall say: training, figures, attributions.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    multiple = network.size_multiple
    # At once the multiple a coarse map may be one pixel high, which would be taken as fixed.
    traced = tuple(max(2, -(-side // multiple)) * multiple for side in input_size)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()},
              folder / 'weights.safetensors')
    export_onnx(network, folder / 'model.onnx', traced)
    content = {
        'format_version': FORMAT_VERSION,
        'name': folder.name,
        'classes': classes,
        'input': {'size': input_size, 'size_multiple': multiple, 'mean': MEAN, 'std': STD},
        'network': asdict(network.config),
        'files': {name: sha256(folder / name) for name in ('model.onnx', 'weights.safetensors')},
        **card,
    }
    (folder / DESCRIPTION_FILE).write_text(json.dumps(content, indent=2) + '\n')
