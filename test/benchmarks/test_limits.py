# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What no backend can go below is measured on this machine, for this network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.limits import HardwareLimits, network_flops
from metricseg_ros.cli.benchmark.measuring import alternate
from metricseg_ros.models import load_description
import numpy as np
import pytest


def test_the_products_of_a_network_are_counted(small_model: Path) -> None:
    description = load_description(small_model)
    small, large = (network_flops(description.network, size) for size in ((64, 64), (128, 64)))
    assert large == 2 * small  # Convolutions alone.
    # The stem: 32 filters of 3x3x3 at half the size; it is one of many.
    assert small > 2 * 32 * 27 * 32 * 32


def test_floors_are_of_the_machine_and_the_network(small_model: Path) -> None:
    description = load_description(small_model)
    limits = HardwareLimits('cpu', description, (64, 96), (16, 24))
    copies, products = limits.rows(alternate(limits.candidates, 3))
    assert copies['network_ms'] > 0 and copies['provider'] == 'copies'
    # A product that takes a second gives the rate, and so the network's time.
    _, products = limits.rows({'copies': np.ones(3), 'products': np.full(3, 1000.0)})
    flops = network_flops(description.network, (64, 96))
    assert products['network_ms'] == pytest.approx(1000 * flops / (2 * 1024 ** 3), abs=1e-3)


def test_backends_are_measured_beside_the_floors(report_of: Callable) -> None:
    rows = report_of('limits', '--size', '60x64', '--runs', '2', '--device', 'cpu')['rows']
    assert [row['backend'] for row in rows] == ['onnxruntime', 'torch', 'limit', 'limit']
    assert {row['size'] for row in rows} == {'64x64'}
    assert all(row['network_ms'] > 0 for row in rows)


@pytest.mark.gpu
def test_on_a_gpu_all_run_there_beside_its_floors(report_of: Callable) -> None:
    rows = report_of('limits', '--size', '240x320', '--runs', '5')['rows']
    limits = [row for row in rows if row['backend'] == 'limit']
    assert len(limits) == 2 and all(row['network_ms'] > 0 for row in limits)
    backends = [row for row in rows if row not in limits]
    assert {'torch', 'torch.compile'} <= {row['provider'].split()[0] for row in backends}
    assert all(row['device'].startswith('cuda') for row in rows)
