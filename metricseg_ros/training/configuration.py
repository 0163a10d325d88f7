# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training parameters from YAML, from `key=value`, and from the model a training starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metricseg_ros.config import (
    flattened,
    from_dict,
    read_parameters,
    TrainingConfig,
    with_overrides,
    with_values,
)
from metricseg_ros.models import DESCRIPTION_FILE, load_description, shipped_models


def training_config(path: Path, overrides: list[str]) -> TrainingConfig:
    """
    Read training parameters.

    :param path: YAML, nested or dotted.
    :raises ValueError: for an unknown parameter or a bad value, naming it.
    """
    return training_of(read_parameters(path), overrides)


def training_of(values: Mapping[str, Any], overrides: Sequence[str] = ()) -> TrainingConfig:
    """
    Build training parameters.

    :param overrides: `key=value` texts, which win.
    :return: the configuration; its network is that of the model it starts from, but for what is
        said otherwise.
    :raises ValueError: for an unknown parameter or a bad value, naming it.
    """
    config = with_overrides(from_dict(TrainingConfig, values), overrides)
    if config.pretrained not in ('none', 'imagenet') and (
            config.pretrained in shipped_models()
            or (Path(config.pretrained) / DESCRIPTION_FILE).is_file()):  # No file of weights.
        network = asdict(load_description(config.pretrained).network)
        config = from_dict(TrainingConfig, {'network': network})
        config = with_overrides(with_values(config, flattened(values)), overrides)
    return config
