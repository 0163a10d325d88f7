# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Numbers on a command line are within their bounds, or told in one line with the option."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import benchmarks
from metricseg_ros.arguments import image_size, Parser, real_number, whole_number
from metricseg_ros.cli.main import main
from metricseg_ros.cli.verbs import VERBS
import pytest


@pytest.mark.parametrize(('read', 'text', 'value'), [
    (whole_number(), '0', 0), (whole_number(1), '007', 7), (whole_number(0, 9), '9', 9),
    (real_number(), '0', 0.0), (real_number(above=True), '1e-3', 0.001),
    (real_number(0, 240), '240', 240.0)])
def test_a_number_at_its_bound_is_taken(read: Callable[[str], float], text: str,
                                        value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(('read', 'text', 'bounds'), [
    (whole_number(), '-1', 'a whole number of at least 0'),
    (whole_number(1), '0', 'a whole number of at least 1'),
    (whole_number(1), '2.5', 'a whole number of at least 1'),
    (whole_number(1), 'ten', 'a whole number of at least 1'),
    (whole_number(1), '1_0', 'a whole number of at least 1'),
    (whole_number(1), '9' * 5000, 'a whole number of at least 1'),
    (whole_number(0, 65535), '65536', 'a whole number from 0 to 65535'),
    (real_number(), '-0.1', 'a number of at least 0'),
    (real_number(), 'nan', 'a number of at least 0'),
    (real_number(), 'inf', 'a number of at least 0'),
    (real_number(above=True), '0', 'a number above 0'),
    (real_number(0, 240, above=True), '241', 'a number above 0 and at most 240')])
def test_another_is_refused_with_its_bounds(read: Callable[[str], float], text: str, bounds: str,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog='program')
    parser.add_argument('--count', type=read)
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args([f'--count={text}'])
    assert capsys.readouterr().err == (
        f"program: error: argument --count: must be {bounds}, got '{text}'; "
        'see program --help\n')


def test_a_size_is_height_x_width() -> None:
    assert image_size('240x320') == (240, 320)
    with pytest.raises(argparse.ArgumentTypeError, match="got '240'"):
        image_size('240')


def commands(verbs: Mapping[str, Any] = VERBS) -> Iterator[str]:
    """Yield the modules of all verbs."""
    for target, _ in verbs.values():
        yield from [target] if isinstance(target, str) else commands(target)


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield all options, those of subcommands included."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                yield from options(own)


@pytest.mark.parametrize('module', [
    *commands(), *(f'benchmarks.{path.stem}' for path in Path(benchmarks.__file__).parent.glob(
        '[!_]*.py') if path.stem not in ('command', 'transport'))])
def test_no_command_takes_numbers_without_bounds(module: str) -> None:
    parser = Parser()
    import_module(module).add_arguments(parser)
    assert [action.dest for action in options(parser) if action.type in (int, float)] == []


def test_a_verb_refuses_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['generate', 'composed', str(tmp_path), '--count', '-3']) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('metricseg generate: error: argument --count: must be a whole number '
                           "of at least 1, got '-3'")
