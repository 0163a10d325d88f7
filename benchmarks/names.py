# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how right a model's names are, apart from how right its masks are.

The logits of names are averaged under the true mask of each labelled thing, and the highest names
it. Classes of a data set that the model does not have stand for the household classes they mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
import sys
from typing import Any, NamedTuple

from benchmarks.command import main
from metricseg_ros.cli.benchmark.measuring import load_average, report_rows
from metricseg_ros.cli.evaluations import make_suite, open_all
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import add_configuration, add_json, configuration, split_overrides
from metricseg_ros.datasets.household import HouseholdDataset, OBJECT
from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
from metricseg_ros.evaluation.oracle import labels_on_grid
from metricseg_ros.grouping.masks import mean_names
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage
import numpy as np
import torch

COLUMNS = ('set', 'things', 'count', 'right')
ALL, LARGE, NO_OBJECT = 'all', 'large', f'all but {OBJECT}'
LARGE_AREA = 32 ** 2
"""Pixels from which a thing is large; COCO calls smaller ones small."""


class NamedThing(NamedTuple):
    """
    A labelled thing, and what the model calls it.

    :param true: its name.
    :param given: the model's.
    :param area: its pixels in the image.
    """

    true: str
    given: str
    area: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='+', metavar='DATASET',
                        help='labelled images; or KEY=VALUE, any parameter')
    add_json(parser, 'the rows')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """Name the things of each data set, print the table, write the JSON."""
    texts, args.overrides = split_overrides(args.inputs)
    suite = make_suite(texts, None)
    segmenter, load = open_segmenter(configuration(args)), load_average()
    classes = segmenter.description.classes
    rows, unseen = [], {}
    for name, dataset in open_all(suite).items():
        dataset = named_as(dataset, classes)
        found = [thing for index in range(len(dataset)) for thing in named_things(
            dataset[index], dataset.classes, segmenter)]
        things = [thing for thing in found if thing is not None]
        rows += [{'set': name, **row} for row in share_rows(things)]
        unseen[name] = len(found) - len(things)
    report_rows('names', load, rows, COLUMNS, args.json, large_area=LARGE_AREA,
                model=segmenter.description.name, input_size=list(segmenter.input_size),
                too_small_for_the_grid=unseen)
    segmenter.close()
    return DONE


def named_as(dataset: LabelledDataset, classes: Sequence[str]) -> LabelledDataset:
    """
    Put a data set's classes down to a model's.

    :raises ValueError: if they have none in common.
    """
    if not set(dataset.classes) <= set(classes):
        dataset = HouseholdDataset(dataset)
    if not set(dataset.classes) & set(classes):
        raise ValueError(f'the model gives the names {", ".join(classes)}, none of which the '
                         f'data set has: {", ".join(dataset.classes)}')
    return dataset


def named_things(sample: LabelledImage, true_classes: Sequence[str],
                 segmenter: InstanceSegmenter) -> Iterator[NamedThing | None]:
    """
    Name the things of one image whose class is known.

    :return: each; None for one that is smaller than a cell of the network's grid.
    """
    embedded, names = segmenter.embed(sample.image, sample.depth), segmenter.description.classes
    labels = labels_on_grid(sample.label_map, embedded)
    known = np.flatnonzero(sample.class_ids)
    masks = labels == torch.from_numpy(known)[:, None, None]
    given = mean_logits(masks, embedded).argmax(dim=1).tolist()
    for label, mask, choice in zip(known, masks, given, strict=True):
        true, area = true_classes[sample.class_ids[label] - 1], sample.label_map == label
        yield NamedThing(true, names[choice], np.count_nonzero(area)) if mask.any() else None


def mean_logits(masks: torch.Tensor, embedded: EmbeddedImage) -> torch.Tensor:
    """
    Average what the network says of names over masks.

    :param masks: (K,h,w) bool.
    :return: (K,C); where names are no output of their own, of the class logits of all thresholds.
    """
    output = embedded.output
    if output.name_logits is not None:
        return mean_names(masks, output.name_logits.cpu(), output.name_stride)
    return mean_names(masks, output.class_logits[:, 1:].mean(dim=0).cpu(), 1)


def share_rows(things: Sequence[NamedThing]) -> list[dict[str, Any]]:
    """
    Tell which share is named rightly.

    :return: a row for all, for large ones, for those that are more than objects, for each class.
    """
    chosen = {ALL: things, LARGE: [thing for thing in things if thing.area >= LARGE_AREA],
              NO_OBJECT: [thing for thing in things if thing.true != OBJECT]}
    for name in sorted({thing.true for thing in things}):
        chosen[name] = [thing for thing in things if thing.true == name]
    return [{'things': name, 'count': len(own), 'right': round(float(np.mean(
        [thing.true == thing.given for thing in own])), 3) if own else None}
        for name, own in chosen.items()]


if __name__ == '__main__':
    sys.exit(main('names'))
