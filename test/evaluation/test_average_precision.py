# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AP^r: by hand, and against a plain evaluation over whole masks; COCO AP against its own JSON."""

from __future__ import annotations

import contextlib
import io
import json

from evaluation.scenes import instances_of, labelled, random_scene
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.evaluation.average_precision import (
    area_under_curve,
    average_precision,
    mean_average_precision,
)
from metricseg_ros.evaluation.coco import coco_figures, encode_image
from metricseg_ros.evaluation.matches import class_accuracy, common_classes, match
import numpy as np
from pycocotools import mask as coder
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
import pytest

CLASSES = np.arange(4, dtype=np.uint16)


def scenes(seed, count=12, ignored=None):
    rng = np.random.default_rng(seed)
    return [random_scene(rng, ignored) for _ in range(count)]


def plain_average_precision(pairs, class_id, threshold):
    """Go through all masks of a class by score, as PASCAL VOC's development kit does."""
    rows, truth, taken = [], [], set()
    for number, (sample, instances) in enumerate(pairs):
        valid = sample.label_map != IGNORE_LABEL
        truth.append([(label, sample.label_map == label) for label in
                      range(1, sample.instance_count + 1)
                      if sample.class_ids[label] == class_id
                      and (sample.label_map == label).any()])
        rows += [(-score, number, index) for index, score in enumerate(instances.scores)
                 if instances.class_ids[index] == class_id
                 and (instances.mask(index) & valid).any()]
    rights = []
    for _, number, index in sorted(rows):
        sample, instances = pairs[number]
        mask = instances.mask(index) & (sample.label_map != IGNORE_LABEL)
        ious = [((mask & true).sum() / (mask | true).sum(), -label)
                for label, true in truth[number]]
        best, label = max(ious, default=(0, 0))
        rights.append(best >= threshold and (number, label) not in taken)
        if rights[-1]:
            taken.add((number, label))
    total = sum(map(len, truth))
    recalls = [0, *np.cumsum(rights) / total, 1]
    precisions = [0, *np.cumsum(rights) / np.arange(1, len(rights) + 1), 0]
    for index in range(len(precisions) - 2, -1, -1):
        precisions[index] = max(precisions[index], precisions[index + 1])
    return sum((recalls[i] - recalls[i - 1]) * precisions[i] for i in range(1, len(recalls)))


@pytest.mark.parametrize('ignored', [None, (20, 10, 50, 40)])
@pytest.mark.parametrize('seed', range(3))
def test_values_are_those_of_a_plain_evaluation(seed, ignored):
    pairs = scenes(seed, ignored=ignored)
    images = [match(instances, sample, CLASSES) for sample, instances in pairs]
    for threshold in (0.1, 0.5, 0.7, 0.9):
        expected = [plain_average_precision(pairs, class_id, threshold) for class_id in (1, 2, 3)]
        assert threshold > 0.6 or any(0 < value < 1 for value in expected)
        assert [average_precision(images, class_id, threshold)
                for class_id in (1, 2, 3)] == pytest.approx(expected)
        assert mean_average_precision(images, (threshold,))[threshold] == pytest.approx(
            np.mean(expected))


@pytest.mark.parametrize(('right', 'count', 'expected'), [
    ((1, 1), 2, 1.0), ((1, 0), 2, 0.5), ((0, 1), 1, 0.5), ((0, 0), 3, 0.0), ((), 3, 0.0),
    # Precision 1, then 1/2, 2/3, 2/4, 3/5: envelope at the three right ones 1, 2/3, 3/5.
    ((1, 0, 1, 0, 1), 4, (1 + 2 / 3 + 3 / 5) / 4)])
def test_the_area_is_the_one_computed_by_hand(right, count, expected):
    assert area_under_curve(np.array(right, bool), count) == pytest.approx(expected)


def test_a_second_mask_of_an_object_is_wrong():
    sample = labelled([(10, 10, 30, 30)], [1])
    twice = instances_of(2 * [(10, 10, 30, 30)], [0.9, 0.8], [1, 1])
    other_first = instances_of([(10, 10, 30, 30), (50, 10, 70, 30)], [0.8, 0.9], [1, 1])
    assert average_precision([match(twice, sample, CLASSES)], 1, 0.5) == 1
    assert average_precision([match(other_first, sample, CLASSES)], 1, 0.5) == 0.5


def test_a_mask_tied_to_an_object_that_is_taken_is_not_tied_to_the_next_best():
    sample = labelled([(0, 0, 20, 10), (20, 0, 36, 10)], [1, 1])
    # The second has an IoU of 20/36 with the first object, which is taken, 16/36 with the other.
    found = instances_of([(0, 0, 20, 10), (0, 0, 36, 10)], [0.9, 0.8], [1, 1])
    assert average_precision([match(found, sample, CLASSES)], 1, 0.4) == 0.5


def test_void_pixels_are_taken_from_predictions():
    sample = labelled([(10, 10, 20, 20)], [1], ignored=(20, 0, 80, 60))
    found = instances_of([(10, 10, 60, 20), (40, 30, 60, 50)], [0.5, 0.9], [1, 1])
    image = match(found, sample, CLASSES)
    assert image.iou.tolist() == [[1.0]]  # The one that is void altogether is left out.
    assert average_precision([image], 1, 0.9) == 1


@pytest.mark.parametrize(('height', 'right'), [(10, 1.0), (9, 0.0)])
def test_an_iou_at_the_threshold_is_enough(height, right):
    sample = labelled([(0, 0, 20, 20)], [1])
    found = instances_of([(0, 0, 20, height)], [0.9], [1])
    assert average_precision([match(found, sample, CLASSES)], 1, 0.5) == right


def test_a_class_that_is_never_true_has_no_value():
    sample = labelled([(0, 0, 20, 20)], [1])
    images = [match(instances_of([], [], []), sample, CLASSES)]
    assert np.isnan(average_precision(images, 2, 0.5))
    assert mean_average_precision(images, (0.5,)) == {0.5: 0.0}


def coco_json(pairs, agnostic):
    """Write truth and results as COCO's files hold them."""
    def code(mask):
        coded = coder.encode(np.asfortranarray(mask.astype(np.uint8)))
        return {'size': coded['size'], 'counts': coded['counts'].decode()}
    truth, results = [], []
    for number, (sample, instances) in enumerate(pairs):
        for label in range(1, sample.instance_count + 1):
            mask = sample.label_map == label
            if mask.any():
                truth.append({'id': len(truth) + 1, 'image_id': number, 'iscrowd': 0,
                              'category_id': 1 if agnostic else int(sample.class_ids[label]),
                              'segmentation': code(mask), 'area': int(mask.sum())})
        for index in range(len(instances)):
            results.append({'image_id': number, 'score': float(instances.scores[index]),
                            'category_id': 1 if agnostic else int(instances.class_ids[index]),
                            'segmentation': code(instances.mask(index))})
    images = [{'id': number, 'height': 60, 'width': 80} for number in range(len(pairs))]
    return {'info': {}, 'images': images, 'annotations': truth,
            'categories': [{'id': i} for i in ((1,) if agnostic else (1, 2, 3))]}, results


@pytest.mark.parametrize('agnostic', [True, False])
def test_coco_figures_are_those_of_its_own_tool_on_its_own_files(tmp_path, agnostic):
    pairs = scenes(0)
    truth, results = coco_json(pairs, agnostic)
    for name, content in (('truth', truth), ('results', results)):
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = COCO(tmp_path / 'truth.json')
        tool = COCOeval(annotations, annotations.loadRes(str(tmp_path / 'results.json')), 'segm')
        tool.evaluate()
        tool.accumulate()
        tool.summarize()
    images = [encode_image(instances, sample, CLASSES) for sample, instances in pairs]
    figures = coco_figures(images, None if agnostic else (1, 2, 3))
    assert 0 < figures['coco_ap'] < 1
    assert [figures[name] for name in ('coco_ap', 'coco_ap50', 'coco_ap75', 'coco_ar100')] == \
        pytest.approx(tool.stats[[0, 1, 2, 8]])


def test_a_mask_inside_what_is_ignored_costs_no_coco_ap():
    sample = labelled([(5, 5, 25, 25)], [1], ignored=(40, 0, 80, 60))
    for class_id in (1, 2):
        found = instances_of([(5, 5, 25, 25), (50, 10, 70, 30)], [0.8, 0.9], [1, class_id])
        images = [encode_image(found, sample, CLASSES)]
        for classes in (None, (1, 2)):
            assert coco_figures(images, classes)['coco_ap'] == pytest.approx(1)


def test_coco_figures_of_empty_sides():
    nothing = instances_of([], [], [])
    sample = labelled([(5, 5, 25, 25)], [1])
    assert coco_figures([encode_image(nothing, sample, CLASSES)], None)['coco_ap'] == 0
    found = instances_of([(5, 5, 25, 25)], [0.9], [1])
    empty = coco_figures([encode_image(found, labelled([], []), CLASSES)], None)
    assert np.isnan(list(empty.values())).all()


def test_classes_agree_by_name():
    assert common_classes(('Potted Plant', 'object', 'cup'), ('cup', 'pottedplant')).tolist() == [
        0, 2, 0, 1]


def test_class_accuracy_counts_found_objects_of_common_classes():
    sample = labelled([(0, 0, 20, 20), (30, 0, 50, 20), (55, 0, 75, 20), (0, 30, 20, 50)],
                      [1, 2, 3, 1])
    found = instances_of([(0, 0, 20, 20), (30, 0, 50, 20), (55, 0, 75, 20)], [0.9, 0.8, 0.7],
                         [1, 1, 2])
    # The model knows classes 1 and 2 of the data set; the fourth object is not found.
    images = [match(found, sample, np.array([0, 1, 2], np.uint16))]
    assert class_accuracy(images) == (0.5, 2)
    assert class_accuracy([match(found, labelled([], []), CLASSES)])[1] == 0
