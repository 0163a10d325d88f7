# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Which verbs there are, and how their arguments are read.

Only the module of the verb that is asked for is imported, so that the others cost nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Union

import metricseg_ros
from metricseg_ros.arguments import Parser

Verb = Union[str, 'Mapping[str, Verb]']
Run = Callable[[argparse.Namespace], int]

VERBS: Mapping[str, tuple[Verb, str]] = {
    'segment': ('metricseg_ros.cli.segment', 'segment images, folders, videos and bags'),
    'doctor': ('metricseg_ros.cli.doctor', 'say what is installed, what runs, what is wrong'),
    'benchmark': ({
        'network': ('metricseg_ros.cli.benchmark.network', 'the network alone, by backend'),
        'pipeline': ('metricseg_ros.cli.benchmark.pipeline', 'from image to instances, by stage'),
        'node': ('metricseg_ros.cli.benchmark.node', 'the ROS 2 node against a bare one'),
    }, 'measure parts of the program on this machine'),
    'generate': ('metricseg_ros.cli.generate', 'write synthetic scenes with exact labels'),
    'label': ('metricseg_ros.cli.label', 'label images in the browser'),
    'teach': ('metricseg_ros.cli.teach', 'teach a model what has been labelled'),
    'train': ('metricseg_ros.cli.train', 'train a network'),
    'evaluate': ('metricseg_ros.cli.evaluate', 'measure a model on labelled images'),
    'export': ('metricseg_ros.cli.export', 'turn trained weights into a model folder'),
    'build-engine': ('metricseg_ros.cli.build_engine', 'build a TensorRT engine ahead of time'),
    'engines': ('metricseg_ros.cli.engines', 'list, verify and prune the TensorRT engines'),
}
"""Verb -> its module, or the verbs under it; and what it does, in one line."""


def parse(argv: Sequence[str], about: str | None) -> tuple[Run, argparse.Namespace]:
    """
    Find the verb and read its arguments.

    :param about: what `metricseg --help` says of the program.
    """
    return _parse('metricseg', about, VERBS, argv)


def _parse(program: str, about: str | None, verbs: Mapping[str, tuple[Verb, str]],
           argv: Sequence[str]) -> tuple[Run, argparse.Namespace]:
    name = _verb_parser(program, about, verbs).parse_args(argv[:1]).verb
    target, summary = verbs[name]
    if not isinstance(target, str):
        return _parse(f'{program} {name}', summary, target, argv[1:])
    return read_arguments(f'{program} {name}', import_module(target), argv[1:])


def read_arguments(program: str, module: Any,
                   argv: Sequence[str]) -> tuple[Run, argparse.Namespace]:
    """
    Read the arguments of a command.

    :param module: has `add_arguments`, `run`, and a docstring that says what it does.
    """
    parser = Parser(program, description=_text(module.__doc__),
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    module.add_arguments(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    # Intermixed, so that key=value may come anywhere; it cannot do verbs under verbs.
    simple = not any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    parse_all = parser.parse_intermixed_args if simple else parser.parse_args
    return module.run, parse_all(list(argv))


def _verb_parser(program: str, about: str | None,
                 verbs: Mapping[str, tuple[Verb, str]]) -> Parser:
    width = max(map(len, verbs))
    lines = [f'  {name:{width}}  {summary}' for name, (_, summary) in verbs.items()]
    parser = Parser(program, description=_text(about), usage=f'{program} VERB ...',
                    epilog='\n'.join(['verbs:', *lines, '', f'more: {program} VERB --help']),
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--version', action='version',
                        version=f'metricseg {metricseg_ros.__version__}')
    parser.add_argument('verb', choices=tuple(verbs), metavar='VERB', help=argparse.SUPPRESS)
    return parser


def _text(docstring: str | None) -> str:
    return (docstring or '').strip()
