# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Ultralytics' outlines become one label map, wherever data.yaml lets its folders be."""

from __future__ import annotations

from pathlib import Path

import cv2
from datasets.reading.test_files import turned
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.inputs.frame import DataWarning
import numpy as np
import pytest

SIZE = (8, 16)
LEFT = '0 0 0 0.5 0 0.5 1 0 1'
CORNER = '1 0.75 0.5 1 0.5 1 1 0.75 1'


def write(root: Path, labels: str | None, images: str = 'images/train',
          data: str = 'train: images/train\nnames: [cup, book]\n') -> str:
    (root / images).mkdir(parents=True)
    cv2.imwrite(str(root / images / 'desk.jpg'), np.zeros((*SIZE, 3), np.uint8))
    if labels is not None:
        folder = root / images.replace('images', 'labels')
        folder.mkdir(parents=True)
        (folder / 'desk.txt').write_text(labels)
    (root / 'data.yaml').write_text(data)
    return f'yolo:{root}'


def test_outlines_are_objects_of_their_classes(tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path, f'{LEFT}\n\n{CORNER}\n'))
    sample = dataset[0]
    assert dataset.classes == ('cup', 'book')
    assert sample.class_ids.tolist() == [0, 1, 2]
    assert (sample.label_map[:, :8] == 1).all()
    assert (sample.label_map[4:, 12:] == 2).all()
    assert (sample.label_map > 0).sum() == 8 * 8 + 4 * 4
    assert sample.background_known


def test_an_image_without_a_file_or_with_an_empty_one_shows_no_object(tmp_path: Path) -> None:
    text = write(tmp_path, '')
    folder = tmp_path / 'images' / 'train'
    (folder / 'other.jpg').write_bytes((folder / 'desk.jpg').read_bytes())
    dataset = open_dataset(text)
    assert [dataset[index].instance_count for index in range(2)] == [0, 0]


def test_a_set_without_any_label_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='has no labels: those of .*desk.jpg would be .*desk.txt'):
        open_dataset(write(tmp_path, None))


def test_names_whose_numbers_have_gaps_are_refused(tmp_path: Path) -> None:
    data = 'train: images/train\nnames: {1: cup, 2: book}\n'  # Ultralytics counts from 0.
    with pytest.raises(ValueError, match=r'number its 2 names from 0 on.*\[1, 2\]'):
        open_dataset(write(tmp_path, LEFT, data=data))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    data = 'train: images/train\nval: images/val\nnames: [cup]\n'
    with pytest.warns(DataWarning, match='images/val, which is not there'):
        assert len(open_dataset(write(tmp_path, LEFT, data=data))) == 1


def test_an_outline_may_reach_over_the_rim_and_one_without_area_is_told(tmp_path: Path) -> None:
    over, flat = '0 0.5 -0.5 1.5 -0.5 1.5 1.5 0.5 1.5', '1 0.25 0.25 0.25 0.25 0.25 0.25'
    with pytest.warns(DataWarning, match='desk: 1 of 2 objects cover no pixel'):
        sample = open_dataset(write(tmp_path, f'{over}\n{flat}\n'))[0]
    assert sample.class_ids.tolist() == [0, 1]
    assert (sample.label_map[:, 8:] == 1).all() and not sample.label_map[:, :8].any()


@pytest.mark.parametrize(('images', 'data'), [
    ('train/images', 'train: ../train/images\nval: ../valid/images\nnames: {0: cup, 1: book}\n'),
    ('train/images', 'train: train/images\nnames: [cup, book]\n'),
    ('images', 'path: .\ntrain: images\nval: images\nnames: [cup, book]\n')])
def test_every_way_of_writing_the_folders_is_read_and_an_image_counts_once(
        tmp_path: Path, images: str, data: str) -> None:
    dataset = open_dataset(write(tmp_path, LEFT, images, data))
    assert (len(dataset), dataset[0].instance_count) == (1, 1)


def test_a_list_of_images_is_one_name_a_line_and_a_byte_order_mark_counts_for_nothing(
        tmp_path: Path) -> None:
    text = write(tmp_path, f'\ufeff{LEFT}\n', data='\ufefftrain: train.txt\nnames: [cup, book]\n')
    images = tmp_path / 'images' / 'train'
    (images / 'desk.jpg').rename(images / 'my desk.JPG')
    labels = tmp_path / 'labels' / 'train'
    (labels / 'desk.txt').rename(labels / 'my desk.txt')
    (tmp_path / 'train.txt').write_text('\ufeff./images/train/my desk.JPG\n')
    dataset = open_dataset(text)
    assert (len(dataset), dataset[0].instance_count) == (1, 1)


@pytest.mark.parametrize(('labels', 'reason'), [
    ('0 0.5 0.5 0.2 0.2', 'line 1 of .*desk.txt is a box: these are labels for detection'),
    (f'{LEFT}\n0 0.1 0.1 0.2', 'line 2 of .* must be a class and at least three corners'),
    ('2 0 0 1 0 1 1', 'is of class 2, data.yaml names 2'),
    ('cup 0 0 1 0 1 1', 'must be numbers'), ('0 0 0 1 0 nan 1', 'corners must be shares'),
    ('0 0 0 16 0 16 8', 'corners must be shares of the image.*got 16')])
def test_a_line_that_is_no_outline_is_refused_by_its_number(tmp_path: Path, labels: str,
                                                            reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        open_dataset(write(tmp_path, labels))[0]


@pytest.mark.parametrize(('data', 'reason'), [
    ('train: images/train\n', 'must list the names'), ('names: [cup]\n', 'there are none'),
    ('names: [cup]\ntrain: elsewhere\n', 'there are none'),
    ('names: {0: cup, one: book}\ntrain: images\n', 'a class must be a whole number'),
    ('[', 'is no YAML')])
def test_a_description_that_does_not_lead_to_images_is_refused(tmp_path: Path, data: str,
                                                               reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        open_dataset(write(tmp_path, LEFT, data=data))


def test_outlines_lie_on_the_image_as_it_is_turned(tmp_path: Path) -> None:
    text, pixels = write(tmp_path, LEFT), np.zeros((*SIZE, 3), np.uint8)
    pixels[:, :8] = 255
    (tmp_path / 'images' / 'train' / 'desk.jpg').write_bytes(turned(pixels, 3))  # By half a turn.
    sample = open_dataset(text)[0]
    assert ((sample.label_map == 1) == (sample.image[..., 0] < 128)).all()


@pytest.mark.parametrize(('data', 'reason'), [
    ('train: images/train: x', 'data.yaml is no YAML: mapping values are not allowed'),
    ('train:\timages\n\tnames: [cup]', "data.yaml is no YAML: .*character '.t'"),
    ('', 'must say names and train, got None'),
    ('train: images/train\nnames: [yes, no]', 'must have texts as names, got True: put them into'),
    ('train: images/train\nnames: [cup, null]', 'must have texts as names, got None'),
    ('train: images/train\nnames: [cup]\nkpt_shape: [2, 3]', 'has kpt_shape: these are labels')])
def test_a_description_that_is_none_says_why(tmp_path: Path, data: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        open_dataset(write(tmp_path, LEFT, data=data))


@pytest.mark.parametrize('entry', ['/home/u/mine/images/train', 'D:\\mine\\images\\train',
                                   'images\\train'])
def test_a_folder_may_be_called_by_its_place_elsewhere(tmp_path: Path, entry: str) -> None:
    data = f'path: /home/u/mine\ntrain: {entry}\nnames: [cup]\n'
    assert open_dataset(write(tmp_path, LEFT, data=data))[0].instance_count == 1


def test_an_image_that_a_list_names_and_is_not_there_is_told_at_opening(tmp_path: Path) -> None:
    text = write(tmp_path, LEFT, data='train: train.txt\nnames: [cup]\n')
    (tmp_path / 'train.txt').write_text('images/train/gone.jpg\nimages/train/desk.jpg\n')
    with pytest.raises(ValueError, match='1 of 2 images .*gone.jpg is not there'):
        open_dataset(text)
    with pytest.warns(DataWarning, match='1 of 2 images'):
        assert len(open_dataset(text, skip_missing=True)) == 1


def test_two_images_of_one_label_file_are_refused(tmp_path: Path) -> None:
    text, image = write(tmp_path, LEFT), tmp_path / 'images' / 'train' / 'desk.jpg'
    image.with_suffix('.png').write_bytes(image.read_bytes())
    with pytest.raises(ValueError, match='desk.jpg and another have one label file'):
        open_dataset(text)


def test_a_label_file_without_an_image_is_told(tmp_path: Path) -> None:
    text, labels = write(tmp_path, LEFT), tmp_path / 'labels' / 'train'
    (labels / 'classes.txt').write_text('cup\nbook\n')  # As LabelImg leaves it there.
    (labels / 'gone.txt').write_text(LEFT)
    with pytest.warns(DataWarning, match='1 label files .* have no image, such as .*gone.txt'):
        assert len(open_dataset(text)) == 1
