# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A small model with random weights, exported as every model is, and ways to spoil a copy."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import shutil
from typing import Any, TYPE_CHECKING

from metricseg_ros.config import NetworkConfig
from metricseg_ros.models import DESCRIPTION_FILE, sha256
import pytest

if TYPE_CHECKING:  # Loaded by the fixtures alone, as not every test run needs torch.
    from metricseg_ros.network import MetricSegmentationNetwork

SMALL_NETWORK = NetworkConfig(embedding_dim=4, decoder_channels=8)
INPUT_SIZE = (64, 96)
CARD = {'training': {'steps': 0}}


def small_network() -> MetricSegmentationNetwork:
    """Build a network whose weights are random, and the same in every run."""
    from metricseg_ros.network import MetricSegmentationNetwork
    from metricseg_ros.threads import single_threaded
    import torch

    torch.manual_seed(0)
    network = MetricSegmentationNetwork(SMALL_NETWORK)
    # Without statistics of its own layers a random network hardly looks at its input.
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    # How statistics are rounded depends on the number of threads, which differs between machines
    # and may be changed by other tests.
    with torch.no_grad(), single_threaded():
        network(torch.randn(4, 3, 128, 128))
    return network.eval()


@pytest.fixture(scope='session')
def written_network() -> MetricSegmentationNetwork:
    """Build the network of the small model, which no test changes."""
    return small_network()


@pytest.fixture(scope='session')
def small_model(tmp_path_factory: pytest.TempPathFactory,
                written_network: MetricSegmentationNetwork) -> Path:
    """Write a model folder once for all tests, which only read it."""
    from metricseg_ros.export.onnx import write_model

    folder = tmp_path_factory.mktemp('models') / 'small'
    write_model(written_network, folder, ('object',), INPUT_SIZE, CARD)
    return folder


@pytest.fixture
def own_model(small_model: Path, tmp_path: Path) -> Path:
    """Copy the small model for a test to spoil."""
    return shutil.copytree(small_model, tmp_path / 'own')


def edit_description(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """
    Change a model's model.json.

    :param folder: the model folder.
    :param edit: changes what model.json holds, in place.
    """
    path = folder / DESCRIPTION_FILE
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def vouch_for(folder: Path, name: str) -> None:
    """
    Let model.json speak of a file as it is now, so that what is wrong with it comes out later.

    :param folder: the model folder.
    :param name: of the file.
    """
    checksum = sha256(folder / name)
    edit_description(folder, lambda content: content['files'].update({name: checksum}))
