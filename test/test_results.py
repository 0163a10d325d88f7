# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Results on disk: what is written is what was found, and an earlier run is not mixed in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
from metricseg_ros.config import OverlayConfig
from metricseg_ros.inputs import Frame
from metricseg_ros.results import ResultsFolder, write_json
from metricseg_ros.structures import Instances
import numpy as np
import pytest

SIZE = 20, 30


def frame(name: str = 'cup') -> Frame:
    return Frame(name, f'/photos/{name}.jpg', None, np.full((*SIZE, 3), 80, np.uint8))


def two_instances() -> Instances:
    """Make instance 300, of 4x5 pixels, and 2, of one pixel less for a hole."""
    crop = np.ones((3, 3), bool)
    crop[1, 1] = False
    return Instances(
        SIZE, np.array([300, 2], np.uint16), np.array([1, 2], np.uint16),
        np.array([0.9, 0.6], np.float32), np.array([[0, 0, 5, 4], [10, 10, 13, 13]], np.int32),
        (np.ones((4, 5), bool), crop), np.array([[1, 2], [10, 10]], np.int32),
        np.array([0.5, 0.75], np.float32), {'network': 12.3456789})


def results(folder: Path, **options: Any) -> ResultsFolder:
    return ResultsFolder(folder, ('cup', 'spoon'), OverlayConfig(), {'model': 'some'}, **options)


def test_the_label_map_holds_ids_of_sixteen_bits(tmp_path: Path) -> None:
    with results(tmp_path) as folder:
        folder.write(frame(), two_instances())
    label_map = cv2.imread(str(tmp_path / 'label_map' / 'cup.png'), cv2.IMREAD_UNCHANGED)
    assert label_map.dtype == np.uint16
    np.testing.assert_array_equal(label_map, two_instances().label_map)
    assert label_map[0, 0] == 300 and label_map[11, 11] == 0


def test_the_overlay_has_the_size_of_the_image(tmp_path: Path) -> None:
    with results(tmp_path) as folder:
        folder.write(frame(), two_instances())
    overlay = cv2.imread(str(tmp_path / 'overlay' / 'cup.jpg'))
    assert overlay.shape == (*SIZE, 3)
    assert (overlay != 80).any()


def test_the_json_file_says_what_was_found(tmp_path: Path) -> None:
    with results(tmp_path) as folder:
        folder.write(frame(), two_instances())
    content = json.loads((tmp_path / 'instances.json').read_text())
    assert content['model'] == 'some'
    (image,) = content['images']
    assert (image['name'], image['source'], image['size']) == ('cup', '/photos/cup.jpg', [20, 30])
    assert image['stage_ms'] == {'network': 12.346}
    assert image['instances'][1] == {
        'id': 2, 'class_id': 2, 'class_name': 'spoon', 'score': 0.6, 'box': [10, 10, 13, 13],
        'area': 8, 'seed': [10, 10], 'similarity_threshold': 0.75}


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / 'mask.png').touch()
    with pytest.raises(NotADirectoryError, match='mask.png is a file: choose a folder'):
        results(tmp_path / 'mask.png')


def test_equal_names_do_not_overwrite_each_other(tmp_path: Path) -> None:
    with results(tmp_path) as folder:
        names = [folder.write(frame(name), two_instances())['name']
                 for name in ('cup', 'cup-2', 'cup', 'cup')]
    assert names == ['cup', 'cup-2', 'cup-3', 'cup-4']
    assert len(list((tmp_path / 'overlay').iterdir())) == 4


def test_an_interrupt_leaves_what_was_done(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), results(tmp_path) as folder:
        folder.write(frame(), two_instances())
        raise KeyboardInterrupt
    assert len(json.loads((tmp_path / 'instances.json').read_text())['images']) == 1


def test_results_of_an_earlier_run_are_not_mixed_in(tmp_path: Path) -> None:
    with results(tmp_path) as folder:
        folder.write(frame('old'), two_instances())
    with pytest.raises(FileExistsError, match='another folder or --overwrite'):
        results(tmp_path)
    (tmp_path / 'overlay' / 'mine.jpg').write_bytes(b'not listed')
    with results(tmp_path, overwrite=True) as folder:
        folder.write(frame('new'), two_instances())
    assert sorted(path.name for path in (tmp_path / 'overlay').iterdir()) == ['mine.jpg',
                                                                              'new.jpg']


def test_a_foreign_json_file_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / 'instances.json').write_text('[1, 2]')
    with pytest.raises(FileExistsError, match='not of this program'):
        results(tmp_path, overwrite=True)
    assert (tmp_path / 'instances.json').read_text() == '[1, 2]'


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match='overlay/cup.jpg'), results(tmp_path) as folder:
        (tmp_path / 'overlay').rmdir()
        folder.write(frame(), two_instances())


def test_a_video_shows_images_of_other_sizes_whole(tmp_path: Path) -> None:
    with results(tmp_path, video_rate=5.0) as folder:
        folder.write(frame(), two_instances())
        empty = Instances((80, 60), *([np.zeros((0, *shape), kind) for kind, shape in (
            (np.uint16, ()), (np.uint16, ()), (np.float32, ()), (np.int32, (4,)))]), (),
            np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
        folder.write(Frame('tall', 'tall.jpg', None, np.full((80, 60, 3), 200, np.uint8)), empty)
    video = cv2.VideoCapture(str(tmp_path / 'overlay.mp4'))
    first, second = video.read()[1], video.read()[1]
    assert first.shape == second.shape == (*SIZE, 3)
    # A quarter as high, 15 columns stay in the middle of 30.
    assert second[10, 15].min() > 150 and second[:, [1, -2]].max() < 60


def test_a_video_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / 'overlay.mp4').mkdir()
    with pytest.raises(OSError, match=r'overlay\.mp4 could not be written'), \
            results(tmp_path, video_rate=5.0) as folder:
        folder.write(frame(), two_instances())
    assert (tmp_path / 'instances.json').exists()


def test_json_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / 'report.json'
    write_json(path, {'good': 1})
    with pytest.raises(TypeError):
        write_json(path, {'bad': object()})
    assert json.loads(path.read_text()) == {'good': 1}
    assert [item.name for item in tmp_path.iterdir()] == ['report.json']
