# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what no backend can go below: moving an image and its masks, and the network's products.

Both are measured on the machine, by turns with the backends: copies of the real sizes, and the
rate of a large product of matrices.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
import sys
from typing import Any

from benchmarks.command import main
from metricseg_ros.arguments import image_size, whole_number
from metricseg_ros.cli.benchmark.measuring import (
    alternate,
    distribution,
    load_average,
    report_rows,
)
from metricseg_ros.cli.benchmark.network import open_backends
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import add_configuration, add_json, configuration
from metricseg_ros.config import NetworkConfig
from metricseg_ros.export.onnx import rounded_up
from metricseg_ros.models import load_description, ModelDescription
from metricseg_ros.network import MetricSegmentationNetwork
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

Row = dict[str, Any]
SIDES = {'cuda': 4096, 'cpu': 1024}
"""Sides of the square matrices whose product tells the rate of a device."""

MASKS = 10
"""Masks that come back from a GPU with an image."""


COLUMNS = ('size', 'backend', 'provider', 'device', 'precision', 'network_ms', 'network_p95_ms',
           'network_p99_ms')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--size', type=image_size, default=(240, 320), metavar='HxW',
                        help='input size, rounded up to what the model needs (default: 240x320)')
    parser.add_argument('--runs', type=whole_number(1), default=20,
                        help='timed runs of each (default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    config, load = configuration(args), load_average()
    description = load_description(config.model)
    size = rounded_up(args.size, description.size_multiple)
    backends = open_backends(description, config.backend, [size])
    tensor = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    grid = backends[0].run(tensor).grid_size
    limits = HardwareLimits(backends[0].report.device.split()[0], description, size, grid)
    times = alternate({str(index): partial(backend.run, tensor)
                       for index, backend in enumerate(backends)} | limits.candidates,
                      args.runs, warm_ups=2)
    rows = [{**asdict(backend.report), **distribution('network_ms', times[str(index)])}
            for index, backend in enumerate(backends)] + limits.rows(times)
    rows = [{'size': f'{size[0]}x{size[1]}', **row} for row in rows]
    report_rows('limits', load, rows, COLUMNS, args.json, model=description.name, runs=args.runs)
    return DONE


class HardwareLimits:
    """What to time beside the backends, and what it says of the network."""

    def __init__(self, device: str, description: ModelDescription, size: tuple[int, int],
                 grid: tuple[int, int]) -> None:
        """
        Prepare.

        :param size: (height, width) of the input.
        :param grid: (height, width) of the network's grid.
        """
        self.device = device
        self.network_flops = network_flops(description.network, size)
        compute, self.product_flops = products(device, description.precision)
        self.candidates = {'copies': copies(device, size, grid), 'products': compute}

    def rows(self, times: Mapping[str, np.ndarray]) -> list[Row]:
        """
        Sum up.

        :param times: (runs,) milliseconds of each of the candidates.
        :return: a row for the copies, and one for the network's products.
        """
        share = self.network_flops / self.product_flops
        rate = self.product_flops / float(np.median(times['products'])) / 1e9
        products = f'{self.network_flops / 1e9:.1f} GFLOP at {rate:.2f} TFLOP/s'
        return [{'backend': 'limit', 'provider': provider, 'device': self.device,
                 **distribution('network_ms', values)}
                for provider, values in (('copies', times['copies']),
                                         (products, share * times['products']))]


def network_flops(config: NetworkConfig, size: tuple[int, int]) -> int:
    """
    Count the products and sums of the network, without running it.

    :param size: (height, width) of the input.
    :return: floating point operations; a multiplication and its addition are two.
    """
    with torch.device('meta'):
        network, image = MetricSegmentationNetwork(config).eval(), torch.empty(1, 3, *size)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(image)
    return counter.get_total_flops()


def products(device: str, precision: str) -> tuple[Callable[[], None], int]:
    """
    Prepare a large product of matrices.

    :param precision: of the model; on a GPU fp32 is TensorFloat-32, as convolutions take it, and
        lower ones are fp16.
    :return: what computes it, to the end; and its floating point operations.
    """
    side = SIDES[device]
    half = device == 'cuda' and precision != 'fp32'
    matrix = torch.rand(side, side, device=device, dtype=torch.float16 if half else torch.float32)

    def compute() -> None:
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = True
        matrix @ matrix
        torch.backends.cuda.matmul.allow_tf32 = before
        finish(device)

    return compute, 2 * side ** 3


def copies(device: str, size: tuple[int, int], grid: tuple[int, int]) -> Callable[[], None]:
    """
    Prepare the copies that an image costs: up the network's input, down the masks' margins.

    :param device: cpu or cuda; to and from a GPU through pinned memory.
    :param size: (height, width) of the input.
    :param grid: (height, width) of the network's grid.
    :return: what copies, to the end.
    """
    pinned = device == 'cuda'
    up, down = (torch.empty(shape, pin_memory=pinned) for shape in ((3, *size), (MASKS, *grid)))
    image, masks = (torch.zeros(host.shape, device=device) for host in (up, down))

    def copy() -> None:
        image.copy_(up, non_blocking=True)
        down.copy_(masks, non_blocking=True)
        finish(device)

    return copy


def finish(device: str) -> None:
    """Wait until a device has done all it was given."""
    if device == 'cuda':
        torch.cuda.synchronize()


if __name__ == '__main__':
    sys.exit(main('limits'))
