# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Models on disk: how they are found, and what is said of those that are not as they should be."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import re
from typing import Any

from metricseg_ros import models
from metricseg_ros.models import find_model, FORMAT_VERSION, load_description, ModelError
from model_fixtures import edit_description, INPUT_SIZE, SMALL_NETWORK
import pytest

FILES = ['model.onnx', 'weights.safetensors']
COPY_AGAIN = 'copy the whole model folder again'


def refusal(action: Callable[..., Any], *words: object) -> str:
    """Return what a model is refused with."""
    with pytest.raises(ModelError) as caught:
        action(*words)
    return str(caught.value)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the only shipped models be those of an installed package in an empty prefix."""
    share = tmp_path / 'prefix' / 'share' / 'metricseg_ros' / 'models'
    share.mkdir(parents=True)
    monkeypatch.setattr(models, '__file__', str(tmp_path / 'elsewhere' / 'package' / 'models.py'))
    monkeypatch.setattr(models.sys, 'prefix', str(tmp_path / 'python'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/no/where:{tmp_path / "prefix"}')
    return share


def test_a_name_finds_the_model_of_an_installed_package(own_model: Path, root: Path) -> None:
    own_model.rename(root / 'shipped')
    assert find_model('shipped') == root / 'shipped'
    assert load_description('shipped').name == 'small'


def test_an_unknown_name_is_told_with_those_there_are(own_model: Path, root: Path) -> None:
    own_model.rename(root / 'shipped')
    text = refusal(find_model, 'shiped')
    assert "'shiped'" in text and 'shipped' in text and 'path of a model folder' in text


def test_without_shipped_models_that_is_said(root: Path) -> None:
    assert 'there are none' in refusal(find_model, 'household-lite')


@pytest.mark.parametrize('inside', ['', 'model.json', 'model.onnx'])
def test_a_path_finds_the_folder_it_lies_in(small_model: Path, inside: str) -> None:
    assert find_model(small_model / inside) == small_model
    assert find_model(str(small_model / inside)) == small_model


def test_a_relative_path_finds_a_model_too(small_model: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_model.parent)
    assert find_model('small').samefile(small_model)
    assert find_model('./small').samefile(small_model)


def test_home_is_understood(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(small_model.parent))
    assert find_model('~/small') == small_model


@pytest.mark.parametrize('inside', ['', 'model.onnx'])
def test_a_path_without_a_model_is_told(tmp_path: Path, inside: str) -> None:
    path = tmp_path / 'empty' / inside
    text = refusal(find_model, path)
    assert str(path) in text and 'metricseg export' in text


def test_the_description_is_what_was_exported(small_model: Path) -> None:
    description = load_description(small_model)
    assert description.folder == small_model
    assert (description.name, description.classes) == ('small', ('object',))
    assert (description.input_size, description.size_multiple) == (INPUT_SIZE, 32)
    assert description.network == SMALL_NETWORK
    assert description.similarity_thresholds == SMALL_NETWORK.similarity_thresholds
    assert description.card == {'training': {'steps': 0}}
    assert [description.checked_file(name) for name in FILES] == [
        small_model / name for name in FILES]


@pytest.mark.parametrize(('text', 'reason'), [
    ('{"format_version": 1', COPY_AGAIN), ('', COPY_AGAIN), ('[1, 2]', COPY_AGAIN),
    ('\ufeff\x00', COPY_AGAIN),
    ('{"architectures": ["Other"]}', "lacks 'format_version': it is no model of this package"),
    (json.dumps({'format_version': FORMAT_VERSION + 1}), 'belong together'),
    (json.dumps({'format_version': '1'}), 'belong together'),
    (json.dumps({'format_version': FORMAT_VERSION}), 'no model of this package')])
def test_a_model_json_of_something_else_is_refused(own_model: Path, text: str,
                                                   reason: str) -> None:
    path = own_model / 'model.json'
    path.write_text(text)
    told = refusal(load_description, own_model)
    assert str(path) in told and reason in told


@pytest.mark.parametrize('key', ['name', 'classes', 'input', 'network', 'files'])
def test_a_key_that_is_missing_is_named(own_model: Path, key: str) -> None:
    edit_description(own_model, lambda content: content.pop(key))
    told = refusal(load_description, own_model)
    assert f'{own_model / "model.json"} lacks {key!r}' in told


@pytest.mark.parametrize(('edit', 'reason'), [
    (lambda content: content.update(classes=['cup', 'book']), 'the 1 classes of the network'),
    (lambda content: content.update(classes=[]), 'the 1 classes of the network'),
    (lambda content: content['network'].update(backbone='vgg'), "got 'vgg'"),
    (lambda content: content['network'].update(dept=3), "unknown parameter 'dept'"),
    (lambda content: content.update(input=5), COPY_AGAIN)])
def test_a_description_that_contradicts_itself_is_refused(
        own_model: Path, edit: Callable[[dict[str, Any]], Any], reason: str) -> None:
    edit_description(own_model, edit)
    told = refusal(load_description, own_model)
    assert str(own_model / 'model.json') in told and reason in told


@pytest.mark.parametrize('name', FILES)
def test_one_flipped_bit_is_noticed(own_model: Path, name: str) -> None:
    content = bytearray((own_model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own_model / name).write_bytes(content)
    told = refusal(load_description(own_model).checked_file, name)
    assert str(own_model / name) in told and re.search(f'checksum.*{COPY_AGAIN}', told)


@pytest.mark.parametrize('name', FILES)
def test_a_truncated_file_is_noticed(own_model: Path, name: str) -> None:
    (own_model / name).write_bytes((own_model / name).read_bytes()[:-1])
    told = refusal(load_description(own_model).checked_file, name)
    assert str(own_model / name) in told and COPY_AGAIN in told


@pytest.mark.parametrize('name', FILES)
def test_a_file_that_is_missing_is_noticed(own_model: Path, name: str) -> None:
    (own_model / name).unlink()
    told = refusal(load_description(own_model).checked_file, name)
    assert f'{own_model / name} is missing' in told and COPY_AGAIN in told


def test_a_file_that_model_json_does_not_list_is_refused(own_model: Path) -> None:
    edit_description(own_model, lambda content: content['files'].pop('model.onnx'))
    told = refusal(load_description(own_model).checked_file, 'model.onnx')
    assert 'lists no model.onnx' in told and 'export the model again' in told
