# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing a model's files: model.onnx, weights.safetensors and model.json."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
import json
import logging
from pathlib import Path
from typing import Any, TYPE_CHECKING
import warnings

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.backends.half import to_half
from metricseg_ros.export.opset import lowered
from metricseg_ros.models import DESCRIPTION_FILE, FORMAT_VERSION, sha256
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.preprocess import MEAN, no_depth, STD
import torch

if TYPE_CHECKING:
    from onnx import ModelProto

TRACED_OPSET = 18
"""The lowest that torch.onnx exports by itself; :func:`lowered` goes on from there."""


def export_onnx(network: MetricSegmentationNetwork, path: Path,
                input_size: tuple[int, int]) -> None:
    """
    Write the network as ONNX, for any height and width that it takes.

    :param input_size: (height, width) the graph is traced at, multiples of the network's.
    """
    multiple = network.size_multiple
    size = {2: multiple * torch.export.Dim('rows', min=1, max=256),
            3: multiple * torch.export.Dim('columns', min=1, max=256)}
    save(traced(network, input_size, {'image': size, 'depth': size}), path)


def traced(network: MetricSegmentationNetwork, input_size: tuple[int, int],
           sizes: dict[str, Any] | None = None) -> ModelProto:
    """
    Trace a network.

    :param input_size: (height, width) it is traced at.
    :param sizes: what torch.export is told of inputs whose size varies; None for fixed sizes.
    :return: its graph, in an opset that TensorRT 8.5 reads.
    """
    network = network.eval().to('cpu', memory_format=torch.contiguous_format)
    image, names = torch.zeros(1, 3, *input_size), network.config.inputs
    inputs = (image, *no_depth(image))[:len(names)]
    with without_notices():
        program = torch.onnx.export(
            network, inputs, dynamo=True, opset_version=TRACED_OPSET,
            input_names=list(names), output_names=list(network.config.outputs), verbose=False,
            dynamic_shapes=sizes and {name: sizes.get(name) for name in names})
    for node in program.model.graph.all_nodes():
        # Stack traces, which hold paths of the machine that exports.
        node.metadata_props.clear()
    return lowered(program.model_proto)


@contextmanager
def without_notices() -> Iterator[None]:
    """Let libraries be silent about what does not concern whoever exports; not about errors."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)
            warnings.filterwarnings('ignore', '# The axis name')
            yield
    finally:
        logging.disable(before)


def save(model: ModelProto, path: Path) -> None:
    """Write a graph."""
    import onnx

    onnx.save(model, path)


def write_model(network: MetricSegmentationNetwork, folder: Path, classes: tuple[str, ...],
                input_size: tuple[int, int], card: dict[str, Any]) -> None:
    """
    Write a model folder, in fp32.

    :param input_size: (height, width) of the box images are fitted into.
    """
    multiple = network.size_multiple
    # At once the multiple a coarse map may be one pixel high, which would be taken as fixed.
    size = tuple(max(2 * multiple, side) for side in input_size)
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(network, folder / 'model.onnx', rounded_up(size, multiple))
    write_weights(network, folder, classes, input_size, card)


def write_weights(network: MetricSegmentationNetwork, folder: Path, classes: tuple[str, ...],
                  input_size: tuple[int, int], card: dict[str, Any]) -> None:
    """
    Write a model folder but for its ONNX file, of which model.json tells where it is there.

    :param input_size: (height, width) of the box images are fitted into.
    """
    from safetensors.torch import save as serialised

    folder.mkdir(parents=True, exist_ok=True)
    # Its save_file would let nobody but the present user read them.
    write_atomically(folder / 'weights.safetensors', serialised(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()}))
    names = [name for name in ('model.onnx', 'weights.safetensors') if (folder / name).is_file()]
    content = {
        'format_version': FORMAT_VERSION,
        'name': folder.name,
        'classes': classes,
        'input': {'size': input_size, 'size_multiple': network.size_multiple, 'mean': MEAN,
                  'std': STD},
        'network': asdict(network.config),
        'precision': 'fp32',
        'files': {name: sha256(folder / name) for name in names},
        **card,
    }
    write_atomically(folder / DESCRIPTION_FILE, (json.dumps(content, indent=2) + '\n').encode())


def halve_precision(folder: Path) -> None:
    """
    Let the ONNX file of a model folder compute in fp16.

    :param folder: in fp32; model.onnx and model.json are changed, the weights are not.
    :raises ValueError: if a weight does not fit.
    """
    import onnx

    path, description = folder / 'model.onnx', folder / DESCRIPTION_FILE
    save(to_half(onnx.load(path)), path)
    content = json.loads(description.read_text())
    content['precision'] = 'fp16'
    content['files']['model.onnx'] = sha256(path)
    description.write_text(json.dumps(content, indent=2) + '\n')


def rounded_up(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Round a (height, width) up to multiples of what a network takes."""
    height, width = (-(-side // multiple) * multiple for side in size)
    return height, width
