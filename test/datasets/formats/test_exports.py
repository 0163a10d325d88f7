# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""CVAT's and Roboflow's exports are read as they come."""

from __future__ import annotations

import json
from pathlib import Path
import shutil
import zipfile

import cv2
from datasets.reading.test_files import turned
from metricseg_ros.datasets.open_dataset import open_dataset
import numpy as np
import pytest

SIZE = (6, 10)
CUP, BOOK = (128, 0, 64), (0, 64, 128)  # RGB, of the classes


def coco(images: list[str], categories: list[dict], annotations: list[dict]) -> str:
    return json.dumps({
        'images': [{'id': number, 'file_name': name, 'height': SIZE[0], 'width': SIZE[1]}
                   for number, name in enumerate(images, start=1)],
        'categories': categories, 'annotations': annotations})


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((*SIZE, 3), np.uint8))


def box(left: int, top: int, right: int, bottom: int) -> list[list[int]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def cvat_coco(root: Path) -> Path:
    """Write what CVAT exports as COCO: what was drawn with the brush as a crowd in runs."""
    picture(root / 'images' / 'desk.png')
    runs = {'size': list(SIZE), 'counts': [0, 12, 48]}  # The first two columns.
    (root / 'annotations').mkdir()
    (root / 'annotations' / 'instances_default.json').write_text(coco(
        ['desk.png'], [{'id': 1, 'name': 'cup'}, {'id': 2, 'name': 'book'}],
        [{'id': 1, 'image_id': 1, 'category_id': 1, 'iscrowd': 1, 'segmentation': runs},
         {'id': 2, 'image_id': 1, 'category_id': 2, 'iscrowd': 0,
          'segmentation': box(4, 0, 8, 3)}]))
    return root


def cvat_masks(root: Path, palette: bool = False) -> Path:
    """Write what CVAT exports as segmentation masks: two cups that touch, and a book."""
    picture(root / 'JPEGImages' / 'desk.jpg')
    objects, classes = np.zeros((*SIZE, 3), np.uint8), np.zeros((*SIZE, 3), np.uint8)
    for left, right, colour, of_class in ((0, 3, (128, 0, 0), CUP), (3, 6, (0, 128, 0), CUP),
                                          (8, 10, (128, 128, 0), BOOK)):
        objects[:3, left:right], classes[:3, left:right] = colour, of_class
    for name, image in (('SegmentationObject', objects), ('SegmentationClass', classes)):
        (root / name).mkdir()
        if palette:
            from PIL import Image
            Image.fromarray(image).quantize(8).save(root / name / 'desk.png')
        else:
            cv2.imwrite(str(root / name / 'desk.png'), image[..., ::-1])
    (root / 'labelmap.txt').write_text(
        '# label:color_rgb:parts:actions\nbackground:0,0,0::\n'
        f'cup:{",".join(map(str, CUP))}::\nbook:{",".join(map(str, BOOK))}::\n')
    return root


def roboflow(root: Path) -> Path:
    """Write what Roboflow exports as COCO: two parts, and a category of its own."""
    categories = [{'id': 0, 'name': 'my-project'}, {'id': 1, 'name': 'bolt'},
                  {'id': 2, 'name': 'nut'}]
    for part, category in (('train', 1), ('valid', 2)):
        picture(root / part / f'{part}.jpg')
        (root / part / '_annotations.coco.json').write_text(coco(
            [f'{part}.jpg'], categories,
            [{'id': 1, 'image_id': 1, 'category_id': category, 'segmentation': box(1, 1, 5, 4)}]))
    return root


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), 'zip', folder))


@pytest.mark.parametrize('as_zip', [False, True])
def test_cvat_coco_takes_what_was_brushed_for_objects(tmp_path: Path, as_zip: bool) -> None:
    folder = cvat_coco(tmp_path / 'task')
    dataset = open_dataset(f'cvat:{zipped(folder) if as_zip else folder}')
    sample = dataset[0]
    assert dataset.classes == ('cup', 'book')
    assert sample.class_ids[sample.label_map[0, 0]] == 1
    assert (sample.label_map[:, :2] == sample.label_map[0, 0]).all()
    assert (sample.class_ids[sample.label_map[:3, 4:8]] == 2).all()
    assert (sample.label_map > 0).sum() == 12 + 12
    assert sample.background_known


@pytest.mark.parametrize('palette', [False, True])
@pytest.mark.parametrize('as_zip', [False, True])
def test_cvat_masks_are_objects_by_colour(tmp_path: Path, as_zip: bool, palette: bool) -> None:
    folder = cvat_masks(tmp_path / 'task', palette)
    dataset = open_dataset(f'cvat:{zipped(folder) if as_zip else folder}')
    sample = dataset[0]
    assert dataset.classes == ('cup', 'book')
    labels = sample.label_map[0]
    assert len({labels[0], labels[3], labels[8], 0}) == 4
    assert [int(sample.class_ids[labels[column]]) for column in (0, 3, 8, 6)] == [1, 1, 2, 0]
    assert not sample.label_map[3:].any()


@pytest.mark.parametrize(('write', 'image'), [(cvat_coco, 'images/desk.png'),
                                              (cvat_masks, 'JPEGImages/desk.jpg')])
def test_cvat_labels_the_image_as_it_is_turned(tmp_path: Path, write, image: str) -> None:
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[:, 5:] = 255
    (write(tmp_path) / image).write_bytes(turned(pixels, 3))  # By half a turn.
    assert (open_dataset(f'cvat:{tmp_path}')[0].image[:, :5] > 127).all()


def test_each_part_of_a_cvat_export_has_a_folder_of_its_own(tmp_path: Path) -> None:
    for part in ('train', 'val'):
        picture(tmp_path / 'images' / part / f'{part}.png')
        (tmp_path / 'annotations').mkdir(exist_ok=True)
        (tmp_path / 'annotations' / f'instances_{part}.json').write_text(coco(
            [f'{part}.png'], [{'id': 1, 'name': 'cup'}],
            [{'id': 1, 'image_id': 1, 'category_id': 1, 'segmentation': box(0, 0, 2, 2)}]))
    dataset = open_dataset(f'cvat:{tmp_path}')
    assert [dataset[index].name for index in range(len(dataset))] == ['train', 'val']


@pytest.mark.parametrize('part', ['labelmap.txt', 'JPEGImages'])
def test_masks_without_classes_or_images_are_refused(tmp_path: Path, part: str) -> None:
    folder = cvat_masks(tmp_path / 'task')
    (folder / part).rename(folder / 'elsewhere')
    with pytest.raises(ValueError, match='must list the classes|choose to save images'):
        open_dataset(f'cvat:{folder}')


def test_an_export_without_images_says_how_to_get_them(tmp_path: Path) -> None:
    folder = cvat_coco(tmp_path / 'task')
    shutil.rmtree(folder / 'images')
    with pytest.raises(ValueError, match='choose to save images'):
        open_dataset(f'cvat:{folder}')


def test_a_zip_file_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    path = tmp_path / 'evil.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('../../../../../../tmp/metricseg-evil', 'x')
    with pytest.raises(ValueError, match='cvat needs an export'):
        open_dataset(f'cvat:{path}')
    assert not Path('/tmp/metricseg-evil').exists()


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 but no more', b'no zip at all'])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'task.zip'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='is no zip file'):
        open_dataset(f'cvat:{path}')


def test_roboflow_joins_its_parts_and_leaves_its_own_category_out(tmp_path: Path) -> None:
    dataset = open_dataset(f'roboflow:{roboflow(tmp_path)}')
    assert dataset.classes == ('bolt', 'nut')
    assert [dataset[index].class_ids.tolist() for index in (0, 1)] == [[0, 1], [0, 2]]
    assert dataset[0].background_known
    assert len(open_dataset(f'roboflow:{tmp_path / "train"}')) == 1


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='needs a folder with _annotations.coco.json'):
        open_dataset(f'roboflow:{tmp_path}')
