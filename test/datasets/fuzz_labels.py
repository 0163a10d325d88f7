# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read mutations of labelled data of every format: run by a test in a process of its own."""

from __future__ import annotations

import base64
from collections import Counter
import json
from pathlib import Path
import sys
from typing import Any

import cv2
from datasets.formats import (
    test_coco,
    test_exports,
    test_folder_dataset,
    test_labelme,
    test_voc,
    test_yolo,
)
from fuzzing import damaged, in_time, limit_process
from metricseg_ros.datasets.label_folder import write_pair
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.open_dataset import open_dataset
import numpy as np

EACH = 265
"""Mutations of each data set."""

ODD = [None, True, False, 0, -1, 1, 7, 2**70, -2**70, 1e300, float('nan'), float('inf'), 0.5, '',
       'x', '7', '\0', '../..', 'a' * 5000, [], [[]], [1, 2], [[0, 0, 1, 1, 1e9, 2]], {},
       {'counts': 'a'},
       {'size': [6, 8], 'counts': [1, 47]}, {'size': [2**40, 2**40], 'counts': [2**80]},
       {'size': [6, 8], 'counts': 'oooo'}, [None] * 9, '\udce9', [[[[]]]]]


def originals(folder: Path) -> dict[str, list[Path]]:
    """Write a data set of each format; return what opens it, with its files."""
    for name in ('coco', 'voc', 'cvat', 'sbd', 'plain'):
        (folder / name).mkdir()
    mask = test_coco.rectangle(4, 0, 6, 3)
    coco = test_coco.write(folder / 'coco', [
        {'category_id': 90, 'segmentation': test_coco.polygon(1, 2, 4, 6)},
        {'category_id': 3, 'segmentation': test_coco.counts(mask)},
        {'category_id': 3, 'segmentation': test_coco.compressed(mask), 'iscrowd': 1}])
    voc = test_voc.write_voc(folder / 'voc' / 'VOC2012', val=['a', 'b'])
    cvat = test_voc.write_cvat(folder / 'cvat' / 'root')
    sbd = test_voc.write_sbd(folder / 'sbd' / 'dataset', val=['a'])
    plain = folder / 'plain'
    for part in ('images', 'labels'):
        (plain / part).mkdir()
    for name, labels in (('a', [[0, 1, 2, 2]]), ('b', [[1, 1, 0, 65535]])):
        write_pair(plain, name, np.zeros((1, 4, 3), np.uint8), np.array(labels, np.uint16))
    test_folder_dataset.write_index(plain, a=['cup', 'book'], b=['cup'])
    (plain / 'classes.txt').write_text('cup\nbook\n')
    (plain / 'meta.json').write_text('{"partial_labels": true, "ignore_label": 9}')
    texts = {coco: folder / 'coco', f'voc:{voc}': voc, f'voc:{cvat}': cvat, f'voc:{sbd}': sbd,
             f'folder:{plain}': plain, **exported(folder)}
    return {text: sorted(path for path in root.rglob('*') if path.is_file())
            for text, root in texts.items()}


def exported(folder: Path) -> dict[str, Path]:
    """Write a data set as each label program does; return what opens it, with its folder."""
    parts = {name: folder / name for name in ('labelme', 'yolo', 'coco-of-cvat', 'masks-of-cvat',
                                              'packed', 'roboflow')}
    for root in parts.values():
        root.mkdir()
    drawn = cv2.imencode('.png', np.full((2, 3), 255, np.uint8))[1].tobytes()
    labelme = test_labelme.write(
        parts['labelme'], test_labelme.box('cup', 0, 0, 4, 8, group_id=1),
        test_labelme.shape('__ignore__', (9, 3), (6, 0), kind='rectangle'),
        test_labelme.shape('ball', (6, 4), (6, 7), kind='circle'),
        test_labelme.shape('cup', (5, 5), (8, 7), kind='mask',
                           mask=base64.b64encode(drawn).decode()))
    yolo = test_yolo.write(parts['yolo'], f'{test_yolo.LEFT}\n{test_yolo.CORNER}\n')
    test_exports.cvat_coco(parts['coco-of-cvat'])
    test_exports.cvat_masks(parts['masks-of-cvat'])
    test_exports.zipped(parts['masks-of-cvat']).rename(parts['packed'] / 'task.zip')
    test_exports.roboflow(parts['roboflow'])
    return {labelme: parts['labelme'], yolo: parts['yolo'],
            f'cvat:{parts["coco-of-cvat"]}': parts['coco-of-cvat'],
            f'cvat:{parts["masks-of-cvat"]}': parts['masks-of-cvat'],
            f'cvat:{parts["packed"] / "task.zip"}': parts['packed'],
            f'roboflow:{parts["roboflow"]}': parts['roboflow']}


def mutated(value: Any, rng: np.random.Generator) -> Any:
    """Replace, remove or repeat something somewhere in a JSON value."""
    inside = value if isinstance(value, (list, dict)) else None
    if not inside or rng.random() < 0.15:
        return ODD[rng.integers(len(ODD))]
    keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
    key = keys[rng.integers(len(keys))]
    changed = inside.copy()
    if rng.random() < 0.1:
        del changed[key]
    elif isinstance(changed, list) and rng.random() < 0.1:
        changed.append(changed[key])
    else:
        changed[key] = mutated(changed[key], rng)
    return changed


def read_all(text: str, skip_missing: bool) -> None:
    dataset = open_dataset(text, skip_missing)
    for index in range(len(dataset)):
        sample = dataset[index]
        assert isinstance(sample, LabelledImage)
        assert sample.class_ids.max() <= len(dataset.classes)


def main() -> None:
    """Mutate and read; whatever is not a ValueError ends the process with a traceback."""
    limit_process()
    rng, outcomes = np.random.default_rng(0), Counter[str]()
    sets = list(originals(Path(sys.argv[1])).items())
    for text, _ in sets:
        read_all(text, False)
    for number in range(EACH * len(sets)):
        text, files = sets[number % len(sets)]
        jsons = [path for path in files if path.suffix == '.json']
        path = files[rng.integers(len(files))]
        if jsons and rng.random() < 0.7:
            path = jsons[rng.integers(len(jsons))]
        data = path.read_bytes()
        path.write_bytes(json.dumps(mutated(json.loads(data), rng)).encode()
                         if path.suffix == '.json' and rng.random() < 0.8 else damaged(data, rng))
        print(number, path, flush=True)
        try:
            in_time(lambda text=text, number=number: read_all(text, number % 2 == 1))
            outcomes['read'] += 1
        except ValueError as error:
            assert str(error), path
            outcomes['refused'] += 1
        path.write_bytes(data)
    print((dict(outcomes), len(sets)))


if __name__ == '__main__':
    main()
