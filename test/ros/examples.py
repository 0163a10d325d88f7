# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Load an example as a module, since it is a program and no part of the package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
import sys
from types import ModuleType

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'


def load(name: str) -> ModuleType:
    """
    Import an example.

    :param name: of its file, without suffix.
    :return: the module.
    """
    spec = importlib.util.spec_from_file_location(f'example_{name}', EXAMPLES / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look their module up.
    spec.loader.exec_module(module)
    return module
