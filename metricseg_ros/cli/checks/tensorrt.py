# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT: which one is installed, what it is good for here, and the engines it has built."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distributions
from importlib.util import find_spec
import subprocess
import sys
from typing import TYPE_CHECKING

from metricseg_ros.cli.checks.check import Check, OK, WARN

if TYPE_CHECKING:
    from metricseg_ros.backends.tensorrt.engine_cache import EngineCache

IMPORT_TIMEOUT_S = 60
INSTALL = ('a Jetson has it from JetPack, if a virtual environment may see the system; elsewhere '
           'pip install tensorrt, or tensorrt-rtx-cu13 for RTX cards')


def check_tensorrt(on_gpu: bool) -> Iterator[Check]:
    """
    Look for TensorRT and its engines.

    :return: one check for each that is installed, or one that none is; then one for the engines.
    """
    from metricseg_ros.backends.tensorrt.engine_cache import EngineCache
    from metricseg_ros.backends.tensorrt.library import FLAVOURS
    installed = [name for name in FLAVOURS if find_spec(name)]
    if not installed:
        yield missing(on_gpu)
    for name in installed:
        yield check_import(name, FLAVOURS[name], on_gpu)
    yield check_engines(EngineCache())


def missing(on_gpu: bool) -> Check:
    """Tell that there is none."""
    if on_gpu:
        return Check('TensorRT', WARN, 'not installed: the GPU is used by a slower backend, if '
                     'at all', INSTALL)
    return Check('TensorRT', OK, 'not installed, and of no use without a GPU')


def check_import(module: str, name: str, on_gpu: bool) -> Check:
    """Import TensorRT in a process of its own, which a broken installation may take down."""
    ended = subprocess.run(
        [sys.executable, '-c', f'import {module}; print({module}.__version__)'],
        capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or [f'exit code {ended.returncode}'])[-1]
        return Check(name, WARN, f'installed but cannot be imported ({reason})',
                     f'install {module} with its libraries, or remove it')
    version = ended.stdout.strip()
    if other := foreign_cuda(module):
        return Check(name, WARN, f'{version}, {other}', 'install the one of the same CUDA, such '
                     'as tensorrt-cu12: an older driver does not run one of CUDA 13')
    if on_gpu:
        return Check(name, OK, version)
    use = ('builds engines for other machines here (metricseg build-engine --help), and runs none '
           'without a GPU' if module == 'tensorrt_rtx' else 'unused without a GPU')
    return Check(name, OK, f'{version}, {use}')


def foreign_cuda(module: str) -> str:
    """
    Compare the CUDA that TensorRT's package is of with torch's.

    :return: how they differ; empty if they do not, or it is not known.
    """
    try:
        from torch.version import cuda
    except ImportError:
        return ''
    name = module.replace('_', '-')
    majors = {part.metadata['Name'][len(name) + 3:] for part in distributions()
              if part.metadata['Name'] in (f'{name}-cu{major}' for major in (11, 12, 13))}
    if not cuda or not majors or cuda.split('.')[0] in majors:
        return ''
    return f'of CUDA {" and ".join(sorted(majors))}, but torch is of CUDA {cuda}'


def check_engines(cache: EngineCache) -> Check:
    """Look at the engines that were built, without reading them."""
    from metricseg_ros.backends.tensorrt.engine_cache import totals
    entries = cache.entries()
    faults = [f'{entry.digest[:12]}: {entry.fault}' for entry in entries if entry.fault]
    detail = f'{len(entries)}, {totals(entries):.0f} MiB, in {cache.folder}'
    if faults:
        return Check('engines', WARN, f'{detail}; broken: {"; ".join(faults)}',
                     'metricseg engines prune; the node builds anew what it needs')
    return Check('engines', OK, detail)
