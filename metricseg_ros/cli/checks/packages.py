# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Python and the packages without ROS, each by importing it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module, metadata
import platform
import sys
from types import ModuleType

from metricseg_ros.cli.checks.check import Check, FAIL, OK, WARN

SUPPORTED = (3, 10), (3, 13)
REQUIRED = {'numpy': 'numpy', 'cv2': 'opencv-python-headless', 'torch': 'torch',
            'yaml': 'pyyaml', 'PIL': 'pillow',
            'tqdm': 'tqdm', 'threadpoolctl': 'threadpoolctl'}
"""Module -> its distribution, without which nothing runs."""
USEFUL = {'onnxruntime': ('onnxruntime', 'the network runs in torch instead, slower'),
          'safetensors': ('safetensors', 'weights for training and torch cannot be loaded'),
          'rosbags': ('rosbags', 'metricseg segment cannot read bags'),
          'mcap': ('mcap', 'metricseg segment cannot read MCAP files')}
"""Module -> its distribution, and what is lost without it."""


def check_packages() -> Iterator[Check]:
    """Check Python and every package that the program imports."""
    yield check_python(sys.version_info[:2])
    for name, distribution in REQUIRED.items():
        yield check_import(name, FAIL, f'pip install {distribution}, or run scripts/setup')
    for name, (distribution, loss) in USEFUL.items():
        yield check_import(name, WARN, f'pip install {distribution}; without it {loss}')


def check_python(version: tuple[int, ...]) -> Check:
    """
    Check the interpreter.

    :param version: (major, minor).
    """
    detail = f'{platform.python_version()} at {sys.executable}'
    if version < SUPPORTED[0]:
        return Check('Python', FAIL, detail, 'use Python 3.10 to 3.13')
    if version > SUPPORTED[1]:
        return Check('Python', WARN, f'{detail}, newer than what is tested',
                     'use Python 3.10 to 3.13 if something fails')
    return Check('Python', OK, detail)


def check_import(name: str, otherwise: str, remedy: str) -> Check:
    """Import a module."""
    try:
        module = import_module(name)
    except Exception as error:  # A broken binary package may raise anything.
        return Check(name, otherwise, f'cannot be imported ({type(error).__name__}: {error})',
                     remedy)
    return Check(name, OK, _describe(name, module))


def _describe(name: str, module: ModuleType) -> str:
    version = getattr(module, '__version__', None) or metadata.version(name)
    if name == 'torch':
        cuda = module.version.cuda
        built = f'built for CUDA {cuda}' if cuda else 'built for the CPU'
        return f'{version}, {built}, {module.get_num_threads()} threads'
    if name == 'onnxruntime':
        providers = [name.removesuffix('ExecutionProvider')
                     for name in module.get_available_providers()]
        return f'{version}, providers {", ".join(providers)}'
    return version
