# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Turn trained weights into a model folder or one ONNX file, in fp32 or fp16.

The ONNX file is compared with torch on photographs: embeddings, class scores, seeds and masks. A
difference above the bounds of its precision fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
import json
from pathlib import Path
import shutil
import sys
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TYPE_CHECKING

from metricseg_ros.arguments import image_size
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.left_out import LeftOut
from metricseg_ros.cli.options import add_json, table_stream, write_report

if TYPE_CHECKING:
    from metricseg_ros.export.parity import Parity
    from metricseg_ros.network import MetricSegmentationNetwork
    import numpy as np
    from torch import nn

DEFAULT_SIZE = (240, 320)


class Source(NamedTuple):
    """
    What is exported.

    :param input_size: (height, width) of the box images are fitted into.
    """

    network: MetricSegmentationNetwork
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    card: dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='checkpoint.pt of metricseg train or its folder; or a '
                        'model, by name or folder, to be written in another form')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='FOLDER|FILE.onnx',
                        help='model folder, or ONNX file alone')
    parser.add_argument('--classes', help='names of the classes, with commas (default: those of '
                        'the model, or object)')
    parser.add_argument('--input-size', type=image_size, metavar='HxW',
                        help="box that images are fitted into (default: the model's, or 240x320)")
    parser.add_argument('--card', type=Path, metavar='FILE',
                        help='JSON of what else model.json shall say: training, figures, '
                        'attributions')
    parser.add_argument('--precision', type=precision_name, choices=('fp32', 'fp16'),
                        default='fp32',
                        help='of the convolutions; the last projections, and so distances and '
                        'softmax, stay in fp32 (default: %(default)s). TensorRT makes fp16 of '
                        'fp32 by itself: see backend.precision')
    parser.add_argument('--without-names', action='store_true',
                        help='leave out the trunk that names objects: faster, and all are objects')
    parser.add_argument('--names-from', metavar='MODEL|RUN', help='take the trunk that names '
                        'objects from another model or training')
    parser.add_argument('--photographs', type=Path, metavar='PATH',
                        help='what the comparison with torch is made on (default: those of the '
                        'demo)')
    add_json(parser, 'the comparison')


def precision_name(text: str) -> str:
    """Read the name of a precision, and say why not a lower one."""
    if text in ('fp8', 'int8'):
        raise argparse.ArgumentTypeError(
            f'{text} is not offered: int8 halved the instances that agree with fp32 (73 and 56 % '
            'on two sets of photographs), and fp8, which no Jetson Orin has, has not been tried; '
            'take fp16')
    return text


def run(args: argparse.Namespace) -> int:
    """Export; return the exit code."""
    from metricseg_ros.export.parity import BOUNDS
    if args.photographs:
        next(images(args.photographs))  # Rather now than after minutes.
    parity = export_model(read_source(args), args)
    print(f'{args.output}: {args.precision}: {parity}', file=table_stream(args.json))
    if not parity.instances:
        print('metricseg export: nothing was found on these photographs, so no masks were '
              'compared: give --photographs of your objects', file=sys.stderr)
    faults = parity.faults(BOUNDS[args.precision])
    write_report({'output': str(args.output), 'precision': args.precision, **asdict(parity),
                  'bounds': asdict(BOUNDS[args.precision]), 'faults': faults}, args.json)
    for fault in faults:
        print(f'metricseg export: {fault}', file=sys.stderr)
    return FAILED if faults else DONE


def read_source(args: argparse.Namespace) -> Source:
    """
    Read what is to be exported.

    :raises ValueError: if it is no checkpoint or model, or the classes are not of its number.
    """
    source = named_source(args.checkpoint)
    if args.names_from:
        source = with_names(source, named_source(args.names_from))
    if args.without_names:
        source = without_names(source)
    classes = tuple(args.classes.split(',')) if args.classes else source.classes
    if len(classes) != source.network.config.class_count:
        raise ValueError(f'--classes must name {source.network.config.class_count} classes, got '
                         f'{", ".join(classes)}')
    card = json.loads(args.card.read_text()) if args.card else source.card
    return Source(source.network, classes, args.input_size or source.input_size, card)


def named_source(text: str) -> Source:
    """
    Read a model, or a training.

    :param text: a model's name or folder; a checkpoint or its folder.
    :raises ValueError: if it is neither.
    """
    from metricseg_ros.models import DESCRIPTION_FILE, shipped_models
    from metricseg_ros.training.train import read_average
    path = Path(text)
    if text in shipped_models() or (path / DESCRIPTION_FILE).is_file():
        return model_source(text)
    network = read_average(path / 'checkpoint.pt' if path.is_dir() else path)
    return Source(network, ('object',), DEFAULT_SIZE, {})


def model_source(name: str) -> Source:
    """Read the weights of a model."""
    from metricseg_ros.models import load_description
    from metricseg_ros.network import MetricSegmentationNetwork
    from metricseg_ros.network.checkpoint import load_weights, read_weights
    description = load_description(name)
    path = description.checked_file('weights.safetensors')
    network = MetricSegmentationNetwork(description.network)
    load_weights(network, read_weights(path), str(path))
    return Source(network, description.classes, description.input_size, description.card)


def without_names(source: Source) -> Source:
    """
    Leave out the trunk that names objects.

    :raises ValueError: if it has no such trunk.
    """
    from metricseg_ros.network import MetricSegmentationNetwork
    from metricseg_ros.network.names import NAMES
    config = source.network.config
    if not config.name_backbone:
        raise ValueError('--without-names: there is no trunk for names to leave out '
                         '(network.name_backbone is empty)')
    network = MetricSegmentationNetwork(replace(
        config, name_backbone='', name_stages_shared=0, name_blocks=0, class_count=1,
        class_scores='class'))
    network.load_state_dict({name: tensor for name, tensor in source.network.state_dict().items()
                             if not name.startswith(NAMES)})
    return source._replace(network=network, classes=('object',))


def with_names(source: Source, names: Source) -> Source:
    """
    Take the trunk that names objects from another network.

    :param source: finds objects.
    :param names: names them.
    :return: both in one.
    :raises ValueError: if they do not go together.
    """
    from metricseg_ros.network import MetricSegmentationNetwork
    from metricseg_ros.network.names import NAMES
    own, theirs = source.network, names.network
    if not theirs.has_name_trunk:
        raise ValueError('--names-from must have a trunk for names, got network.name_backbone='
                         f'{theirs.config.name_backbone or "none"}')
    if own.config.class_count > 1 and not own.config.name_backbone:
        raise ValueError('--names-from: the network itself must tell objects alone, not '
                         f'{own.config.class_count} classes')
    if not same_stages(own.backbone, theirs.backbone, theirs.stages_shared):
        raise ValueError(f'--names-from: its names go on from the first {theirs.stages_shared} '
                         'stages of the trunk, which are others here: train names alone again '
                         '(train_only=names)')
    network = MetricSegmentationNetwork(replace(
        own.config, name_backbone=theirs.config.name_backbone,
        name_stages_shared=theirs.stages_shared, name_blocks=theirs.config.name_blocks,
        class_count=theirs.config.class_count))
    network.load_state_dict({name: tensor for part, kept in ((own, False), (theirs, True))
                             for name, tensor in part.state_dict().items()
                             if name.startswith(NAMES) == kept})
    # A training does not say how its classes are called.
    known = len(names.classes) == theirs.config.class_count
    return source._replace(network=network, classes=(names if known else source).classes)


def same_stages(one: nn.Module, other: nn.Module, count: int) -> bool:
    """Tell whether the stem and so many first stages of two trunks have the same weights."""
    import torch
    if not count:
        return True
    own, theirs = (torch.nn.ModuleList(trunk.first_stages(count)).state_dict()
                   for trunk in (one, other))
    return own.keys() == theirs.keys() and all(
        torch.equal(tensor, theirs[name]) for name, tensor in own.items())


def export_model(source: Source, args: argparse.Namespace) -> Parity:
    """Write a model folder or its ONNX file alone."""
    from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
    from metricseg_ros.backends.torch_backend import TorchBackend
    from metricseg_ros.config import BackendConfig
    from metricseg_ros.export.onnx import halve_precision, write_model
    from metricseg_ros.export.parity import compare, grouped_by
    from metricseg_ros.models import load_description
    with TemporaryDirectory() as scratch:
        bare = args.output.suffix == '.onnx'
        folder = Path(scratch) / (args.output.stem if bare else args.output.resolve().name)
        write_model(source.network, folder, source.classes, source.input_size, source.card)
        if args.precision == 'fp16':
            halve_precision(folder)
        description = load_description(folder)
        stages = [grouped_by(kind(description, BackendConfig(device_policy='cpu')))
                  for kind in (TorchBackend, OnnxRuntimeBackend)]
        parity = compare(*stages, description, images(args.photographs))
        if bare:
            shutil.copyfile(folder / 'model.onnx', args.output)
        else:
            shutil.copytree(folder, args.output, dirs_exist_ok=True)
    return parity


def images(path: Path | None) -> Iterator[np.ndarray]:
    """Read (H,W,3) uint8 RGB of an image, folder or video; None for the demo's."""
    from metricseg_ros.cli.bundled import photographs
    from metricseg_ros.inputs import open_input
    for frame in open_input(path or photographs()[0].parent, on_error=LeftOut()):
        yield frame.image
