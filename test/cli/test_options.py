# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The configuration from file, options and key=value, and who wins."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from metricseg_ros.cli.options import (
    add_configuration,
    configuration,
    read_config,
    split_overrides,
    write_report,
)
from metricseg_ros.config import NodeConfig, SegmenterConfig
import pytest


def parse(*words: str) -> SegmenterConfig:
    parser = argparse.ArgumentParser()
    add_configuration(parser)
    return configuration(parser.parse_intermixed_args(words))


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_without_options_the_defaults_hold() -> None:
    assert parse() == SegmenterConfig()


def test_overrides_win_over_options_and_options_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / 'c.yaml', 'model: from-file\nbackend: {name: torch, threads: 3}\n')
    config = parse('--config', path, '--model', 'option', 'backend.name=auto')
    assert (config.model, config.backend.name, config.backend.threads) == ('option', 'auto', 3)


def test_overrides_may_stand_anywhere() -> None:
    config = parse('grouping.minimum_score=0.25', '--backend', 'torch', 'input.height=480')
    assert config.grouping.minimum_score == 0.25
    assert config.input.height == 480
    assert config.backend.name == 'torch'


@pytest.mark.parametrize(('device', 'policy'), [('cpu', 'cpu'), ('gpu', 'require_gpu')])
def test_a_device_that_is_asked_for_is_required(device: str, policy: str) -> None:
    assert parse('--device', device).backend.device_policy == policy


@pytest.mark.parametrize('text', [
    'grouping: {minimum_score: 0.3}', 'grouping.minimum_score: 0.3',
    '/**:\n  ros__parameters:\n    use_sim_time: true\n    grouping: {minimum_score: 0.3}\n'
    '    autostart: false'])
def test_a_file_may_be_nested_dotted_or_of_the_node(tmp_path: Path, text: str) -> None:
    config = read_config(Path(write(tmp_path / 'c.yaml', text)))
    assert config.grouping.minimum_score == 0.3
    assert not isinstance(config, NodeConfig) or config.autostart is False


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert read_config(Path(write(tmp_path / 'c.yaml', '# nothing\n'))) == SegmenterConfig()


@pytest.mark.parametrize(('text', 'reason'), [
    ('grouping: {minimum_scor: 1.0}', "unknown parameter 'grouping.minimum_scor'.*did you mean"),
    ('grouping: {minimum_score: 7}', r'grouping.minimum_score must be in \[0, 1\], got 7'),
    ('[1, 2]', 'expected a mapping of parameters'), ('a: [', 'not YAML'),
    ('a: {ros__parameters: {}}\nb: {ros__parameters: {}}', 'the parameters of one node')])
def test_a_bad_file_is_named_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path / 'c.yaml', text)
    with pytest.raises(ValueError, match=f'{path}: .*{reason}'):
        read_config(Path(path))


@pytest.mark.parametrize(('override', 'reason'), [
    ('grouping.minimum_scor=1', "did you mean 'grouping.minimum_score'"),
    ('grouping.minimum_score=high', "must be of type float, got 'high'"),
    ('grouping.connected=maybe', "must be true or false, got 'maybe'"),
    ('grouping', "expected KEY=VALUE, got 'grouping'")])
def test_a_bad_override_is_named_with_the_reason(override: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(override)


def test_a_file_that_exists_is_no_override(tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('a=b.jpg').touch()
    words = ['a=b.jpg', 'a=c.jpg', 'photo.jpg', 'input.width=3', '/x/a=b']
    assert split_overrides(words) == (['a=b.jpg', 'photo.jpg', '/x/a=b'],
                                      ['a=c.jpg', 'input.width=3'])


def test_a_report_goes_where_it_is_asked_to(tmp_path: Path,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    write_report({'a': 1}, None)
    write_report({'a': 2}, '-')
    write_report({'a': 3}, str(tmp_path / 'r.json'))
    assert json.loads(capsys.readouterr().out) == {'a': 2}
    assert json.loads((tmp_path / 'r.json').read_text()) == {'a': 3}
