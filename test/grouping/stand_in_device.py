# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A device that is not there: it computes on the CPU, and refuses tensors that are of the CPU.

As a GPU does. Beside that it counts how often the host waits for it. To be used in a process of
its own, since torch knows one such device at most and keeps it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.library import impl, Library
from torch.utils import _pytree as pytree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = 'standin'
WAITS: Counter[str] = Counter()
HOST: dict[int, torch.Tensor] = {}
"""What a tensor of the device is on the host, by its address."""

VIEWS = {'transpose.int': torch.transpose, 't': torch.t, 'permute': torch.permute,
         'select.int': torch.select, 'unsqueeze': torch.unsqueeze, 'alias': torch.ops.aten.alias,
         'slice.Tensor': torch.ops.aten.slice, 'unbind.int': torch.unbind,
         'expand': lambda tensor, size, implicit=False: tensor.expand(size)}
"""Operators that torch makes of the tensor's layout, which the device does not have."""

PLAIN = {'empty.memory_format': torch.empty, 'full': torch.full, 'arange': torch.arange,
         'full_like': torch.full_like, 'ones_like': torch.ones_like, 'abs': torch.abs,
         'remainder.Scalar': torch.remainder, 'floor_divide.Scalar': torch.floor_divide}
"""Operators that torch makes of others that write into what is given."""


class DeviceTensor(torch.Tensor):
    """A tensor of the device."""

    __torch_function__ = torch._C._disabled_torch_function_impl


def is_on_device(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == NAME


def to_device(value: Any) -> Any:
    """Give the device what is on the host."""
    if not isinstance(value, torch.Tensor):
        return value
    made = torch._C._acc.create_empty_tensor(value.size(), value.dtype)
    made.__class__ = DeviceTensor
    HOST[made._cdata] = value
    return made


def to_host(value: Any) -> Any:
    """Take what is on the device; of the host's only numbers are let through."""
    if is_on_device(value):
        return HOST[value._cdata]
    if isinstance(value, torch.Tensor) and value.ndim:
        raise RuntimeError(f'a tensor of {tuple(value.shape)} is on the CPU, others on the device')
    return torch.device('cpu') if isinstance(value, torch.device) else value


def compute(operator: Any, *args: Any, **options: Any) -> Any:
    """Run any operator."""
    name = operator._schema.name.removeprefix('aten::')
    given, layout = pytree.tree_flatten((args, options))
    known = {id(to_host(value)): value for value in given if is_on_device(value)}
    args, options = pytree.tree_unflatten([to_host(value) for value in given], layout)
    if name == '_local_scalar_dense':
        WAITS['number'] += 1
    result = (args[0].reshape(args[1]) if name in ('view', '_unsafe_view')
              else operator(*args, **options))
    return pytree.tree_map(lambda value: known.get(id(value), to_device(value)), result)


def copy(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    """Copy from, to or on the device."""
    if not is_on_device(target):
        WAITS['copy'] += 1
    ends = [HOST[end._cdata] if is_on_device(end) else end for end in (source, target)]
    ends[1].copy_(ends[0])
    return target


def direct(function: Any) -> Any:
    """Let an operator be computed by a function of the host."""
    def run(*args: Any, **options: Any) -> Any:
        options = {name: value for name, value in options.items()
                   if name == 'dtype' and value is not None}
        return pytree.tree_map(to_device, function(*map(to_host, args), **options))
    return run


def set_up() -> list[Library]:
    """
    Tell torch of the device.

    :return: what must be kept while it is used.
    """
    _setup_privateuseone_for_python_backend(NAME)
    rest = Library('_', 'IMPL')
    rest.fallback(compute, 'PrivateUse1')
    impl('aten::_copy_from', 'privateuseone')(copy)
    impl('aten::empty_strided', 'privateuseone')(
        lambda size, stride, dtype=None, **_: to_device(torch.empty(size, dtype=dtype)))
    for name, function in {**VIEWS, **PLAIN}.items():
        impl(f'aten::{name}', 'privateuseone')(direct(function))
    return [rest]
