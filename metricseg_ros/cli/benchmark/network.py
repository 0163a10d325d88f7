# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the network, and grouping and the whole way from image to instances behind it.

Every backend that runs here (or the one of --backend), by turns, at several input sizes. Where
there is a GPU all run on it, torch also compiled.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import cycle
import sys
from typing import Any, TYPE_CHECKING

from metricseg_ros.arguments import image_size, whole_number
from metricseg_ros.backends import Backend, BackendError
from metricseg_ros.backends.gpus import present_gpu
from metricseg_ros.cli.benchmark.measuring import (
    alternate,
    distribution,
    load_average,
    report_rows,
)
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.open_segmenter import wait_for_best_backend
from metricseg_ros.cli.options import add_configuration, add_json, configuration
from metricseg_ros.config import BackendConfig, InputConfig, SegmenterConfig
from metricseg_ros.inputs import open_input
from metricseg_ros.models import load_description, ModelDescription
import numpy as np

if TYPE_CHECKING:
    from metricseg_ros.segmenter import InstanceSegmenter

Size = tuple[int, int]
SIZES = ((192, 256), (240, 320), (480, 640))
COLUMNS = ('size', 'backend', 'provider', 'device', 'precision', 'network_ms', 'network_p95_ms',
           'network_p99_ms', 'grouping_ms', 'segment_ms', 'segment_p99_ms')
COMPILED = 'torch.compile'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--size', type=image_size, action='append', metavar='HxW',
                        help='input size (repeatable; default: 192x256 240x320 480x640); rounded '
                        'up to what the model needs')
    parser.add_argument('--runs', type=whole_number(1), default=20,
                        help='timed runs of each (default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    from metricseg_ros.export.onnx import rounded_up

    config = configuration(args)
    description = load_description(config.model)
    load = load_average()
    sizes = [rounded_up(size, description.size_multiple) for size in args.size or SIZES]
    backends = open_backends(description, config.backend, sizes)
    rows = [row for size in sizes
            for row in measure(backends, description, config, size, args.runs)]
    report_rows('network', load, rows, COLUMNS, args.json, model=description.name,
                threads=config.backend.threads, runs=args.runs)
    return DONE


def open_backends(description: ModelDescription, config: BackendConfig,
                  sizes: Sequence[Size]) -> list[Backend]:
    """
    Open the backend asked for, or each one that works where the network would run.

    :param config: `auto` means each.
    :param sizes: (height, width) of the inputs.
    :return: at least one backend.
    :raises BackendError: if none works.
    """
    box = tuple(max(sides) for sides in zip(*sizes))
    if config.name != 'auto':
        return [opened(description, config, box)]
    on_gpu = config.device_policy == 'require_gpu' or (config.device_policy == 'prefer_gpu'
                                                       and present_gpu() is not None)
    config = replace(config, device_policy='require_gpu' if on_gpu else 'cpu')
    backends, problem = [], None
    for name in ('tensorrt', 'onnxruntime', 'torch', COMPILED) if on_gpu else ('onnxruntime',
                                                                               'torch'):
        try:
            backends.append(opened(description, replace(config, name=name), box))
        except (BackendError, ValueError) as error:
            problem = error
            print(f'metricseg: {name} is left out: {error}', file=sys.stderr)
    if not backends and problem is not None:
        raise problem
    return backends


def opened(description: ModelDescription, config: BackendConfig, box: Size) -> Backend:
    """
    Open a backend, and wait until it is the one that was asked for.

    :param config: which one, and where; its name may be :data:`COMPILED`.
    :param box: (height, width) that hold every input.
    :raises BackendError: if it does not work.
    """
    from metricseg_ros.backends import open_backend
    import torch

    if config.name == COMPILED:
        backend = open_backend(description, replace(config, name='torch'), box)
        backend.network = torch.compile(backend.network)
        backend.report = replace(backend.report, provider=COMPILED)
        return backend
    backend = open_backend(description, config, box)
    if wait_for_best_backend(backend):
        backend.run(torch.zeros(1, 3, *box))
        if backend.report.backend != 'tensorrt':
            backend.close()
            raise BackendError(backend.report.note)
    return backend


def measure(backends: Sequence[Backend], description: ModelDescription, config: SegmenterConfig,
            size: Size, runs: int) -> list[dict[str, Any]]:
    """
    Time the backends by turns at one size.

    :param size: (height, width) of the input.
    :return: one row for each backend.
    """
    from metricseg_ros.segmenter import InstanceSegmenter
    import torch

    tensor = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    candidates = {str(index): partial(backend.run, tensor)
                  for index, backend in enumerate(backends)}
    times = alternate(candidates, runs, warm_ups=2)
    ways = [InstanceSegmenter(description, backend, config.grouping, InputConfig(*size))
            for backend in backends]
    whole = segment_times(ways, runs)
    label = f'{size[0]}x{size[1]}'
    return [{'size': label, **asdict(backend.report),
             **distribution('network_ms', times[str(index)]),
             **distribution('grouping_ms', whole[index]['grouping']),
             **distribution('segment_ms', whole[index]['segment'])}
            for index, backend in enumerate(backends)]


def segment_times(ways: Sequence[InstanceSegmenter], runs: int) -> list[dict[str, np.ndarray]]:
    """
    Time the whole way from the photographs of the demo to their instances, by turns.

    :param ways: segmenters, each with a backend of its own.
    :return: of each (runs,) milliseconds of `grouping`, and of `segment`, the whole.
    """
    images = [frame.image for path in photographs() for frame in open_input(path)]
    grouping: list[list[float]] = [[] for _ in ways]

    def segment(index: int, turn: Iterator[np.ndarray]) -> None:
        grouping[index].append(ways[index].segment(next(turn)).stage_ms['grouping'])

    # All sizes once before, for each of which a GPU's backends prepare themselves.
    whole = alternate({str(index): partial(segment, index, cycle(images))
                       for index in range(len(ways))}, runs, warm_ups=len(images))
    return [{'segment': whole[str(index)], 'grouping': np.array(grouping[index][-runs:])}
            for index in range(len(ways))]
