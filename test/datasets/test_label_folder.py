# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plain folder format keeps labels exactly and says what is wrong with a folder."""

from __future__ import annotations

from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.label_folder import open_label_folder, write_pair
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
    with pytest.raises(ValueError, match='a.png cannot be read'):
        open_label_folder(tmp_path).read('a')


def test_label_map_of_another_size_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    cv2.imwrite(str(tmp_path / 'labels' / 'a.png'), np.zeros((5, 6), np.uint16))
    with pytest.raises(ValueError, match=r'\(20, 30\), got \(5, 6\)'):
        open_label_folder(tmp_path).read('a')


def test_coloured_label_map_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    cv2.imwrite(str(tmp_path / 'labels' / 'a.png'), np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(ValueError, match='must be one channel'):
        open_label_folder(tmp_path).read('a')


def test_undecodable_image_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / 'images' / 'a.jpg').write_bytes(b'no picture')
    with pytest.raises(ValueError, match='cannot be decoded'):
        open_label_folder(tmp_path).read('a')
