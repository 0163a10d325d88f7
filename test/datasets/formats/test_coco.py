# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""COCO's polygons, run-length codes and crowds become one label map."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.datasets.reading.masks import mask_of
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
    ({'annotations': [{'image_id': 7}]}, 'without category_id'),
    ({'annotations': ['cup']}, 'got one without category_id'),
    ({'images': [{'id': [], 'file_name': 'a', 'height': 1, 'width': 1}]}, 'id of one of images'),
    ({'images': [{'id': 7, 'file_name': 'a', 'height': '4.5', 'width': 1}]}, 'height of image 7'),
    ({'images': [{'id': 7, 'file_name': 'a', 'height': 0, 'width': 1}]}, 'must have a size'),
    ({'images': [{'id': i, 'file_name': 'a', 'height': 1, 'width': 1} for i in (7, '7')]},
     'two of images have the id 7')])
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
    with pytest.raises(ValueError, match=r'size \(6, 8\) as its labels say, got \(3, 3\)'):
        open_dataset(text)[0]


def test_missing_folder_file_and_image_are_named(tmp_path: Path) -> None:
    text = write(tmp_path, [])
    with pytest.raises(ValueError, match='folder of the images, got no folder at'):
        open_dataset(f'coco:{tmp_path / "nowhere"}:{tmp_path / "instances.json"}')
    with pytest.raises(ValueError, match=r'other\.json cannot be read as JSON'):
        open_dataset(f'coco:{tmp_path / "images"}:{tmp_path / "other.json"}')
    (tmp_path / 'images' / 'kitchen.jpg').unlink()
    with pytest.raises(ValueError, match=r'kitchen\.jpg'):
        open_dataset(text)[0]


SQUARE = polygon(1, 2, 4, 6)  # Of 12 pixels.


@pytest.mark.parametrize('corner', [float('nan'), float('inf'), -float('inf'), 2e9, -81, 81])
def test_a_polygon_far_from_its_image_is_refused_and_named(tmp_path: Path, corner: float) -> None:
    ring = [[corner, *SQUARE[0][1:]]]
    text = write(tmp_path, [{'category_id': 3, 'segmentation': ring}])
    with pytest.raises(ValueError, match=r'annotation 0 of image 7 \(kitchen.jpg\) must have '
                       r'polygons near its image of size \(6, 8\), got a corner'):
        open_dataset(text)


@pytest.mark.parametrize('ring', [[0, 0, 'x', 1, 1, 1], [0, 0, None, 1, 1, 1], [0] * 7])
def test_a_polygon_of_no_corners_is_refused(tmp_path: Path, ring: list) -> None:
    with pytest.raises(ValueError, match='annotation 0 of image 7 .* must have polygons'):
        open_dataset(write(tmp_path, [{'category_id': 3, 'segmentation': [ring]}]))


def test_a_polygon_may_reach_beyond_the_image_and_be_of_texts(tmp_path: Path) -> None:
    ring = [str(value) for value in (-5, -5, 4, -5, 4, 3, -5, 3)]
    sample = open_dataset(write(tmp_path, [{'category_id': 3, 'segmentation': [ring]}]))[0]
    assert sample.label_map.tolist() == rectangle(0, 0, 3, 4).astype(int).tolist()


@pytest.mark.parametrize('counts', [
    [0, 4], [10, 10, 10], [40, 40], [50, -2], [10, 'x'], '0k', 'a', '', '\u00ff',
    compressed(rectangle(1, 1, 3, 3))['counts'][:-1]])
def test_runs_that_do_not_fill_the_image_are_refused(tmp_path: Path, counts: object) -> None:
    code = {'size': list(SIZE), 'counts': counts}
    with pytest.raises(ValueError, match='annotation 0 of image 7 .* counts'):
        open_dataset(write(tmp_path, [{'category_id': 3, 'segmentation': code}]))


def test_compressed_runs_are_those_that_pycocotools_writes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = tuple(rng.integers(1, 60, 2).tolist())
        mask = cv2.resize(rng.random((4, 5)), size[::-1]) > rng.random()
        code = coder.encode(np.asfortranarray(mask.astype(np.uint8)))
        for counts in (code['counts'], code['counts'].decode()):
            found = mask_of({'size': list(size), 'counts': counts}, size)
            assert (found is None) == (not mask.any())
            assert found is None or (found == mask).all()


BARE = [[], [[]], [[1, 2, 3, 4]], [[[0, 0], [4, 0], [4, 4]]], None,
        {'size': [6, 8], 'counts': [48]}, [{'size': [6, 8], 'counts': [0, 48]}]]


@pytest.mark.parametrize('bare', BARE)
def test_annotations_without_a_mask_are_counted_and_named(tmp_path: Path, bare: object) -> None:
    text = write(tmp_path, [{'category_id': 3, 'segmentation': bare},
                            {'category_id': 3, 'segmentation': SQUARE}])
    with pytest.warns(UserWarning, match='1 of 2 annotations have no mask: annotation 0 of image'):
        dataset = open_dataset(text)
    assert dataset[0].instance_count == 1


def test_a_file_without_any_mask_is_refused(tmp_path: Path) -> None:
    text = write(tmp_path, [{'category_id': 3, 'segmentation': bare} for bare in BARE])
    with pytest.raises(ValueError, match='7 of 7 annotations have no mask: .* and 4 more'):
        open_dataset(text)


SHARES = [[0.1, 0.1, 0.9, 0.1, 0.9, 0.9]]


def test_corners_as_shares_of_the_image_are_told_with_the_remedy(tmp_path: Path) -> None:
    text = write(tmp_path, [{'category_id': 3, 'segmentation': SHARES},
                            {'category_id': 3, 'segmentation': SQUARE}])
    with pytest.warns(UserWarning, match='1 of 2 annotations have corners from 0 to 1 only, .*: '
                      'annotation 0 of image .* multiply x by the width'):
        assert len(open_dataset(text)) == 1


def test_a_file_all_in_shares_is_refused(tmp_path: Path) -> None:
    text = write(tmp_path, [{'category_id': 3, 'segmentation': SHARES}])
    with pytest.raises(ValueError, match='1 of 1 annotations have corners from 0 to 1 only'):
        open_dataset(text)


@pytest.mark.parametrize(('image_id', 'annotated'), [(7, '7'), ('7', 7), (7, 7.0), ('007', '7'),
                                                     ('a1', 'a1')])
def test_ids_are_compared_as_numbers(tmp_path: Path, image_id: object, annotated: object) -> None:
    text = write(tmp_path, [{'category_id': '3', 'image_id': annotated, 'segmentation': SQUARE}],
                 images=[{'id': image_id, 'file_name': 'kitchen.jpg', 'height': '6',
                          'width': 8.0}])
    sample = open_dataset(text)[0]
    assert (sample.label_map > 0).sum() == 12 and sample.class_ids.tolist() == [0, 1]


def test_annotations_of_no_image_are_named(tmp_path: Path) -> None:
    marks = [{'category_id': 3, 'image_id': image, 'segmentation': SQUARE} for image in (7, 8, 9)]
    with pytest.warns(UserWarning, match=r'2 of 3 annotations are of no .* 1 \(image 8\), 2'):
        assert open_dataset(write(tmp_path, marks))[0].instance_count == 1
    with pytest.raises(ValueError, match='2 of 2 annotations are of no image'):
        open_dataset(write(tmp_path, marks[1:]))


@pytest.mark.parametrize(('crowd', 'ignored'), [('0', False), ('1', True), (1.0, True),
                                                (False, False), (True, True), (None, False)])
def test_a_crowd_may_be_said_in_any_way(tmp_path: Path, crowd: object, ignored: bool) -> None:
    mark = {'category_id': 3, 'segmentation': SQUARE, 'iscrowd': crowd}
    sample = open_dataset(write(tmp_path, [mark]))[0]
    assert (sample.label_map == IGNORE_LABEL).any() == ignored


@pytest.mark.parametrize('name', [
    'images/kitchen.jpg', 'images\\kitchen.jpg', '/home/me/data/kitchen.jpg', './kitchen.jpg',
    r'C:\Users\me\kitchen.jpg', 'http://host:80/data/kitchen.jpg', 's3://bucket/kitchen.jpg?v=1'])
def test_an_image_may_be_called_by_its_place_elsewhere(tmp_path: Path, name: str) -> None:
    text = write(tmp_path, [], images=[{'id': 7, 'file_name': name, 'height': 6, 'width': 8}])
    assert open_dataset(text)[0].name == 'kitchen'


def test_a_name_with_folders_or_a_backslash_is_first_taken_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, [])
    for name, level in (('a/kitchen.jpg', 100), ('a\\kitchen.jpg', 200)):
        path = tmp_path / 'images' / name
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.full((*SIZE, 3), level, np.uint8))
        text = write(tmp_path, [], images=[{'id': 7, 'file_name': name, 'height': 6, 'width': 8}])
        assert open_dataset(text)[0].image[0, 0, 0] == level


def three_images(tmp_path: Path) -> str:
    """Write a set of which the second image is missing and the third has a mask elsewhere."""
    text = write(tmp_path, [{'category_id': 3, 'segmentation': SQUARE},
                            {'category_id': 3, 'image_id': 9, 'segmentation': [[2e9] * 6]}],
                 images=[{'id': 7 + i, 'file_name': name, 'height': 6, 'width': 8}
                         for i, name in enumerate(('kitchen.jpg', 'gone.jpg', 'bad.jpg'))])
    cv2.imwrite(str(tmp_path / 'images' / 'bad.jpg'), np.zeros((*SIZE, 3), np.uint8))
    return text


def test_what_is_wrong_is_told_at_opening_and_can_be_left_out(tmp_path: Path) -> None:
    text = three_images(tmp_path)
    with pytest.raises(ValueError, match='2 of 3 images .* gone.jpg is not in .*; annotation 1 of '
                                         'image 9 .* --skip-missing'):
        open_dataset(text)
    with pytest.warns(UserWarning, match='2 of 3 images .* left out'):
        dataset = open_dataset(text, skip_missing=True)
    assert [dataset[i].name for i in range(len(dataset))] == ['kitchen']


def test_two_images_that_are_one_file_are_refused(tmp_path: Path) -> None:
    text = write(tmp_path, [], images=[
        {'id': i, 'file_name': f'{folder}/kitchen.jpg', 'height': 6, 'width': 8}
        for i, folder in enumerate('ab')])
    with pytest.raises(ValueError, match='a/kitchen.jpg and another are kitchen.jpg'):
        open_dataset(text)


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32'])
def test_a_byte_order_mark_is_read_over(tmp_path: Path, encoding: str) -> None:
    text = write(tmp_path, [])
    path = tmp_path / 'instances.json'
    path.write_bytes(path.read_text().encode(encoding))
    assert open_dataset(text).classes == ('cup', 'book')


def test_categories_of_one_name_are_one_class(tmp_path: Path) -> None:
    text = write(tmp_path, [{'category_id': 9, 'segmentation': polygon(0, 0, 2, 2)}],
                 categories=[{'id': 3, 'name': 'cup'}, {'id': 7, 'name': 'pen'},
                             {'id': 9, 'name': ' cup '}])
    dataset = open_dataset(text)
    assert (dataset.classes, dataset[0].class_ids.tolist()) == (('cup', 'pen'), [0, 1])


@pytest.mark.parametrize('name', [None, True, '', ['cup']])
def test_a_category_without_a_name_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(ValueError, match='category 3 must have a text as name'):
        open_dataset(write(tmp_path, [], categories=[{'id': 3, 'name': name}]))


def test_an_image_may_have_its_address_alone_as_in_lvis(tmp_path: Path) -> None:
    image = {'id': 7, 'height': SIZE[0], 'width': SIZE[1]}
    url = 'http://images.cocodataset.org/val2017/kitchen.jpg'
    assert open_dataset(write(tmp_path, [], images=[{**image, 'coco_url': url}]))[0].name == (
        'kitchen')
    with pytest.raises(ValueError, match='image 7 must have a file_name, got None'):
        open_dataset(write(tmp_path, [], images=[image]))


def test_a_polygon_of_pairs_among_others_is_not_lost(tmp_path: Path) -> None:
    rings = [*polygon(0, 0, 2, 2), [[3, 3], [5, 3], [5, 5]]]
    with pytest.raises(ValueError, match=r'must have polygons \[x, y, x, y, x, y\], got \[\[3, 3'):
        open_dataset(write(tmp_path, [{'category_id': 3, 'segmentation': rings}]))


def test_boxes_are_no_masks_however_they_are_turned(tmp_path: Path) -> None:
    turned = {'category_id': 3, 'segmentation': [], 'bbox': [1, 1, 4, 2],
              'attributes': {'rotation': 30.0}}
    drawn = {'category_id': 3, 'segmentation': polygon(0, 0, 2, 2)}
    with pytest.raises(ValueError, match="1 of 1 annotations have no mask.*CVAT's export Segm"):
        open_dataset(write(tmp_path, [turned]))
    with pytest.warns(UserWarning, match='1 of 2 annotations have no mask'):
        assert open_dataset(write(tmp_path, [turned, drawn]))[0].instance_count == 1


@pytest.mark.parametrize(('called', 'stored'), [
    ('cafe\u0301.jpg', 'caf\u00e9.jpg'), ('caf\u00e9.jpg', 'cafe\u0301.jpg'),
    ('my%20desk.jpg', 'my desk.jpg')])
def test_a_name_may_be_written_in_another_way(tmp_path: Path, called: str, stored: str) -> None:
    image = {'id': 7, 'file_name': called, 'height': SIZE[0], 'width': SIZE[1]}
    text = write(tmp_path, [], images=[image])
    (tmp_path / 'images' / 'kitchen.jpg').rename(tmp_path / 'images' / stored)
    assert open_dataset(text)[0].name == Path(stored).stem
