# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints on disk: tensors and plain values, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.config import dotted_fields, from_dict, NetworkConfig
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import CheckpointError, load_weights, read_weights
import torch


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint so that an interruption leaves the one before."""
    content = BytesIO()
    torch.save(dict(state), content)
    write_atomically(path, content.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """
    Read a checkpoint.

    :param path: what :func:`write_checkpoint` wrote.
    :return: its content, on the CPU.
    :raises CheckpointError: if the file is no checkpoint of a training.
    """
    state = read_weights(path)
    if not {'config', 'average'} <= state.keys():
        raise CheckpointError(f'{path} is no checkpoint of metricseg train: it holds '
                              f'{", ".join(list(state)[:5])}')
    return state


def check_same_network(path: Path, stored: Mapping[str, Any], config: NetworkConfig) -> None:
    """
    Refuse to go on with another network than that of a checkpoint.

    :param stored: what it says the network is made of.
    :param config: what it shall be made of.
    :raises CheckpointError: naming each difference.
    """
    before = {name: value for name, value, _ in dotted_fields(from_dict(NetworkConfig, stored))}
    changed = [f'network.{name}={before[name]}, now {value}'
               for name, value, _ in dotted_fields(config) if before[name] != value]
    if changed:
        raise CheckpointError(f'{path} was trained with {"; ".join(changed)}: give the same, or '
                              'another --output')


def read_average(path: Path) -> MetricSegmentationNetwork:
    """
    Build the network of a checkpoint with the running average of its weights.

    :param path: what :func:`write_checkpoint` wrote.
    :return: the network, on the CPU.
    :raises CheckpointError: if the file is no checkpoint of a training.
    """
    state = read_checkpoint(path)
    network = MetricSegmentationNetwork(from_dict(NetworkConfig, state['config']))
    load_weights(network, state['average'], str(path))
    return network
