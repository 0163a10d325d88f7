# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters as people write them: YAML files, and `key=value`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from metricseg_ros.config.parameters import dotted_fields, parse_value, with_values


def read_parameters(path: Path) -> dict[str, Any]:
    """
    Read a YAML file of parameters.

    :raises ValueError: if it is none.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: not YAML: {error}') from None
    if not isinstance(values, dict):
        raise ValueError(f'{path}: expected a mapping of parameters, got {values!r}')
    return values


def with_overrides(config: Any, overrides: Iterable[str]) -> Any:
    """
    Set parameters by `key=value` texts, of which a value in brackets is a YAML list.

    :raises ValueError: for a text without an equals sign, an unknown name or a bad value.
    :raises TypeError: for a value of another type.
    """
    kinds = {name: type(value) for name, value, _ in dotted_fields(config)}
    values = {}
    for text in overrides:
        name, equals, value = text.partition('=')
        if not equals:
            raise ValueError(f'expected KEY=VALUE, got {text!r}')
        values[name] = (_yaml_list(name, value) if value.startswith('[')
                        else parse_value(name, value, kinds.get(name, str)))
    return with_values(config, values)


def _yaml_list(name: str, text: str) -> list[Any]:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f'{name} must be a YAML list, got {text}') from None
