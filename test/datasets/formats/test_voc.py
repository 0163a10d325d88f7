# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""VOC and SBD are read from files of their own formats: palettes, void, MATLAB structures."""

from __future__ import annotations

from pathlib import Path

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.formats.voc import CLASSES
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.datasets.reading.matlab import read_matlab
from metricseg_ros.inputs.codec import encode
import numpy as np
from PIL import Image
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

OBJECTS = [[1, 1, 255, 0], [1, 255, 3, 3]]
SEMANTIC = [[15, 15, 255, 0], [15, 255, 5, 5]]
PERSON, BOTTLE = CLASSES.index('person') + 1, CLASSES.index('bottle') + 1


def write_palette(path: Path, indices: list[list[int]]) -> None:
    image = Image.fromarray(np.array(indices, np.uint8), 'P')
    image.putpalette([(37 * i) % 256 for i in range(768)])
    image.save(path)


def write_voc(root: Path, **splits: list[str]) -> Path:
    lists = root / 'ImageSets' / 'Segmentation'
    for part in ('JPEGImages', 'SegmentationObject', 'SegmentationClass'):
        (root / part).mkdir(parents=True)
    lists.mkdir(parents=True)
    for split, names in splits.items():
        (lists / f'{split}.txt').write_text(''.join(f'{name}\n' for name in names))
        for name in names:
            cv2.imwrite(str(root / 'JPEGImages' / f'{name}.jpg'), np.zeros((2, 4, 3), np.uint8))
            write_palette(root / 'SegmentationObject' / f'{name}.png', OBJECTS)
            write_palette(root / 'SegmentationClass' / f'{name}.png', SEMANTIC)
    return root


def write_sbd(root: Path, **splits: list[str]) -> Path:
    """Write what MATLAB wrote: a structure with sparse boundaries in cells, categories (N,1)."""
    for part in ('img', 'inst'):
        (root / part).mkdir(parents=True)
    for split, names in splits.items():
        (root / f'{split}.txt').write_text('\n'.join(names))
        for name in names:
            cv2.imwrite(str(root / 'img' / f'{name}.jpg'), np.zeros((2, 4, 3), np.uint8))
            boundaries = np.empty((2, 1), object)
            boundaries[:, 0] = [csc_matrix((2, 4)), csc_matrix((2, 4))]
            truth = {'Segmentation': np.array([[1, 1, 0, 0], [0, 0, 2, 2]], np.uint8),
                     'Boundaries': boundaries,
                     'Categories': np.array([[PERSON], [BOTTLE]], np.uint8)}
            savemat(root / 'inst' / f'{name}.mat', {'GTinst': truth})
    return root


def test_voc_labels_void_and_classes(tmp_path: Path) -> None:
    write_voc(tmp_path / 'VOCdevkit' / 'VOC2012', val=['2007_000033'], train=['x', 'y'])
    dataset = open_dataset(f'voc:{tmp_path}')
    sample = dataset[0]
    assert (len(dataset), len(dataset.classes), sample.name) == (1, 20, '2007_000033')
    assert sample.label_map.tolist() == [[1, 1, IGNORE_LABEL, 0], [1, IGNORE_LABEL, 2, 2]]
    assert sample.class_ids.tolist() == [0, PERSON, BOTTLE]
    assert len(open_dataset(f'voc:{tmp_path}:train')) == 2


def test_class_of_an_instance_is_that_of_most_of_its_pixels(tmp_path: Path) -> None:
    root = write_voc(tmp_path, val=['a'])
    write_palette(root / 'SegmentationClass' / 'a.png', [[15, 15, 255, 0], [5, 255, 255, 255]])
    with pytest.warns(UserWarning, match='a.png: 1 of 2 objects have no class in Segmentation'):
        assert open_dataset(f'voc:{root}')[0].class_ids.tolist() == [0, PERSON, 0]


def test_sbd_labels_and_classes(tmp_path: Path) -> None:
    write_sbd(tmp_path / 'benchmark_RELEASE' / 'dataset', train=['a'], val=['b', 'c'])
    sample = open_dataset(f'voc:{tmp_path}')[1]
    assert (sample.name, sample.class_ids.tolist()) == ('c', [0, PERSON, BOTTLE])
    assert sample.label_map.tolist() == [[1, 1, 0, 0], [0, 0, 2, 2]]
    assert len(open_dataset(f'voc:{tmp_path}:trainval')) == 3


def test_augmented_training_set_leaves_out_voc_val_and_prefers_voc_labels(tmp_path: Path) -> None:
    write_voc(tmp_path / 'VOC2012', train=['a', 'b'], val=['c'])
    write_sbd(tmp_path / 'dataset', train=['b', 'd'], val=['c', 'e'])
    dataset = open_dataset(f'voc:{tmp_path}:trainaug')
    samples = {sample.name: sample for sample in map(dataset.__getitem__, range(len(dataset)))}
    assert list(samples) == ['a', 'b', 'd', 'e']
    assert {name: bool((sample.label_map == IGNORE_LABEL).any())
            for name, sample in samples.items()} == {'a': True, 'b': True, 'd': False, 'e': False}


def test_a_wrong_folder_says_what_was_expected_and_found(tmp_path: Path) -> None:
    (tmp_path / 'holiday').mkdir()
    with pytest.raises(ValueError, match=r'needs JPEGImages/.* inst/ of SBD, got holiday/ in'):
        open_dataset(f'voc:{tmp_path}')
    with pytest.raises(ValueError, match='got no folder at'):
        open_dataset(f'voc:{tmp_path / "nowhere"}')


def test_trainaug_without_sbd_is_refused(tmp_path: Path) -> None:
    write_voc(tmp_path / 'VOC2012', train=['a'], val=['c'])
    with pytest.raises(ValueError, match='trainaug needs VOC .* and SBD'):
        open_dataset(f'voc:{tmp_path}:trainaug')


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one of train, val, trainval, trainaug, got 'test'"):
        open_dataset(f'voc:{write_voc(tmp_path, val=["a"])}:test')


@pytest.mark.parametrize(('part', 'name'), [
    ('SegmentationObject', 'a.png'), ('SegmentationClass', 'a.png'), ('JPEGImages', 'a.jpg')])
def test_a_missing_file_is_named(tmp_path: Path, part: str, name: str) -> None:
    (write_voc(tmp_path, val=['a']) / part / name).unlink()
    with pytest.raises(ValueError, match=f'{part}/{name}'):
        open_dataset(f'voc:{tmp_path}')[0]


def test_a_picture_in_place_of_labels_is_refused(tmp_path: Path) -> None:
    root = write_voc(tmp_path, val=['a'])
    red = np.full((2, 4, 3), (0, 0, 255), np.uint8)
    cv2.imwrite(str(root / 'SegmentationClass' / 'a.png'), red)
    with pytest.raises(ValueError, match='in the colours of its classes, got #ff0000'):
        open_dataset(f'voc:{root}')[0]


def test_a_class_beyond_the_twenty_is_refused(tmp_path: Path) -> None:
    root = write_voc(tmp_path, val=['a'])
    write_palette(root / 'SegmentationClass' / 'a.png', [[15, 15, 255, 0], [15, 21, 21, 21]])
    with pytest.raises(ValueError, match='0 to 20 or 255, got 21'):
        open_dataset(f'voc:{root}')[0]


def test_a_broken_mat_file_is_named(tmp_path: Path) -> None:
    root = write_sbd(tmp_path, val=['a'])
    for content in (b'no mat file', None):
        path = root / 'inst' / 'a.mat'
        path.write_bytes(content) if content else savemat(path, {'GTcls': 1})
        with pytest.raises(ValueError, match='a.mat must hold GTinst'):
            open_dataset(f'voc:{root}')[0]


CUP, PEN = (10, 128, 0), (0, 0, 200)


def write_cvat(root: Path, split: str = 'default', suffix: str = '.png') -> Path:
    """Write what CVAT exports as segmentation masks: painted, with classes of its own."""
    root = write_voc(root, **{split: ['my photo']})
    (root / 'labelmap.txt').write_text(
        '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncup:10,128,0::\npen:0,0,200::\n')
    image = np.zeros((2, 4, 3), np.uint8)
    (root / 'JPEGImages' / 'my photo.jpg').unlink()
    (root / 'JPEGImages' / f'my photo{suffix}').write_bytes(encode(image, suffix.lower()))
    objects, classes = image.copy(), image.copy()
    objects[0, :2], objects[1, :2], objects[:, 3] = (128, 0, 0), (0, 128, 0), (224, 224, 192)
    classes[0, :2], classes[1, :2], classes[:, 3] = CUP, PEN, (224, 224, 192)
    for part, pixels in (('SegmentationObject', objects), ('SegmentationClass', classes)):
        (root / part / 'my photo.png').write_bytes(encode(pixels, '.png'))
    return root


@pytest.mark.parametrize('suffix', ['.png', '.JPG', '.webp'])
def test_cvats_masks_are_read_with_their_own_classes_and_split(tmp_path: Path,
                                                               suffix: str) -> None:
    root = write_cvat(tmp_path, suffix=suffix)
    for text in (f'voc:{root}', f'voc:{root}:default'):
        dataset = open_dataset(text)
        assert dataset.classes == ('cup', 'pen')
        sample = dataset[0]
        upper, lower = sample.label_map[0, 0], sample.label_map[1, 0]
        assert sample.label_map.tolist() == [[upper, upper, 0, IGNORE_LABEL],
                                             [lower, lower, 0, IGNORE_LABEL]]
        assert sorted((upper, lower)) == [1, 2]
        assert [dataset.classes[sample.class_ids[label] - 1] for label in (upper, lower)] == [
            'cup', 'pen']
        assert sample.name == 'my photo'


def test_a_colour_that_the_labelmap_lacks_is_named(tmp_path: Path) -> None:
    root = write_cvat(tmp_path)
    (root / 'labelmap.txt').write_text('background:0,0,0::\ncup:10,128,0::\n')
    with pytest.raises(ValueError, match='got #0000c8'):
        open_dataset(f'voc:{root}')[0]


@pytest.mark.parametrize('text', ['cup', 'cup:1,2::', 'cup:300,0,0::', ''])
def test_a_labelmap_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    root = write_cvat(tmp_path)
    (root / 'labelmap.txt').write_text(text)
    with pytest.raises(ValueError, match='labelmap.txt must have lines such as cup:10,128,0::'):
        open_dataset(f'voc:{root}')


def test_masks_painted_in_vocs_colours_are_read(tmp_path: Path) -> None:
    root = write_voc(tmp_path, val=['a'])
    colours = {0: (0, 0, 0), 255: (224, 224, 192), 15: (192, 128, 128), 5: (128, 0, 128),
               1: (128, 0, 0), 3: (128, 128, 0)}
    for part, indices in (('SegmentationObject', OBJECTS), ('SegmentationClass', SEMANTIC)):
        pixels = np.array([[colours[index] for index in row] for row in indices], np.uint8)
        (root / part / 'a.png').write_bytes(encode(pixels, '.png'))
    sample = open_dataset(f'voc:{root}')[0]
    assert (sample.label_map == IGNORE_LABEL).tolist() == (np.array(OBJECTS) == 255).tolist()
    assert sample.class_ids[sample.label_map[0, 0]] == PERSON
    assert sample.class_ids[sample.label_map[1, 3]] == BOTTLE


def test_what_is_missing_is_told_at_opening_and_can_be_left_out(tmp_path: Path) -> None:
    root = write_voc(tmp_path, val=['a', 'b', 'c'])
    (root / 'SegmentationClass' / 'b.png').unlink()
    with pytest.raises(ValueError, match='1 of 3 images of .*SegmentationClass/b.png is missing'):
        open_dataset(f'voc:{root}')
    with pytest.warns(UserWarning, match='1 of 3 images'):
        dataset = open_dataset(f'voc:{root}', skip_missing=True)
    assert [dataset[i].name for i in range(len(dataset))] == ['a', 'c']


@pytest.mark.parametrize('categories', [[[0], [3]], [[3], [21]], [[-1], [3]], [[300], [3]]])
def test_a_category_that_sbd_has_not_is_refused(tmp_path: Path, categories: list) -> None:
    root = write_sbd(tmp_path, val=['a'])
    truth = {'Segmentation': np.array([[1, 1, 0, 0], [0, 0, 2, 2]], np.uint8),
             'Categories': np.array(categories)}
    savemat(root / 'inst' / 'a.mat', {'GTinst': truth})
    with pytest.raises(ValueError, match='Categories of .*a.mat must be from 1 to 20'):
        open_dataset(f'voc:{root}')[0]


@pytest.mark.parametrize('compressed', [False, True])
def test_matlab_files_are_read_as_scipy_writes_them(tmp_path: Path, compressed: bool) -> None:
    numbers = {kind: (np.arange(12) % 5).reshape(3, 4).astype(kind)
               for kind in ('u1', 'i2', 'u2', 'i4', 'f4', 'f8')}
    savemat(tmp_path / 'a.mat', {'some': {**numbers, 'text': 'cup'}, 'one': np.uint8([[7]])},
            do_compression=compressed)
    found = read_matlab((tmp_path / 'a.mat').read_bytes())
    assert found['one'].tolist() == [[7]] and found['some']['text'] is None
    for kind, values in numbers.items():
        np.testing.assert_array_equal(found['some'][kind], values)
