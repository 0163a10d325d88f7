# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""OCID's ground and table are background; OSD's objects are all there."""

from __future__ import annotations

from pathlib import Path

import cv2
from metricseg_ros.datasets.open_dataset import open_dataset
import numpy as np
import pytest


def write(image: Path, labels: Path, values: list[list[int]], dtype: type) -> None:
    for path in (image, labels):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image), np.zeros((*np.shape(values), 3), np.uint8))
    cv2.imwrite(str(labels), np.array(values, dtype))


def write_ocid(root: Path, sequence: str, values: list[list[int]]) -> None:
    for frame in ('result_2018-08-20-09-30-41.png', 'result_2018-08-20-09-31-02.png'):
        write(root / sequence / 'rgb' / frame, root / sequence / 'label' / frame, values,
              np.uint16)


def test_ocid_leaves_out_the_floor_and_the_table(tmp_path: Path) -> None:
    write_ocid(tmp_path, 'ARID20/floor/top/seq02', [[0, 1, 2, 3]])
    write_ocid(tmp_path, 'ARID10/table/bottom/box/seq01', [[1, 2, 3, 5]])
    dataset = open_dataset(f'ocid:{tmp_path}')
    samples = [dataset[index] for index in range(len(dataset))]
    assert [sample.label_map.tolist() for sample in samples] == 2 * [[[0, 0, 1, 2]]] * 2
    assert samples[0].class_ids.tolist() == [0, 1, 1]
    assert samples[0].name == 'ARID10/table/bottom/box/seq01/rgb/result_2018-08-20-09-30-41'


def test_a_part_of_ocid_can_be_opened(tmp_path: Path) -> None:
    write_ocid(tmp_path, 'ARID20/table/top/seq01', [[0, 1, 2, 3]])
    dataset = open_dataset(f'ocid:{tmp_path / "ARID20" / "table"}')
    assert dataset[0].label_map.tolist() == [[0, 0, 0, 1]]


def test_osd_numbers_its_objects_without_gaps(tmp_path: Path) -> None:
    write(tmp_path / 'image_color' / 'learn0.png', tmp_path / 'annotation' / 'learn0.png',
          [[0, 1, 2, 4]], np.uint8)
    sample = open_dataset(f'osd:{tmp_path}')[0]
    assert sample.label_map.tolist() == [[0, 1, 2, 3]]
    assert (sample.class_ids.tolist(), sample.background_known) == ([0, 1, 1, 1], True)


@pytest.mark.parametrize(('text', 'expected'), [
    ('ocid', r'sequences with rgb/\*\.png'), ('osd', r'image_color/\*\.png and annotation')])
def test_a_wrong_folder_says_what_was_expected_and_found(tmp_path: Path, text: str,
                                                         expected: str) -> None:
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(ValueError, match=rf'{expected}.*got notes\.txt in'):
        open_dataset(f'{text}:{tmp_path}')


def test_missing_labels_are_named(tmp_path: Path) -> None:
    write_ocid(tmp_path, 'seq01', [[0, 1, 2]])
    (tmp_path / 'seq01' / 'label' / 'result_2018-08-20-09-30-41.png').unlink()
    with pytest.raises(ValueError, match=r'label/result_2018-08-20-09-30-41\.png is missing'):
        open_dataset(f'ocid:{tmp_path}')[0]


@pytest.mark.parametrize('folder', ['depth', 'disparity'])
def test_osd_has_depth_beside_its_images(tmp_path: Path, folder: str) -> None:
    write(tmp_path / 'image_color' / 'learn0.png', tmp_path / 'annotation' / 'learn0.png',
          [[0, 1, 2, 4]], np.uint8)
    assert open_dataset(f'osd:{tmp_path}')[0].depth is None
    (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / folder / 'learn0.png'), np.array([[0, 500, 600, 700]], np.uint16))
    depth = open_dataset(f'osd:{tmp_path}')[0].depth
    np.testing.assert_allclose(depth.metres, [[0, 0.5, 0.6, 0.7]])
    assert depth.camera.fx == 525 / 640 * 4


def test_ocid_has_depth_beside_its_images_and_a_camera_at_its_root(tmp_path: Path) -> None:
    write_ocid(tmp_path, 'ARID20/floor/top/seq02', [[0, 1, 2, 3]])
    (tmp_path / 'ARID20/floor/top/seq02/depth').mkdir()
    name = 'result_2018-08-20-09-30-41.png'
    cv2.imwrite(str(tmp_path / 'ARID20/floor/top/seq02/depth' / name),
                np.array([[900, 500, 600, 700]], np.uint16))
    (tmp_path / 'camera.json').write_text('{"fx": 3, "fy": 4, "cx": 1, "cy": 0}')
    first, second = (open_dataset(f'ocid:{tmp_path}')[index].depth for index in range(2))
    assert first.metres[0, 0] == pytest.approx(0.9) and first.camera.fy == 4
    assert second is None


@pytest.mark.parametrize('before', ['', 'household:'])
def test_depth_that_is_left_out_is_not_looked_at(tmp_path: Path, before: str) -> None:
    write(tmp_path / 'image_color' / 'learn0.png', tmp_path / 'annotation' / 'learn0.png',
          [[0, 1, 2, 4]], np.uint8)
    (tmp_path / 'depth').mkdir()
    (tmp_path / 'depth' / 'learn0.png').write_bytes(b'damaged')
    (tmp_path / 'camera.json').write_text('[]')
    with pytest.raises(ValueError, match='camera.json'):
        open_dataset(f'{before}osd:{tmp_path}')
    assert open_dataset(f'{before}osd:{tmp_path}', depth=False)[0].depth is None
