# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The only place where weights are read.

Safetensors, or torch files with `weights_only=True`: neither can run code. Every missing or
misshapen tensor is named.
"""

from __future__ import annotations

from pathlib import Path
import pickle

import torch
from torch import nn, Tensor


class CheckpointError(ValueError):
    """Weights that are missing, unreadable, or not this network's."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """
    Read a state dict.

    :param path: a .safetensors file, or a torch file that holds tensors only.
    :return: tensor name -> tensor, on the CPU.
    :raises CheckpointError: if there is no such file or it holds no weights.
    """
    if not path.is_file():
        raise CheckpointError(f'no weights at {path}: give a .safetensors or .pth file')
    try:
        if path.suffix == '.safetensors':
            from safetensors.torch import load_file
            return load_file(path)
        return torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise _unreadable(path, error) from error
    except Exception as error:
        # safetensors raises a class of its own, which is not known where it is not installed.
        if type(error).__name__ != 'SafetensorError':
            raise
        raise _unreadable(path, error) from error


def load_weights(module: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """
    Put weights into a module, which must have exactly these tensors.

    :param source: where they come from, for the message.
    :raises CheckpointError: naming each missing, unexpected or misshapen tensor.
    """
    expected = module.state_dict()
    faults = [f'missing {name} {tuple(expected[name].shape)}'
              for name in expected.keys() - weights.keys()]
    faults += [f'unexpected {name}' for name in weights.keys() - expected.keys()]
    faults += [f'{name} has shape {tuple(weights[name].shape)}, expected '
               f'{tuple(expected[name].shape)}' for name in expected.keys() & weights.keys()
               if weights[name].shape != expected[name].shape]
    if faults:
        raise CheckpointError(f'{source} does not fit {type(module).__name__}: '
                              f'{"; ".join(sorted(faults))}')
    module.load_state_dict(weights)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f'{path} holds no readable weights ({error}): it may be truncated, '
                           'or not a weights file')
