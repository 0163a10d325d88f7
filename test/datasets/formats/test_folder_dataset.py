# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A plain folder gives the classes that its index names."""

from __future__ import annotations

import json
from pathlib import Path
import re

import cv2
from metricseg_ros.datasets.label_folder import write_pair
from metricseg_ros.datasets.open_dataset import FORMATS, open_dataset
import numpy as np
import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write two images: a with instances 1 and 2, b with instance 1."""
    for part in ('images', 'labels'):
        (tmp_path / part).mkdir()
    for name, labels in (('a', [[0, 1, 2, 2]]), ('b', [[1, 1, 0, 65535]])):
        write_pair(tmp_path, name, np.zeros((1, 4, 3), np.uint8), np.array(labels, np.uint16))
    return tmp_path


def write_index(root: Path, **names: list[str]) -> None:
    entries = [{'key': key, 'names': own, 'w': 4} for key, own in names.items()]
    (root / 'index.json').write_text(json.dumps(entries))


def test_without_an_index_everything_is_an_object(root: Path) -> None:
    dataset = open_dataset(f'folder:{root}')
    assert (len(dataset), dataset.classes) == (2, ('object',))
    assert [dataset[i].class_ids.tolist() for i in (0, 1)] == [[0, 1, 1], [0, 1]]
    assert [dataset[i].name for i in (0, 1)] == ['a', 'b']


def test_the_index_names_classes_in_the_order_of_the_labels(root: Path) -> None:
    write_index(root, a=['cup', 'book'], b=['cup'])
    dataset = open_dataset(str(root))
    assert dataset.classes == ('book', 'cup')
    assert [dataset[i].class_ids.tolist() for i in (0, 1)] == [[0, 2, 1], [0, 2]]


def test_class_ids_are_those_of_classes_txt(root: Path) -> None:
    write_index(root, a=['cup', 'book'], b=['cup'])
    (root / 'classes.txt').write_text('tool\ncup\ntin can\nbook\n')
    dataset = open_dataset(f'folder:{root}')
    assert dataset.classes == ('tool', 'cup', 'tin can', 'book')
    assert dataset[0].class_ids.tolist() == [0, 2, 4]


def test_an_instance_that_is_named_may_be_hidden(root: Path) -> None:
    write_index(root, a=['cup', 'book', 'pen'], b=['cup'])
    assert open_dataset(f'folder:{root}')[0].instance_count == 3


def test_partial_labels_leave_the_background_unknown(root: Path) -> None:
    assert open_dataset(f'folder:{root}')[0].background_known
    (root / 'meta.json').write_text('{"partial_labels": true}')
    assert not open_dataset(f'folder:{root}')[0].background_known


def test_labels_lie_on_the_pixels_as_stored(root: Path) -> None:
    # A photograph that a viewer would turn by 90 degrees.
    image = np.zeros((1, 4, 3), np.uint8)
    jpeg = cv2.imencode('.jpg', image)[1].tobytes()
    exif = (b'\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01'
            b'\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00')
    (root / 'images' / 'a.jpg').write_bytes(jpeg[:2] + exif + jpeg[2:])
    assert cv2.imread(str(root / 'images' / 'a.jpg')).shape == (4, 1, 3)
    assert open_dataset(f'folder:{root}')[0].image.shape == (1, 4, 3)


@pytest.mark.parametrize(('index', 'reason'), [
    ('{"a": ["cup"]}', 'must be a list of entries like'),
    ('[{"key": "a"}]', 'must be a list of entries like'),
    ('[{"key": "a", "names": ["cup"', 'cannot be read as JSON'),
    ('[{"key": "a", "names": ["cup", "cup"]}]', "got none for 'b' and 0 more")])
def test_a_bad_index_is_refused(root: Path, index: str, reason: str) -> None:
    (root / 'index.json').write_text(index)
    with pytest.raises(ValueError, match=reason):
        open_dataset(f'folder:{root}')


def test_a_label_without_a_name_is_refused(root: Path) -> None:
    write_index(root, a=['cup'], b=['cup'])
    with pytest.raises(ValueError, match="names 1 instances of 'a', got label 2"):
        open_dataset(f'folder:{root}')[0]


def test_a_class_that_classes_txt_lacks_is_refused(root: Path) -> None:
    write_index(root, a=['cup', 'book'], b=['cup'])
    (root / 'classes.txt').write_text('cup\n')
    with pytest.raises(ValueError, match="got no 'book'"):
        open_dataset(f'folder:{root}')


@pytest.mark.parametrize('text', ['vok:somewhere', 'folder:', 'coco:images', 'voc:', 'coco:a:b:c'])
def test_another_format_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f'{", ".join(FORMATS)}, got')):
        open_dataset(text)


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_byte_order_marks_are_read_over(root: Path, encoding: str) -> None:
    write_index(root, a=['cup', 'book'], b=['cup'])
    (root / 'classes.txt').write_text('book\ncup\n')
    for name in ('index.json', 'classes.txt'):
        path = root / name
        path.write_bytes(path.read_text().encode(encoding))
    (root / 'meta.json').write_bytes('{"partial_labels": true}'.encode(encoding))
    dataset = open_dataset(str(root))
    assert dataset.classes == ('book', 'cup')
    assert not dataset[0].background_known


@pytest.mark.parametrize(('name', 'content', 'reason'), [
    ('classes.txt', 'cup\npen\n', 'names 2 classes, and there is no index.json'),
    ('classes.txt', '', 'must name each class once, got none'),
    ('classes.txt', 'cup\ncup\n', 'must name each class once, got cup, cup'),
    ('meta.json', '{"partial_labels": "false"}', "must be true or false, got 'false'"),
    ('meta.json', '{"partial_label": true}', 'did you mean partial_labels'),
    ('index.json', '[{"key": "a", "names": []}, {"key": "a", "names": []}]',
     "one entry for an image, got two for 'a'")])
def test_what_could_mean_two_things_is_refused(root: Path, name: str, content: str,
                                               reason: str) -> None:
    (root / name).write_text(content)
    with pytest.raises(ValueError, match=reason):
        open_dataset(f'folder:{root}')
