# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""labelme's shapes become one label map; what has no area is refused by name."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import cv2
from datasets.reading.test_files import turned
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.inputs.frame import DataWarning
import numpy as np
import pytest

SIZE = (8, 12)


def shape(label: str, *points: tuple[float, float], kind: str = 'polygon', **more) -> dict:
    return {'label': label, 'points': points, 'shape_type': kind, 'group_id': None, **more}


def box(label: str, left: int, top: int, right: int, bottom: int, **more) -> dict:
    return shape(label, (left, top), (right, top), (right, bottom), (left, bottom), **more)


def write(root: Path, *shapes: dict, name: str = 'desk', **changed) -> str:
    cv2.imwrite(str(root / f'{name}.png'), np.zeros((*SIZE, 3), np.uint8))
    content = {'version': '5.5.0', 'flags': {}, 'shapes': shapes, 'imagePath': f'{name}.png',
               'imageData': None, 'imageHeight': SIZE[0], 'imageWidth': SIZE[1], **changed}
    (root / f'{name}.json').write_text(json.dumps(content))
    return f'labelme:{root}'


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_polygons_rectangles_and_masks_are_objects_of_their_classes(tmp_path: Path) -> None:
    drawn = cv2.imencode('.png', np.full((2, 3), 255, np.uint8))[1].tobytes()
    dataset = open_dataset(write(
        tmp_path, box('cup', 0, 0, 4, 8),
        shape('book', (9, 3), (6, 0), kind='rectangle'),
        shape('cup', (5, 5), (8, 7), kind='mask', mask=base64.b64encode(drawn).decode())))
    sample = dataset[0]
    assert dataset.classes == ('book', 'cup')
    expected = {('cup', 32), ('book', 9), ('cup', 6)}
    found = {(dataset.classes[sample.class_ids[label] - 1], int((sample.label_map == label).sum()))
             for label in range(1, sample.instance_count + 1)}
    assert found == expected
    assert sample.background_known
    assert (sample.label_map > 0)[rectangle(5, 5, 8, 7)].all()


@pytest.mark.parametrize('orientation', [1, 3])  # 3: by half a turn, so that the size is the same.
def test_shapes_lie_on_the_image_as_labelme_turns_it(tmp_path: Path, orientation: int) -> None:
    text = write(tmp_path, box('cup', 0, 0, 6, 8), imagePath='turned.jpg')
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[:, :6] = 255
    (tmp_path / 'turned.jpg').write_bytes(turned(pixels, orientation))
    sample = open_dataset(text)[0]
    bright = sample.image[..., 0] > 127
    assert ((sample.label_map == 1) == (bright if orientation == 1 else ~bright)).all()


def test_the_copy_in_the_file_is_read_where_the_image_is_gone(tmp_path: Path) -> None:
    copy = base64.b64encode(cv2.imencode('.png', np.full((*SIZE, 3), 7, np.uint8))[1]).decode()
    sample = open_dataset(write(tmp_path, box('cup', 0, 0, 4, 8), imagePath='C:\\gone\\a.jpg',
                                imageData=copy))[0]
    assert (sample.image == 7).all() and (sample.label_map == 1).sum() == 32
    with pytest.raises(ValueError, match='imageData'):
        open_dataset(write(tmp_path, imagePath='gone.jpg', imageData='####'))[0]


def test_a_mask_may_begin_outside_the_image(tmp_path: Path) -> None:
    drawn = base64.b64encode(cv2.imencode('.png', np.full((4, 5), 255, np.uint8))[1]).decode()
    sample = open_dataset(write(tmp_path, shape('cup', (-2, -1), (2, 2), kind='mask',
                                                mask=drawn)))[0]
    assert ((sample.label_map == 1) == rectangle(0, 0, 3, 3)).all()


def test_a_circle_covers_its_area(tmp_path: Path) -> None:
    sample = open_dataset(write(tmp_path, shape('ball', (6, 4), (6, 7), kind='circle')))[0]
    assert abs((sample.label_map == 1).sum() - np.pi * 9) < 6


def test_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    sample = open_dataset(write(tmp_path, box('pen', 0, 0, 3, 2, group_id=4),
                                box('pen', 8, 0, 12, 2, group_id=4), box('pen', 0, 6, 3, 8)))[0]
    assert sample.instance_count == 2
    assert sample.label_map[0, 0] == sample.label_map[0, 11] != sample.label_map[7, 0]


@pytest.mark.parametrize('path', ['..\\photos\\desk.png', 'C:\\photos\\desk.png',
                                  '/home/me/desk.png'])
def test_an_image_is_found_by_the_end_of_its_path_on_another_machine(
        tmp_path: Path, path: str) -> None:
    text = write(tmp_path, imagePath=path, imageHeight=str(SIZE[0]), imageWidth=float(SIZE[1]))
    assert open_dataset(text)[0].image.shape[:2] == SIZE


def test_what_is_named_ignore_counts_for_nothing(tmp_path: Path) -> None:
    sample = open_dataset(write(tmp_path, box('__ignore__', 0, 0, 12, 4), box('pen', 0, 0, 2, 2)
                                ))[0]
    assert (sample.label_map == IGNORE_LABEL).sum() == 12 * 4 - 4
    assert sample.instance_count == 1


def test_an_image_without_shapes_is_empty_and_one_without_a_file_is_left_out(
        tmp_path: Path) -> None:
    text = write(tmp_path)
    cv2.imwrite(str(tmp_path / 'other.png'), np.zeros((*SIZE, 3), np.uint8))
    dataset = open_dataset(text)
    assert (len(dataset), dataset[0].instance_count) == (1, 0)


def test_a_shape_beside_the_image_is_told(tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path, box('cup', 0, 0, 4, 8), box('cup', 20, 0, 24, 8)))
    with pytest.warns(DataWarning, match='desk: 1 of 2 objects cover no pixel'):
        assert dataset[0].instance_count == 1


@pytest.mark.parametrize(('marks', 'changed', 'reason'), [
    ([shape('line', (0, 0), (3, 3), kind='line')], {}, 'are points or lines, which have no area'),
    ([shape('pen', (0, 0), (3, 3))], {}, 'it must have 3 points or more, got 2'),
    ([shape('pen', (4, 4), (4, 1e12), kind='circle')], {}, 'must be near the image'),
    ([shape('pen', (4, 4), (4, float('nan')), kind='circle')], {}, 'must be near the image'),
    ([shape('pen', (0, 0), (3, 'x'), (4, 4))], {}, "the polygon of a 'pen' cannot be drawn"),
    ([shape('pen', (0, 0), (3, 3), kind='mask', mask='AAAA')], {}, 'must be a PNG'),
    ([box('pen', 0, 0, 2, 2)], {'imageHeight': 99}, r'must be of size \(99, 12\)'),
    ([box('pen', 0, 0, 2, 2)], {'imagePath': 'gone.png'}, 'its image gone.png is not')])
def test_what_cannot_be_drawn_is_refused_by_name(tmp_path: Path, marks, changed, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        open_dataset(write(tmp_path, *marks, **changed))[0]


@pytest.mark.parametrize(('text', 'reason'), [
    ('{"shapes": 3, "imagePath": "a.png"}', 'must be a file of labelme'),
    ('[1, 2]', 'must be a file of labelme'), ('{', 'cannot be read as JSON'),
    ('{"shapes": [{"label": 3}], "imagePath": "a"}', 'every shape must have a text as l')])
def test_other_json_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError, match=reason):
        open_dataset(f'labelme:{tmp_path}')


def test_a_folder_without_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='needs a folder of JSON files, got nothing in'):
        open_dataset(f'labelme:{tmp_path}')


def test_points_and_lines_are_told_and_left_out(tmp_path: Path) -> None:
    bare = [shape('grip', (1, 1), kind='point'), shape('edge', (0, 0), (4, 4), kind='line')]
    with pytest.warns(UserWarning, match='2 of 3 shapes .* points or lines, which have no area'):
        dataset = open_dataset(write(tmp_path, box('cup', 0, 0, 4, 8), *bare))
    assert (dataset.classes, dataset[0].instance_count) == (('cup',), 1)
    with pytest.raises(ValueError, match='2 of 2 shapes'):
        open_dataset(write(tmp_path, *bare))


@pytest.mark.parametrize('kind', ['rectangle', 'rotation', 'oriented_rectangle'])
def test_a_rectangle_may_have_all_of_its_corners(tmp_path: Path, kind: str) -> None:
    sample = open_dataset(write(tmp_path, {**box('cup', 1, 2, 5, 7), 'shape_type': kind}))[0]
    assert ((sample.label_map == 1) == rectangle(1, 2, 5, 7)).all()


def test_spaces_around_a_label_are_none_of_it_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    text = write(tmp_path, box('cup ', 0, 0, 4, 4), box('cup', 4, 4, 8, 8))
    assert open_dataset(text).classes == ('cup',)
    with pytest.raises(ValueError, match='every shape must have a text as label'):
        open_dataset(write(tmp_path, box(' ', 0, 0, 4, 4)))


def test_another_json_file_in_the_folder_can_be_left_out(tmp_path: Path) -> None:
    text = write(tmp_path, box('cup', 0, 0, 4, 8))
    (tmp_path / 'settings.json').write_text('{"theme": "dark"}')
    with pytest.raises(ValueError, match='1 of 2 images .*settings.json must be a file of label'):
        open_dataset(text)
    with pytest.warns(UserWarning, match='settings.json'):
        assert len(open_dataset(text, skip_missing=True)) == 1


def test_two_files_of_one_image_are_refused(tmp_path: Path) -> None:
    write(tmp_path, box('cup', 0, 0, 4, 8))
    text = write(tmp_path, box('pen', 4, 0, 8, 8), name='copy', imagePath='desk.png')
    with pytest.raises(ValueError, match='copy.json and another are of one image'):
        open_dataset(text)
