# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training parameters from YAML, from `key=value`, and from the model a training starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metricseg_ros.config import (
    dotted_fields,
    flattened,
    from_dict,
    parse_value,
    TrainingConfig,
    with_values,
)
from metricseg_ros.models import DESCRIPTION_FILE, load_description, shipped_models


def training_config(path: Path, overrides: list[str]) -> TrainingConfig:
    """
    Read training parameters.

    :param path: YAML, nested or dotted.
    :param overrides: `key=value` texts, which win.
    :raises ValueError: for an unknown parameter or a bad value, naming it.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: not YAML: {error}') from None
    if not isinstance(values, dict):
        raise ValueError(f'{path}: expected a mapping of parameters, got {values!r}')
    return training_of(values, overrides)


def training_of(values: Mapping[str, Any], overrides: Sequence[str] = ()) -> TrainingConfig:
    """
    Build training parameters.

    :param values: nested or dotted.
    :param overrides: `key=value` texts, which win.
    :return: the configuration; its network is that of the model it starts from, but for what is
        said otherwise.
    :raises ValueError: for an unknown parameter or a bad value, naming it.
    """
    config = from_dict(TrainingConfig, values)
    config = with_values(config, parsed(config, overrides))
    if config.pretrained not in ('none', 'imagenet') and (
            config.pretrained in shipped_models()
            or (Path(config.pretrained) / DESCRIPTION_FILE).is_file()):  # No file of weights.
        network = asdict(load_description(config.pretrained).network)
        config = from_dict(TrainingConfig, {'network': network})
        config = with_values(with_values(config, flattened(values)), parsed(config, overrides))
    return config


def parsed(config: TrainingConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """
    Read `key=value` texts, of which a value in brackets is a YAML list.

    :param config: tells each parameter's type.
    :return: dotted name -> value; an unknown name is refused when the values are set.
    :raises ValueError: for a text without an equals sign, or a bad value.
    """
    kinds = {name: type(value) for name, value, _ in dotted_fields(config)}
    values = {}
    for text in overrides:
        name, equals, value = text.partition('=')
        if not equals:
            raise ValueError(f'expected KEY=VALUE, got {text!r}')
        values[name] = (yaml_list(name, value) if value.startswith('[')
                        else parse_value(name, value, kinds.get(name, str)))
    return values


def yaml_list(name: str, text: str) -> list[Any]:
    """
    Read a list whose items are more than numbers or texts.

    :param name: of the parameter, for the message.
    :param text: YAML, in brackets.
    :raises ValueError: if it is none.
    """
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f'{name} must be a YAML list, got {text}') from None
