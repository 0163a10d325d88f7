# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the page may ask for, by name: each action takes labels and gives the next ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
import math
from typing import Any

from metricseg_ros.config import BACKGROUND, GroupingConfig, IGNORE_LABEL
from metricseg_ros.labelling.labels import (
    LabelError,
    Labels,
    merged,
    painted,
    renamed,
    split,
    stroke,
    with_object,
)
from metricseg_ros.labelling.pointing import added, cut, extended, part_at, Pixel
from metricseg_ros.structures import EmbeddedImage
import numpy as np

MOST_POINTS = 20000
"""In one stroke of the brush."""

Asked = Mapping[str, Any]
Outcome = tuple[Labels, int | None]
"""The labels, and the object that is chosen from now on, if any."""


@dataclass(frozen=True)
class ActionContext:
    """What actions look at beside the labels."""

    embedded: EmbeddedImage
    grouping: GroupingConfig
    classes: tuple[str, ...]
    suggest: Callable[[], Labels]


def act(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    """
    Do what is asked.

    :param asked: `action`, and what it needs.
    :raises LabelError: if it is not known, lacks something, or cannot be done.
    """
    name = asked.get('action')
    if not isinstance(name, str) or name not in ACTIONS:
        raise LabelError(f'action must be one of {", ".join(ACTIONS)}, got {name!r}')
    return ACTIONS[name](labels, asked, context)


def _add(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    return added(labels, context.embedded, context.grouping, _pixel(asked),
                 _class(asked, context))


def _extend(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    chosen = _id(asked)
    return extended(labels, context.embedded, context.grouping, chosen, _pixel(asked)), chosen


def _cut(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    chosen = _id(asked)
    return cut(labels, context.embedded, context.grouping, chosen, _pixel(asked)), chosen


def _split(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    """Split off what is under a click; without one, the pieces that do not touch."""
    chosen = _id(asked)
    part = (part_at(labels, context.embedded, context.grouping, chosen, _pixel(asked))
            if 'row' in asked else None)
    return split(labels, chosen, part), chosen


def _merge(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    ids = asked.get('ids')
    if not isinstance(ids, list) or not ids:
        raise LabelError(f'ids must be a list of objects, got {ids!r}')
    ids = [_id({'id': item}) for item in ids]
    return merged(labels, ids), ids[0]


def _delete(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    return painted(labels, labels.mask(_id(asked)), BACKGROUND), None


def _ignore(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    return painted(labels, labels.mask(_id(asked)), IGNORE_LABEL), None


def _rename(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    chosen = _id(asked)
    labels.mask(chosen)
    return renamed(labels, chosen, _class(asked, context)), chosen


def _paint(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    """Paint an object, a new one where none is named, or what is ignored."""
    drawn = _stroke(labels, asked)
    if asked.get('ignore') is True:
        return painted(labels, drawn, IGNORE_LABEL), None
    if asked.get('id') is None:
        return with_object(labels, drawn, _class(asked, context))
    chosen = _id(asked)
    labels.mask(chosen)
    return painted(labels, drawn, chosen), chosen


def _erase(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    """Erase from one object, or from all where none is named."""
    drawn, chosen = _stroke(labels, asked), asked.get('id')
    if chosen is not None:
        drawn = drawn & labels.mask(_id(asked))
    return painted(labels, drawn, BACKGROUND), chosen


def _empty(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    return replace(labels, label_map=np.zeros_like(labels.label_map)), None


def _suggest(labels: Labels, asked: Asked, context: ActionContext) -> Outcome:
    return context.suggest(), None


ACTIONS: Mapping[str, Callable[[Labels, Asked, ActionContext], Outcome]] = {
    'add': _add, 'extend': _extend, 'cut': _cut, 'split': _split, 'merge': _merge,
    'delete': _delete, 'ignore': _ignore, 'rename': _rename, 'paint': _paint, 'erase': _erase,
    'empty': _empty, 'suggest': _suggest}


def _id(asked: Asked) -> int:
    value = asked.get('id')
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < IGNORE_LABEL:
        raise LabelError(f'id must be that of an object, got {value!r}: choose one first')
    return value


def _class(asked: Asked, context: ActionContext) -> str:
    name = asked.get('class', context.classes[0])
    if name not in context.classes:
        raise LabelError(f'class must be one of {", ".join(context.classes)}, got {name!r}')
    return name


def _pixel(asked: Asked) -> Pixel:
    return _number(asked, 'row'), _number(asked, 'column')


def _number(asked: Asked, name: str) -> float:
    value = asked.get(name)
    try:
        if not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except (TypeError, OverflowError):  # JSON has whole numbers that are larger than any float.
        pass
    raise LabelError(f'{name} must be a number, got {value!r}')


def _stroke(labels: Labels, asked: Asked) -> np.ndarray:
    points = asked.get('points')
    if not isinstance(points, list) or not 0 < len(points) <= MOST_POINTS:
        raise LabelError(f'points must be 1 to {MOST_POINTS} pairs of row and column')
    try:
        way = np.array(points, float)
    except (TypeError, ValueError, OverflowError):
        way = np.zeros(0)
    if way.ndim != 2 or way.shape[1] != 2 or not np.isfinite(way).all():
        raise LabelError('points must be pairs of two numbers, row and column')
    return stroke(labels.label_map.shape, way, _number(asked, 'radius'))
