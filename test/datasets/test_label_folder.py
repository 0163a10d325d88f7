# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plain folder format keeps labels exactly and says what is wrong with a folder."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.label_folder import open_label_folder, write_pair
from metricseg_ros.inputs.codec import encode, read_image
import numpy as np
import pytest


def make_folder(root: Path, names: tuple[str, ...] = ('a',)) -> Path:
    for part in ('images', 'labels'):
        (root / part).mkdir()
    labels = np.zeros((20, 30), np.uint16)
    labels[2:8, 3:9], labels[10:15, 10:20] = 1, IGNORE_LABEL
    for name in names:
        write_pair(root, name, np.full((20, 30, 3), (200, 100, 50), np.uint8), labels)
    return root


def test_labels_survive_exactly_and_colours_nearly(tmp_path: Path) -> None:
    image, labels = open_label_folder(make_folder(tmp_path)).read('a')
    assert labels.dtype == np.uint16
    assert [int((labels == value).sum()) for value in (1, IGNORE_LABEL)] == [36, 50]
    assert np.abs(image.astype(int) - (200, 100, 50)).max() < 6  # RGB, not BGR


def test_names_are_sorted_and_can_be_restricted(tmp_path: Path) -> None:
    make_folder(tmp_path, ('b', 'a', 'c'))
    assert open_label_folder(tmp_path).names == ('a', 'b', 'c')
    assert open_label_folder(tmp_path, ['c', 'a']).names == ('a', 'c')


def test_nothing_temporary_is_left_behind(tmp_path: Path) -> None:
    make_folder(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob('*.*')) == ['a.jpg', 'a.png']


def test_missing_part_is_named(tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    with pytest.raises(ValueError, match='got .* without labels'):
        open_label_folder(tmp_path)


def test_unknown_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got 'z' and 0 more"):
        open_label_folder(make_folder(tmp_path), ['a', 'z'])


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='at least one'):
        open_label_folder(make_folder(tmp_path, ()))


def test_image_without_label_map_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / 'labels' / 'a.png').unlink()
    with pytest.raises(ValueError, match='a.jpg has no label map'):
        open_label_folder(tmp_path).read('a')


def test_label_map_of_another_size_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    cv2.imwrite(str(tmp_path / 'labels' / 'a.png'), np.zeros((5, 6), np.uint16))
    with pytest.raises(ValueError, match=r'\(20, 30\), got \(5, 6\)'):
        open_label_folder(tmp_path).read('a')


def test_coloured_label_map_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    cv2.imwrite(str(tmp_path / 'labels' / 'a.png'), np.full((20, 30, 3), (0, 0, 9), np.uint8))
    with pytest.raises(ValueError, match='must be one channel'):
        open_label_folder(tmp_path).read('a')


def test_undecodable_image_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / 'images' / 'a.jpg').write_bytes(b'no picture')
    with pytest.raises(ValueError, match=r'a\.jpg: not an image'):
        open_label_folder(tmp_path).read('a')


@pytest.mark.parametrize('suffix', ['.JPG', '.webp', '.tif', '.bmp', '.jfif', '.PNG'])
def test_an_image_may_be_of_any_kind_that_segment_reads(tmp_path: Path, suffix: str) -> None:
    image = make_folder(tmp_path) / 'images' / 'a.jpg'
    stored = {'.jfif': '.jpg'}.get(suffix, suffix.lower())
    image.with_suffix(suffix).write_bytes(encode(read_image(image), stored))
    image.unlink()
    folder = open_label_folder(tmp_path)
    assert folder.names == ('a',) and folder.read('a')[0].shape == (20, 30, 3)


@pytest.mark.parametrize('suffix', ['.PNG', '.tif', '.bmp'])
def test_a_label_map_may_be_of_any_kind_without_loss(tmp_path: Path, suffix: str) -> None:
    path = make_folder(tmp_path) / 'labels' / 'a.png'
    labels = np.zeros((20, 30), np.uint8)
    labels[:3] = 1
    path.unlink()
    path.with_suffix(suffix).write_bytes(encode(labels, suffix.lower()))
    np.testing.assert_array_equal(open_label_folder(tmp_path).read('a')[1], labels)


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    image = make_folder(tmp_path, ('a', 'b')) / 'images' / 'a.jpg'
    image.with_suffix('.png').write_bytes(encode(read_image(image), '.png'))
    with pytest.raises(ValueError, match='1 of 2 images .* a.jpg and a.png have one name'):
        open_label_folder(tmp_path)
    with pytest.warns(UserWarning, match='left out'):
        assert open_label_folder(tmp_path, skip_missing=True).names == ('b',)


def test_images_without_labels_are_told_at_opening(tmp_path: Path) -> None:
    make_folder(tmp_path, ('a', 'b', 'c', 'd', 'e'))
    for name in 'abcd':
        (tmp_path / 'labels' / f'{name}.png').unlink()
    with pytest.raises(ValueError, match='4 of 5 images .* a.jpg has no label map.*; and 1 more'):
        open_label_folder(tmp_path)
    with pytest.warns(UserWarning, match='4 of 5 images'):
        assert open_label_folder(tmp_path, skip_missing=True).names == ('e',)


def test_pictures_of_other_kinds_are_told(tmp_path: Path) -> None:
    (make_folder(tmp_path) / 'images' / 'b.HEIC').write_bytes(b'-')
    with pytest.warns(UserWarning, match='b.HEIC .*convert it'):
        assert open_label_folder(tmp_path).names == ('a',)


def rims(root: Path, values: list[int]) -> Path:
    """Write a label map of 8 bits whose columns are some labels."""
    make_folder(root)
    labels = np.zeros((20, 30), np.uint8)
    for column, value in enumerate(values):
        labels[:, column] = value
    cv2.imwrite(str(root / 'labels' / 'a.png'), labels)
    return root


def test_255_at_rims_is_told_and_can_be_ignored(tmp_path: Path) -> None:
    folder = open_label_folder(rims(tmp_path, [1, 2, 255]))
    with pytest.warns(UserWarning, match='hold 255.*"ignore_label": 255.*meta.json'):
        labels = folder.read('a')[1]
    assert labels[0, :4].tolist() == [1, 2, 255, 0]
    (tmp_path / 'meta.json').write_text('{"ignore_label": 255}')
    labels = open_label_folder(tmp_path).read('a')[1]
    assert labels[0, :4].tolist() == [1, 2, IGNORE_LABEL, 0]


@pytest.mark.parametrize('values', [[255], [1, 2, 3], [253, 254, 255], [1, 254, 255]])
@pytest.mark.filterwarnings('error')
def test_255_that_may_be_an_object_is_no_matter(tmp_path: Path, values: list[int]) -> None:
    open_label_folder(rims(tmp_path, values)).read('a')


@pytest.mark.parametrize('label', ['"255"', '0', '-1', '70000', 'true', '2.5'])
def test_an_ignored_label_that_is_none_is_refused(tmp_path: Path, label: str) -> None:
    (make_folder(tmp_path) / 'meta.json').write_text(f'{{"ignore_label": {label}}}')
    with pytest.raises(ValueError, match='ignore_label of .*meta.json must be a label from 1'):
        open_label_folder(tmp_path)


def test_label_maps_without_an_image_are_told(tmp_path: Path) -> None:
    (make_folder(tmp_path, ('a', 'b')) / 'images' / 'b.jpg').unlink()
    with pytest.warns(UserWarning, match='1 label maps of .* have no image, such as b.png'):
        assert open_label_folder(tmp_path).names == ('a',)


def test_what_is_true_of_all_label_maps_is_told_once(tmp_path: Path) -> None:
    """In a process of its own, where Python tells a warning of one text and place once."""
    labels = np.zeros((20, 30), np.uint8)
    labels[:3], labels[3:5] = 1, 255
    for path in (make_folder(tmp_path, ('a', 'b')) / 'labels').iterdir():
        path.write_bytes(encode(labels, '.png'))
    done = subprocess.run(
        [sys.executable, '-c', 'import sys\nfrom metricseg_ros.datasets.label_folder import '
         'open_label_folder\nfolder = open_label_folder(sys.argv[1])\n'
         'for name in folder.names:\n    folder.read(name)', str(tmp_path)],
        capture_output=True, text=True, timeout=60)
    assert done.stderr.count('hold 255') == 1, done.stderr
