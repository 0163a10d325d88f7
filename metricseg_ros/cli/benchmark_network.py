# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the network alone.

Every backend that runs here (or the one of --backend), by turns, at several input sizes.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from functools import partial
import sys
from typing import Any, TYPE_CHECKING

from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    configuration,
    image_size,
    tables_to,
    write_report,
)
from metricseg_ros.config import BackendConfig

if TYPE_CHECKING:
    from metricseg_ros.backends import Backend
    from metricseg_ros.models import ModelDescription

SIZES = ((192, 256), (240, 320), (480, 640))
COLUMNS = ('size', 'backend', 'provider', 'device', 'precision', 'network_ms', 'per_second')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the options of the verb.

    :param parser: the verb's own parser.
    """
    parser.add_argument('--size', type=image_size, action='append', metavar='HxW',
                        help='input size (repeatable; default: 192x256 240x320 480x640); rounded '
                        'up to what the model needs')
    parser.add_argument('--runs', type=int, default=20,
                        help='timed runs of each (default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    """
    Measure, print the table, write the JSON.

    :param args: what :func:`add_arguments` declared.
    :return: 0.
    """
    if args.runs < 1:
        raise ValueError(f'--runs must be at least 1, got {args.runs}')
    from metricseg_ros.cli.measuring import load_average, machine, table
    from metricseg_ros.models import load_description
    config = configuration(args)
    description = load_description(config.model)
    load = load_average()
    backends = open_backends(description, config.backend)
    rows = [row for size in args.size or SIZES
            for row in measure(backends, rounded_up(size, description.size_multiple), args.runs)]
    print(table(rows, COLUMNS), file=tables_to(args.json))
    write_report({'benchmark': 'network', 'machine': machine(load), 'model': description.name,
                  'threads': config.backend.threads, 'runs': args.runs, 'rows': rows}, args.json)
    return DONE


def open_backends(description: ModelDescription, config: BackendConfig) -> list[Backend]:
    """
    Open the backend asked for, or each one that works.

    :param description: of the model.
    :param config: `auto` means each.
    :return: at least one backend.
    :raises BackendError: if none works.
    """
    from metricseg_ros.backends import BackendError, open_backend
    if config.name != 'auto':
        return [open_backend(description, config)]
    opened, problem = [], None
    for name in backend_names():
        try:
            opened.append(open_backend(description, replace(config, name=name)))
        except (BackendError, ValueError) as error:
            problem = error
            print(f'metricseg: {name} is left out: {error}', file=sys.stderr)
    if not opened and problem is not None:
        raise problem
    return opened


def backend_names() -> list[str]:
    """
    List the backends by name.

    :return: the choices of `backend.name` but for `auto`.
    """
    from metricseg_ros.config import dotted_fields
    choices = next(info.choices for name, _, info in dotted_fields(BackendConfig())
                   if name == 'name')
    return [name for name in choices if name != 'auto']


def rounded_up(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """
    Round a size up to what the network takes.

    :param size: (height, width).
    :param multiple: both sides become multiples of this.
    :return: (height, width).
    """
    height, width = (-(-side // multiple) * multiple for side in size)
    return height, width


def measure(backends: list[Backend], size: tuple[int, int], runs: int) -> list[dict[str, Any]]:
    """
    Time the backends by turns at one size.

    :param backends: opened backends.
    :param size: (height, width) of the input.
    :param runs: timed runs of each.
    :return: one row for each backend.
    """
    from metricseg_ros.cli.measuring import alternate, spread
    import torch
    tensor = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    times = alternate({str(index): partial(run_to_end, backend, tensor)
                       for index, backend in enumerate(backends)}, runs, warm_ups=2)
    rows = []
    for backend, values in zip(backends, times.values(), strict=True):
        taken = spread('network_ms', values)
        rows.append({'size': f'{size[0]}x{size[1]}', **asdict(backend.report), **taken,
                     'per_second': round(1e3 / taken['network_ms'], 2)})
    return rows


def run_to_end(backend: Backend, tensor: Any) -> None:
    """
    Run the network and wait until it is done, which on a GPU it is later.

    :param backend: an opened backend.
    :param tensor: (1,3,h,w) float32.
    """
    import torch
    if backend.run(tensor).embeddings.is_cuda:
        torch.cuda.synchronize()
