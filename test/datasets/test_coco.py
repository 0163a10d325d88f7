# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""COCO's polygons, run-length codes and crowds become one label map."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.formats import open_dataset
import numpy as np
from pycocotools import mask as coder
import pytest

SIZE = (6, 8)


def rectangle(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def polygon(top: int, left: int, bottom: int, right: int) -> list[list[int]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def counts(mask: np.ndarray) -> dict:
    """Write a mask as COCO's crowds are: column by column, zeros first."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    return {'size': list(SIZE), 'counts': [0, *runs] if flat[0] else runs}


def compressed(mask: np.ndarray) -> dict:
    code = coder.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': list(SIZE), 'counts': code['counts'].decode()}


def write(root: Path, marks: list[dict], **changed: object) -> str:
    (root / 'images').mkdir(exist_ok=True)
    cv2.imwrite(str(root / 'images' / 'kitchen.jpg'), np.zeros((*SIZE, 3), np.uint8))
    content = {
        'images': [{'id': 7, 'file_name': 'kitchen.jpg', 'height': SIZE[0], 'width': SIZE[1]}],
        'categories': [{'id': 90, 'name': 'book'}, {'id': 3, 'name': 'cup'}],
        'annotations': [{'id': index, 'image_id': 7, 'iscrowd': 0, **annotation}
                        for index, annotation in enumerate(marks)], **changed}
    (root / 'instances.json').write_text(json.dumps(content))
    return f'coco:{root / "images"}:{root / "instances.json"}'


@pytest.mark.parametrize('form', [polygon, lambda *box: counts(rectangle(*box)),
                                  lambda *box: compressed(rectangle(*box))])
def test_every_form_of_mask_gives_the_same_label_map(tmp_path: Path, form) -> None:
    text = write(tmp_path, [{'category_id': 90, 'segmentation': form(1, 2, 4, 6)},
                            {'category_id': 3, 'segmentation': form(4, 0, 6, 3)}])
    dataset = open_dataset(text)
    sample = dataset[0]
    expected = np.zeros(SIZE, int)
    expected[rectangle(1, 2, 4, 6)], expected[rectangle(4, 0, 6, 3)] = 1, 2
    assert sample.label_map.tolist() == expected.tolist()
    assert [dataset.classes[i - 1] for i in sample.class_ids[1:]] == ['book', 'cup']
    assert (sample.name, sample.background_known) == ('kitchen', False)


def test_classes_are_in_the_order_of_category_ids(tmp_path: Path) -> None:
    assert open_dataset(write(tmp_path, [])).classes == ('cup', 'book')


def test_the_smaller_of_two_masks_is_on_top(tmp_path: Path) -> None:
    small, large = rectangle(2, 2, 3, 4), rectangle(0, 0, 6, 8)
    for order in ((small, large), (large, small)):
        sample = open_dataset(write(tmp_path, [
            {'category_id': 3, 'segmentation': counts(mask)} for mask in order]))[0]
        assert [int((sample.label_map == label).sum()) for label in (1, 2)] == [46, 2]


def test_crowds_are_ignored_but_not_the_instances_in_them(tmp_path: Path) -> None:
    crowd, person = rectangle(0, 0, 6, 8), rectangle(1, 1, 3, 3)
    sample = open_dataset(write(tmp_path, [
        {'category_id': 3, 'segmentation': counts(person)},
        {'category_id': 3, 'segmentation': counts(crowd), 'iscrowd': 1}]))[0]
    assert (sample.label_map[person] == 1).all()
    assert (sample.label_map[~person] == IGNORE_LABEL).all()
    assert sample.class_ids.tolist() == [0, 1]


def test_labels_stay_contiguous_where_an_instance_is_hidden(tmp_path: Path) -> None:
    masks = [rectangle(0, 0, 2, 2), rectangle(0, 0, 2, 2), rectangle(3, 3, 4, 4)]
    sample = open_dataset(write(tmp_path, [
        {'category_id': category, 'segmentation': counts(mask)}
        for mask, category in zip(masks, (3, 90, 90))]))[0]
    assert np.unique(sample.label_map).tolist() == [0, 1, 2]
    assert sample.class_ids.tolist() == [0, 2, 2]


def test_an_image_without_annotations_is_empty(tmp_path: Path) -> None:
    sample = open_dataset(write(tmp_path, []))[0]
    assert sample.instance_count == 0 and not sample.label_map.any()


@pytest.mark.parametrize(('changed', 'reason'), [
    ({'categories': None}, 'must hold the lists images, categories, annotations'),
    ({'images': []}, 'at least one image'),
    ({'annotations': [{'id': 4, 'image_id': 7, 'category_id': 5, 'segmentation': []}]},
     'annotation 4 has category_id 5, which categories does not list'),
    ({'annotations': [{'image_id': 7, 'category_id': 3}]}, 'without segmentation')])
def test_a_file_of_another_form_is_refused(tmp_path: Path, changed, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        open_dataset(write(tmp_path, [], **changed))


@pytest.mark.parametrize(('segmentation', 'reason'), [
    ('outline', 'must have polygons or a run-length code'),
    ({'size': [6, 8]}, 'must have polygons or a run-length code'),
    ({'size': [2, 2], 'counts': [0, 4]}, r'size \(6, 8\) of its image, got \(2, 2\)')])
def test_an_annotation_that_cannot_be_drawn_is_named(tmp_path: Path, segmentation,
                                                     reason: str) -> None:
    text = write(tmp_path, [{'category_id': 3, 'segmentation': segmentation}])
    with pytest.raises(ValueError, match=f'annotation 0 of image 7 .*{reason}'):
        open_dataset(text)[0]


def test_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    text = write(tmp_path, [])
    cv2.imwrite(str(tmp_path / 'images' / 'kitchen.jpg'), np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(ValueError, match=r'size \(6, 8\) as its annotations say, got \(3, 3\)'):
        open_dataset(text)[0]


def test_missing_folder_file_and_image_are_named(tmp_path: Path) -> None:
    text = write(tmp_path, [])
    with pytest.raises(ValueError, match='folder of the images, got no folder at'):
        open_dataset(f'coco:{tmp_path / "nowhere"}:{tmp_path / "instances.json"}')
    with pytest.raises(ValueError, match=r'other\.json cannot be read as JSON'):
        open_dataset(f'coco:{tmp_path / "images"}:{tmp_path / "other.json"}')
    (tmp_path / 'images' / 'kitchen.jpg').unlink()
    with pytest.raises(ValueError, match=r'kitchen\.jpg is missing'):
        open_dataset(text)[0]
