# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options that verbs share: where the configuration comes from, and where JSON goes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
import json
from pathlib import Path
import re
import sys
from typing import Any, TYPE_CHECKING

from metricseg_ros.config import (
    BackendConfig,
    dotted_fields,
    from_dict,
    NodeConfig,
    read_parameters,
    SegmenterConfig,
    with_overrides,
    with_values,
)

if TYPE_CHECKING:
    from metricseg_ros.inputs import DepthTopics

OVERRIDE = re.compile(r'[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*=')
SHORT_NAMES = {'depth': 'input.depth'}
"""What may be written for a parameter's name as KEY=VALUE."""
DEVICE_POLICIES = {'cpu': 'cpu', 'gpu': 'require_gpu'}


def add_configuration(parser: argparse.ArgumentParser, overrides: bool = True) -> None:
    """
    Declare the options that :func:`configuration` reads.

    :param overrides: whether `key=value` are arguments of their own; a verb that has others
        separates them by :func:`split_overrides`.
    """
    choices = [info.choices for name, _, info in dotted_fields(BackendConfig()) if name == 'name']
    group = parser.add_argument_group(
        'configuration', 'any parameter can be set as key=value, such as '
        'grouping.minimum_score=0.3; later ones win over options, options over the file')
    group.add_argument('--model', metavar='NAME|PATH', help='shipped model, or folder of a model')
    group.add_argument('--backend', choices=choices[0], help='who runs the network')
    group.add_argument('--device', choices=tuple(DEVICE_POLICIES),
                       help='where it runs; by default a GPU if there is one')
    group.add_argument('--config', type=Path, metavar='FILE',
                       help="YAML of parameters, nested or dotted, or the node's parameter file")
    if overrides:
        group.add_argument('overrides', nargs='*', metavar='KEY=VALUE',
                           help='set any parameter of the configuration')


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare where JSON goes, which holds `what`."""
    parser.add_argument('--json', metavar='FILE|-', help=f'write {what} as JSON; - is stdout')


def add_topics(parser: argparse.ArgumentParser) -> None:
    """Declare which topics of a bag are read; :func:`depth_topics` reads it."""
    parser.add_argument('--topic', help='image topic, for a bag with several')
    parser.add_argument('--depth-topic', help="topic of the depth of a bag's images")
    parser.add_argument('--camera-info-topic', default='',
                        help='topic of their camera_info; by default the one beside the images')


def depth_topics(args: argparse.Namespace) -> DepthTopics | None:
    """
    Tell where a bag has depth.

    :return: the topics; None where none was given.
    :raises ValueError: for a camera without depth.
    """
    from metricseg_ros.inputs import DepthTopics

    if args.camera_info_topic and not args.depth_topic:
        raise ValueError('--camera-info-topic is for --depth-topic, which is not given')
    return DepthTopics(args.depth_topic, args.camera_info_topic) if args.depth_topic else None


def add_skip_missing(parser: argparse.ArgumentParser) -> None:
    """Declare what becomes of labelled images that cannot be used."""
    parser.add_argument('--skip-missing', action='store_true',
                        help='go on without labelled images of which a file is missing, or an '
                        'annotation cannot be drawn')


def split_overrides(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """
    Separate `key=value` from other words.

    :param words: positional arguments; a file that exists is never taken for `key=value`.
    :return: the other words, and those that are `key=value`.
    """
    words = list(words)
    chosen = [bool(OVERRIDE.match(word)) and not Path(word).exists() for word in words]
    return ([word for word, is_override in zip(words, chosen) if not is_override],
            [word for word, is_override in zip(words, chosen) if is_override])


def configuration(args: argparse.Namespace) -> SegmenterConfig:
    """
    Build the configuration from file, options and overrides, the latter winning.

    :param args: what :func:`add_configuration` declared, with `overrides`.
    """
    config = read_config(args.config) if args.config else SegmenterConfig()
    options = {'model': args.model, 'backend.name': args.backend,
               'backend.device_policy': DEVICE_POLICIES.get(args.device)}
    config = with_values(config, {name: value for name, value in options.items()
                                  if value is not None})
    return with_overrides(config, map(_full_name, args.overrides))


def read_config(path: Path) -> SegmenterConfig:
    """
    Read a YAML file of parameters.

    :param path: nested or dotted parameters, or a ROS 2 parameter file with one node.
    :return: the configuration; a :class:`NodeConfig` from a ROS 2 parameter file.
    :raises ValueError: if it is no such file, names an unknown parameter or a bad value.
    """
    values = read_parameters(path)
    nodes = [node for node in values.values() if isinstance(node, Mapping)
             and 'ros__parameters' in node]
    if len(nodes) > 1:
        raise ValueError(f'{path}: expected the parameters of one node, got {", ".join(values)}')
    try:
        if nodes:
            own = {name: value for name, value in nodes[0]['ros__parameters'].items()
                   if name != 'use_sim_time'}
            return from_dict(NodeConfig, own)
        return from_dict(SegmenterConfig, values)
    except (ValueError, TypeError) as error:
        raise type(error)(f'{path}: {error}') from None


def write_report(value: Any, target: str | None) -> None:
    """Write a verb's JSON to a path or, for `-`, to stdout; None writes none."""
    if target == '-':
        print(json.dumps(value, indent=1))
    elif target is not None:
        from metricseg_ros.results import write_json
        write_json(Path(target), value)


def table_stream(target: str | None) -> Any:
    """Give where text for people goes: stderr where stdout carries JSON, else stdout."""
    return sys.stderr if target == '-' else sys.stdout


def _full_name(override: str) -> str:
    name, equals, text = override.partition('=')
    return SHORT_NAMES.get(name, name) + equals + text
