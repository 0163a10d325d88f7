# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Count the clicks that labelling an image takes, with and without the model's pre-labels.

A simulated user clicks into the middle of the largest wrong region until the mean IoU of the true
objects is 0.9: an object is added, extended, cut, split or deleted as the page does it. Beside it:
the corners of polygons of the same IoU, drawn from nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import sys
from typing import NamedTuple

from benchmarks.command import main
import cv2
from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.benchmark.measuring import load_average, report_rows
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import add_configuration, add_json, configuration, split_overrides
from metricseg_ros.config import BACKGROUND, GroupingConfig, IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.evaluation.overlap import best_matching, f_of_pairs, shared_pixels
from metricseg_ros.labelling.labels import LabelError, Labels, painted, split
from metricseg_ros.labelling.pointing import (
    added,
    cut,
    depth_inside,
    extended,
    part_at,
    Pixel,
    presegmented,
)
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage
import numpy as np

COLUMNS = ('set', 'images', 'objects', 'iou_found', 'clicks_with', 'reached_with',
           'clicks_without', 'reached_without', 'corners')
GOAL = 0.9
MOST_CLICKS = 30
"""Clicks after which the simulated user gives up and would take the brush."""

NAME = 'object'


class Error(NamedTuple):
    """
    A wrong region.

    :param area: in pixels.
    :param action: what mends it: add, extend, cut or delete.
    :param label: of the object that is changed; 0 for a new one.
    :param region: (H,W) bool.
    """

    area: int
    action: str
    label: int
    region: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='+', metavar='DATASET',
                        help='labelled images; or KEY=VALUE, any parameter')
    parser.add_argument('--images', type=whole_number(1), default=20,
                        help='most images of each set, evenly spread (default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """Count, print the table, write the JSON."""
    texts, args.overrides = split_overrides(args.inputs)
    if not texts:
        raise ValueError('give a DATASET, got only KEY=VALUE')
    segmenter, load = open_segmenter(configuration(args)), load_average()
    rows = []
    for text in texts:
        dataset = open_dataset(text)
        chosen = np.unique(np.linspace(0, len(dataset) - 1, args.images).round().astype(int))
        counts = [count_image(segmenter, dataset[index]) for index in chosen]
        rows.append({'set': text.rstrip('/').rpartition('/')[2], 'images': len(counts),
                     **{name: round(float(np.mean([own[name] for own in counts])), 2)
                        for name in counts[0]}})
    report_rows('labelling', load, rows, COLUMNS, args.json, goal=GOAL, most_clicks=MOST_CLICKS,
                model=segmenter.description.name)
    segmenter.close()
    return DONE


def count_image(segmenter: InstanceSegmenter, sample: LabelledImage) -> dict[str, float]:
    """Count clicks and corners for one image."""
    embedded = segmenter.embed(sample.image)
    found = segmenter.instances(embedded)
    pre = presegmented(found, [NAME] * len(found))
    empty = Labels(np.zeros(sample.label_map.shape, np.uint16))
    ids = true_ids(sample.label_map)
    counts: dict[str, float] = {'objects': len(ids), 'iou_found': mean_iou(pre, sample.label_map)}
    for name, labels in (('with', pre), ('without', empty)):
        clicks, iou = simulate(labels, sample.label_map, embedded, segmenter.own_grouping)
        counts |= {f'clicks_{name}': clicks, f'reached_{name}': iou >= GOAL}
    counts['corners'] = sum(corners_needed(sample.label_map, label) for label in ids)
    return counts


def simulate(labels: Labels, truth: np.ndarray, embedded: EmbeddedImage,
             grouping: GroupingConfig) -> tuple[int, float]:
    """
    Click until the labels are good, nothing helps, or patience ends.

    :param truth: (H,W) uint16 label map.
    :return: number of clicks, and the mean IoU reached.
    """
    clicks, tried = 0, set[tuple[str, int, int]]()
    while mean_iou(labels, truth) < GOAL and clicks < MOST_CLICKS:
        for error in sorted(errors(labels, truth), key=lambda one: -one.area):
            pixel = middle(error.region)
            key = (error.action, round(pixel[0]), round(pixel[1]))
            if key not in tried:
                break
        else:
            break
        tried.add(key)
        clicks += 1
        try:
            labels = mended(labels, error, pixel, embedded, grouping)
        except LabelError:
            continue
    return clicks, mean_iou(labels, truth)


def mended(labels: Labels, error: Error, pixel: Pixel, embedded: EmbeddedImage,
           grouping: GroupingConfig) -> Labels:
    """Do what a person would do about an error."""
    if error.action == 'delete':
        return painted(labels, labels.mask(error.label), BACKGROUND)
    if error.action == 'cut':
        return cut(labels, embedded, grouping, error.label, pixel)
    if error.action == 'extend':
        return extended(labels, embedded, grouping, error.label, pixel)
    there = int(labels.label_map[round(pixel[0]), round(pixel[1])])
    if there == BACKGROUND:
        return added(labels, embedded, grouping, pixel, NAME)[0]
    return split(labels, there, part_at(labels, embedded, grouping, there, pixel))


def errors(labels: Labels, truth: np.ndarray) -> Iterator[Error]:
    """Yield what is wrong, object by object, matched as the overlap measure matches them."""
    known, said = truth != IGNORE_LABEL, np.where(truth == IGNORE_LABEL, 0, labels.label_map)
    true, own = true_ids(truth), [label for label in np.unique(said) if label]
    pairs = matched(said, truth)
    for label in set(own) - set(pairs.values()):
        region = said == label
        yield Error(int(region.sum()), 'delete', int(label), region)
    for label in true:
        region = truth == label
        if label not in pairs:
            yield Error(int(region.sum()), 'add', 0, region)
            continue
        mask = said == pairs[label]
        for action, wrong in (('extend', region & ~mask), ('cut', mask & ~region & known)):
            if wrong.any():
                largest = largest_piece(wrong)
                yield Error(int(largest.sum()), action, int(pairs[label]), largest)


def matched(said: np.ndarray, truth: np.ndarray) -> dict[int, int]:
    """Match true objects to labels one to one; pairs that hardly overlap are none."""
    pixels = shared_pixels(said, truth)
    f = f_of_pairs(pixels)
    if 0 in f.shape:
        return {}
    own = [int(label) for label in np.unique(said[truth != IGNORE_LABEL]) if label]
    return {true_ids(truth)[row]: own[column] for row, column in zip(*best_matching(f))
            if f[row, column] > 0.1}


def mean_iou(labels: Labels, truth: np.ndarray) -> float:
    """Give the mean IoU of the true objects with the labels matched to them; 1 without objects."""
    said = np.where(truth == IGNORE_LABEL, 0, labels.label_map)
    pairs = matched(said, truth)
    ious = []
    for label in true_ids(truth):
        one, other = truth == label, said == pairs.get(label, -1)
        ious.append((one & other).sum() / (one | other).sum())
    return float(np.mean(ious)) if ious else 1.0


def true_ids(truth: np.ndarray) -> list[int]:
    """List the objects of a label map."""
    return [int(label) for label in np.unique(truth) if label not in (BACKGROUND, IGNORE_LABEL)]


def largest_piece(mask: np.ndarray) -> np.ndarray:
    """Give the largest connected piece of a mask."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    return pieces == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def middle(mask: np.ndarray) -> Pixel:
    """Give the deepest pixel of a mask."""
    row, column = np.unravel_index(np.argmax(depth_inside(mask)), mask.shape)
    return float(row), float(column)


def corners_needed(truth: np.ndarray, label: int) -> int:
    """Count the corners of the coarsest outline that reaches the goal, below other objects."""
    mask, others = truth == label, (truth != label) & (truth != BACKGROUND)
    found, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = max(found, key=cv2.contourArea)
    for tolerance in np.geomspace(64, 0.5, 29):
        corners = cv2.approxPolyDP(ring, float(tolerance), closed=True)
        drawn = cv2.fillPoly(np.zeros(mask.shape, np.uint8), [corners], 1).astype(bool) & ~others
        if (drawn & mask).sum() >= GOAL * (drawn | mask).sum():
            return len(corners)
    return len(ring)


if __name__ == '__main__':
    sys.exit(main('labelling'))
