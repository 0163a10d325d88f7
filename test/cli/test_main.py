# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The program as a whole: verbs, exit codes, and errors of one line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import re
import subprocess
import sys

import metricseg_ros
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE, FAILED
from metricseg_ros.cli.main import main, report
from metricseg_ros.cli.verbs import VERBS
import pytest


def modules() -> list[str]:
    """List the module of every verb and of those under it."""
    found = []
    for target, _ in VERBS.values():
        nested = [module for module, _ in target.values()] if not isinstance(target, str) else []
        found += nested or [target]
    return found


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what stands on stderr, which has to be one line."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize('module', modules())
def test_every_verb_has_its_module(module: str) -> None:
    verb = import_module(module)
    assert callable(verb.add_arguments) and callable(verb.run) and verb.__doc__


@pytest.mark.parametrize('words', [[name] for name in VERBS] + [['benchmark', 'network']])
def test_every_verb_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, '--help']) == DONE
    assert f'usage: metricseg {" ".join(words)}' in capsys.readouterr().out


def test_help_is_quick_for_no_verb_imports_torch_to_give_it() -> None:
    verbs = [[name, *below] for name, (target, _) in VERBS.items()
             for below in ([[]] if isinstance(target, str) else [[verb] for verb in target])]
    code = f"""
import sys
from metricseg_ros.cli.main import main
for words in {verbs}:
    assert main([*words, '--help']) == 0
    assert 'torch' not in sys.modules, words
"""
    asked = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr


def test_help_lists_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['--help']) == DONE
    text = capsys.readouterr().out
    assert all(f'\n  {name}' in text for name in VERBS)


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['--version']) == DONE
    assert capsys.readouterr().out == f'metricseg {metricseg_ros.__version__}\n'


@pytest.mark.parametrize(('words', 'reason'), [
    ([], 'the following arguments are required: VERB'),
    (['segmnt'], "invalid choice: 'segmnt'"),
    (['segment', 'a.jpg'], 'the following arguments are required: --output'),
    (['segment', '--output', 'o', 'a.jpg', '--sped'], 'unrecognized arguments: --sped'),
    (['benchmark', 'fast'], "invalid choice: 'fast'"),
    (['segment', '--output', 'o', '/no/where.jpg'], '/no/where.jpg: no such file or folder'),
    (['segment', '--output', 'o', 'input.width=3'], 'no INPUT given'),
    (['doctor', '--config', '/no/where.yaml'], 'No such file'),
    (['doctor', 'grouping.minimum_score=2'], r'must be in \[0, 1\], got 2')])
def test_bad_usage_is_one_line_and_code_2(words: list[str], reason: str,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == BAD_USAGE
    line = error_line(capsys)
    assert line.startswith('metricseg')
    assert re.search(reason, line), line


def test_a_failure_says_its_kind_and_is_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(RuntimeError('first\nsecond'), debug=False) == FAILED
    assert error_line(capsys) == 'metricseg: error: RuntimeError: first second'


def test_a_package_that_is_missing_is_told_with_what_installs_it(
        capsys: pytest.CaptureFixture[str]) -> None:
    error = ModuleNotFoundError("No module named 'onnxscript'")
    assert report(error, debug=False) == FAILED
    line = error_line(capsys)
    assert "No module named 'onnxscript'" in line and 'scripts/setup, without --runtime' in line


@pytest.mark.parametrize('how', ['option', 'environment'])
def test_debug_shows_the_traceback(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    words = ['segment', '--output', str(tmp_path), '/no/where.jpg']
    if how == 'option':
        words.append('--debug')
    else:
        monkeypatch.setenv('METRICSEG_DEBUG', '1')
    assert main(words) == BAD_USAGE
    assert 'Traceback' in capsys.readouterr().err
