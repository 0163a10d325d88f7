# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a parameter is: default, range and description, declared once as the field of a dataclass.

The same dotted names (`grouping.minimum_score`) are used in YAML, on the command line, in Python
and as ROS parameters; the node declares them, and the documentation lists them, from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
import difflib
import math
from typing import Any


@dataclass(frozen=True)
class ParameterInfo:
    """
    What is said of one parameter.

    :param description: one sentence for people, with the unit.
    :param minimum: smallest value allowed, or None.
    :param maximum: largest value allowed, or None.
    :param choices: the values allowed, or empty for all.
    :param live: whether a running node takes a new value at once; else it is read at configure.
    :param item: type of the items, where the parameter is a tuple.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    item: type = float

    @property
    def range(self) -> str:
        """Return the range of values allowed, for people."""
        low = '-inf' if self.minimum is None else f'{self.minimum:.9g}'
        high = 'inf' if self.maximum is None else f'{self.maximum:.9g}'
        return f'[{low}, {high}]'


NO_LIMITS = ParameterInfo('')
"""What is said of the items of a tuple: nothing."""


def parameter(default: Any, description: str, **info: Any) -> Any:
    """Declare a configuration field with what :class:`ParameterInfo` says of it."""
    return field(default=default, metadata={'info': ParameterInfo(description, **info)})


def dotted_fields(config: Any, prefix: str = '') -> Iterator[tuple[str, Any, ParameterInfo]]:
    """
    Walk a configuration's parameters.

    :return: dotted name, value and description of every parameter, in order of declaration.
    """
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            yield from dotted_fields(value, f'{prefix}{item.name}.')
        else:
            yield prefix + item.name, value, item.metadata['info']


def with_values(config: Any, values: Mapping[str, Any]) -> Any:
    """
    Return a configuration with some parameters changed.

    :raises ValueError: for an unknown name, or a value out of its range or choices.
    :raises TypeError: for a value of another type.
    """
    known = {name: (value, info) for name, value, info in dotted_fields(config)}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f'unknown parameter {name!r}{_suggestion(name, known)}')
        checked = check_value(name, value, type(known[name][0]), known[name][1])
        config = _replaced(config, name.split('.'), checked)
    return config


def from_dict(config_class: type, values: Mapping[str, Any]) -> Any:
    """
    Build a configuration from nested or dotted values, refusing unknown keys.

    :param values: nested mapping, as read from YAML; dotted keys are accepted too.
    :raises ValueError: for an unknown name, or a value out of its range or choices.
    :raises TypeError: for a value of another type.
    """
    return with_values(config_class(), flattened(values))


def flattened(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Turn nested or dotted values, as read from YAML, into dotted ones."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= (flattened(value, f'{prefix}{key}.') if isinstance(value, Mapping)
                 else {f'{prefix}{key}': value})
    return flat


def check_value(name: str, value: Any, kind: type, info: ParameterInfo) -> Any:
    """
    Check one value against its parameter's type, range and choices.

    :param kind: the parameter's type: bool, int, float, str or tuple.
    :return: the value; an int is taken as a float where a float is meant.
    :raises TypeError: if the value is of another type.
    :raises ValueError: if it is out of range or not among the choices.
    """
    if kind is object:  # Whoever reads it checks it.
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind is tuple and isinstance(value, (list, tuple)):
        return tuple(check_value(f'each of {name}', item, info.item, NO_LIMITS) for item in value)
    if type(value) is not kind:
        what = 'a list' if kind is tuple else f'of type {kind.__name__}'
        raise TypeError(f'{name} must be {what}, got {value!r}')
    if info.choices and value not in info.choices:
        raise ValueError(f'{name} must be one of {", ".join(info.choices)}, got {value!r}')
    below = info.minimum is not None and not value >= info.minimum
    above = info.maximum is not None and not value <= info.maximum
    if below or above or (kind is float and not math.isfinite(value)):
        raise ValueError(f'{name} must be in {info.range}, got {value!r}')
    return value


def parse_value(name: str, text: str, kind: type) -> Any:
    """
    Read a parameter's value from `key=value` text.

    :param text: what stands after the equals sign.
    :param kind: the parameter's type: bool, int, float, str or tuple (numbers or texts, and
        commas).
    :raises ValueError: if the text is no value of that type.
    """
    if kind is bool:
        if text.lower() not in ('true', 'false'):
            raise ValueError(f'{name} must be true or false, got {text!r}')
        return text.lower() == 'true'
    try:
        if kind is tuple:
            return tuple(map(_number_or_text, text.split(',')))
        return kind(text)
    except ValueError:
        raise ValueError(f'{name} must be of type {kind.__name__}, got {text!r}') from None


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _suggestion(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f': did you mean {close[0]!r}?' if close else f'; known are {", ".join(known)}'


def _replaced(config: Any, path: list[str], value: Any) -> Any:
    if len(path) > 1:
        value = _replaced(getattr(config, path[0]), path[1:], value)
    return replace(config, **{path[0]: value})
