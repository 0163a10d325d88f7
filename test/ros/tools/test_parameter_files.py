# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The files written from the configuration agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metricseg_ros.config import dotted_fields, from_dict, NodeConfig
from metricseg_ros.ros.tools.parameter_files import parameter_document, parameter_yaml
import yaml

ROOT = Path(__file__).resolve().parents[3]
ADVICE = 'run python -m metricseg_ros.ros.tools.parameter_files'


def test_the_parameter_file_is_up_to_date() -> None:
    assert (ROOT / 'config' / 'segmenter.yaml').read_text() == parameter_yaml(), ADVICE


def test_the_documentation_is_up_to_date() -> None:
    assert (ROOT / 'docs' / 'parameters.md').read_text() == parameter_document(), ADVICE


def test_the_parameter_file_holds_every_default() -> None:
    values = yaml.safe_load(parameter_yaml())['/**']['ros__parameters']
    assert from_dict(NodeConfig, values) == NodeConfig()
    assert set(_leaves(values)) == {name for name, _, _ in dotted_fields(NodeConfig())}


def _leaves(values: dict[str, Any], prefix: str = '') -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f'{prefix}{key}.')
        else:
            yield prefix + key
