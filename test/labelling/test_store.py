# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder is a data set at any moment, whenever its writer is killed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.labelling import store as store_module
from metricseg_ros.labelling.labels import LabelError, Labels
from metricseg_ros.labelling.store import LabelStore
import numpy as np
import pytest

SIZE = (6, 8)


def png() -> bytes:
    return cv2.imencode('.png', np.zeros((*SIZE, 3), np.uint8))[1].tobytes()


def labels(*ids: int, names: tuple[str, ...] = ()) -> Labels:
    label_map = np.zeros(SIZE, np.uint16)
    for column, label in enumerate(ids):
        label_map[:, column] = label
    return Labels(label_map, names)


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    """Make a folder of three images that wait."""
    made = LabelStore(tmp_path / 'labels')
    made.set_classes(('cup', 'book'))
    for name in 'abc':
        made.add(name, png(), '.png', {'source': f'/photos/{name}.png'})
    return made


def reopened(store: LabelStore) -> LabelStore:
    return LabelStore(store.root)


def test_what_was_begun_and_done_is_there_when_one_goes_on(store: LabelStore) -> None:
    store.write('a', labels(1, IGNORE_LABEL, names=('book',)))
    store.write('b', labels(2, 1, names=('cup', 'book')))
    store.finish('b', labels(2, 1, names=('cup', 'book')))
    again = reopened(store)
    assert {name: entry.done for name, entry in again.entries.items()} == {
        'a': False, 'b': True, 'c': False}
    assert again.read('a').names == ('book',)
    assert (again.read('b').label_map == labels(2, 1).label_map).all()
    assert again.read('c') is None
    assert again.classes == ('cup', 'book')
    assert again.entries['c'].about.get('source') is None or again.entries['c'].about


def test_only_what_is_done_is_in_the_data_set(store: LabelStore) -> None:
    store.write('a', labels(1, names=('book',)))
    store.write('b', labels(1, names=('book',)))
    store.finish('b', labels(1, names=('book',)))
    dataset = open_dataset(f'folder:{store.root}')
    assert [dataset[index].name for index in range(len(dataset))] == ['b']
    assert dataset.classes == ('cup', 'book')
    assert dataset[0].class_ids.tolist() == [0, 2]
    store.take_back('b', labels(1, names=('book',)))
    assert reopened(store).entries['b'].done is False
    assert reopened(store).read('b').names == ('book',)


def test_sources_are_remembered(store: LabelStore) -> None:
    store.write('a', labels(1, names=('cup',)))
    assert reopened(store).entries['a'].about['source'] == '/photos/a.png'


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize('survived', range(8))
def test_killed_between_any_two_files_it_is_a_data_set_and_loses_the_last_change_at_most(
        store: LabelStore, monkeypatch: pytest.MonkeyPatch, survived: int) -> None:
    first = labels(1, names=('book',))
    later = labels(1, 2, 3, names=('cup', 'book', 'cup'))
    store.write('a', first)
    store.finish('a', first)
    store.write('b', first)
    written = 0
    really = store_module.write_atomically

    def write(path: Path, content: bytes) -> None:
        nonlocal written
        if written == survived:
            raise KilledError
        written += 1
        really(path, content)
    monkeypatch.setattr(store_module, 'write_atomically', write)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, 'rename', _counted(Path.rename, lambda: written, survived))
        try:
            store.write('a', later)
            store.write('b', later)
            store.finish('b', later)
        except KilledError:
            pass
    monkeypatch.undo()
    dataset = open_dataset(f'folder:{store.root}')
    samples = [dataset[index] for index in range(len(dataset))]
    assert [sample.name for sample in samples][0] == 'a'
    again = reopened(store)
    for name in ('a', 'b'):
        kept = again.read(name).label_map
        assert any((kept == one.label_map).all() for one in (first, later))
    assert set(again.entries) == {'a', 'b', 'c'}


def _counted(rename, count, limit: int):
    def renaming(self: Path, target: Path) -> Path:
        if count() >= limit and target.parent.name == 'images':
            raise KilledError
        return rename(self, target)
    return renaming


def test_images_that_somebody_put_beside_the_labelled_ones_wait(tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images' / 'new.jpg').write_bytes(png())
    store = LabelStore(tmp_path)
    assert store.entries['new'].done is False
    assert store.image_path('new').is_file()


def test_a_labelled_folder_of_another_program_is_gone_on_with(tmp_path: Path) -> None:
    for part in ('images', 'labels'):
        (tmp_path / part).mkdir()
    for name in 'ab':
        (tmp_path / 'images' / f'{name}.png').write_bytes(png())
        cv2.imwrite(str(tmp_path / 'labels' / f'{name}.png'), labels(1, 2).label_map)
    store = LabelStore(tmp_path)
    assert store.classes == ('object',)
    store.write('a', labels(1, names=('object',)))
    dataset = open_dataset(f'folder:{tmp_path}')
    assert [dataset[index].instance_count for index in (0, 1)] == [1, 2]


@pytest.mark.parametrize('name', ['', ' cup', 'a,b', 'x' * 101, 'a\nb', 7])
def test_a_class_that_is_no_name_is_refused(store: LabelStore, name) -> None:
    with pytest.raises(LabelError, match='a class must be a name'):
        store.set_classes(('cup', name))
    assert store.classes == ('cup', 'book')


def test_a_class_that_objects_have_cannot_be_left_out(store: LabelStore) -> None:
    store.write('a', labels(1, names=('book',)))
    with pytest.raises(LabelError, match="objects are of class 'book'"):
        store.set_classes(('cup',))


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'index.json').write_text('{"pages": 3}')
    with pytest.raises(ValueError, match='is not of this program'):
        LabelStore(tmp_path)


@pytest.mark.parametrize('entry', [
    3, {'key': 'a'}, {'key': 7, 'names': []}, {'key': 'a', 'names': 'b'},
    {'key': 'a', 'names': [7]}, {'key': 'a', 'names': [['cup']]}])
def test_an_index_of_something_else_is_refused(store: LabelStore, entry) -> None:
    (store.waiting / 'index.json').write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match=r'waiting/index.json is not of this program'):
        reopened(store)


def test_an_image_beside_the_labelled_ones_takes_the_place_of_none(store: LabelStore) -> None:
    (store.root / 'images' / 'a.png').write_bytes(b'another')
    with pytest.raises(ValueError, match=r'images/a.png has no labels.* rename one of them'):
        reopened(store)
    assert store.image_path('a').read_bytes() == png()
