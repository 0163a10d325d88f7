# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure a model on labelled images.

DATASET is folder:DIR, voc:ROOT[:SPLIT], coco:IMAGES:JSON, ocid:ROOT or osd:ROOT. Sets are reported
apart, and as a mean over the sets, never pooled over images.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TYPE_CHECKING

from metricseg_ros.cli.evaluations import evaluate, Evaluation, make_suite, open_all, segment_with
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    add_skip_missing,
    configuration,
    split_overrides,
    table_stream,
    write_report,
)
from metricseg_ros.datasets.labelled_image import LabelledDataset
from metricseg_ros.evaluation.calibration import plot_calibration
from metricseg_ros.evaluation.gallery import (
    best_median_worst,
    draw_side_by_side,
    write_gallery,
    write_page,
)
from metricseg_ros.evaluation.measure import Segment
from metricseg_ros.evaluation.report import mean_over_sets, meaningful_figure, measured_calibration
from metricseg_ros.evaluation.suite import markdown_table, write_between_markers

if TYPE_CHECKING:
    from metricseg_ros.segmenter import InstanceSegmenter

PRINTED = ('overlap_precision', 'overlap_recall', 'overlap_f', 'boundary_f', 'found',
           'mean_best_iou', 'apr_50', 'apr_vol', 'coco_ap', 'class_accuracy')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='*', metavar='DATASET',
                        help='labelled images; or KEY=VALUE, any parameter')
    add_skip_missing(parser)
    parser.add_argument('--suite', type=Path, metavar='FILE',
                        help='YAML list of data sets, and the Markdown file for their table')
    parser.add_argument('--gallery', type=Path, metavar='DIR',
                        help='write the best, median and worst images and calibration plots')
    parser.add_argument('--oracle-thresholds', action='store_true',
                        help='let the truth choose the threshold of each mask: what a perfect '
                        'choice would give')
    add_configuration(parser, overrides=False)
    add_json(parser, 'the figures of every data set, class and image')


def run(args: argparse.Namespace) -> int:
    """Measure; return the exit code."""
    texts, args.overrides = split_overrides(args.inputs)
    config, suite = configuration(args), make_suite(texts, args.suite)
    # Opened before anything runs, so that a wrong folder does not cost an hour.
    datasets = open_all(suite, args.skip_missing, config.input.depth)
    segmenter = open_segmenter(config)
    segment = segment_with(segmenter, args.oracle_thresholds)
    runs = {name: evaluate(segmenter, dataset, name, suite.rng_seed, segment)
            for name, dataset in datasets.items()}
    reports = {name: done.report for name, done in runs.items()}
    mean, model = mean_over_sets(reports), segmenter.description.name
    write_report({'model': model, 'datasets': reports, 'mean': mean}, args.json)
    print(_table({**reports, 'mean': {'figures': mean, 'recall_only': False}}),
          file=table_stream(args.json))
    if args.gallery:
        write_galleries(args.gallery, segmenter, datasets, runs, segment)
    if suite.output:
        shows = {entry.name: entry.shows for entry in suite.entries}
        write_between_markers(suite.output, suite.marker, markdown_table(reports, shows, model))
    return DONE


def write_galleries(folder: Path, segmenter: InstanceSegmenter,
                    datasets: Mapping[str, LabelledDataset],
                    runs: Mapping[str, Evaluation], segment: Segment) -> None:
    """
    Write pictures of every data set, and a page that shows them.

    :param segment: segments the chosen images once more.
    """
    sections = {}
    for name, done in runs.items():
        rows = list(done.report['images'].values())
        by = 'found' if done.report['recall_only'] else 'overlap_f'
        chosen = best_median_worst([row[by] for row in rows])
        write_gallery(folder / name, {
            rank: [draw_side_by_side(sample, segment(sample), segmenter.description.classes)
                   for sample in (datasets[name][index] for index in indices)]
            for rank, indices in chosen.items()})
        plot_calibration(measured_calibration(done.images), folder / name / 'calibration.png',
                         name)
        sections[name] = [(f'{rank}_{number}', done.images[index].name, rows[index])
                          for rank, indices in chosen.items()
                          for number, index in enumerate(indices, start=1)]
    write_page(folder, sections, segmenter.description.name)


def _table(reports: Mapping[str, Mapping[str, Any]]) -> str:
    width = max(map(len, reports))
    lines = [' ' * width + ''.join(f'  {name:>17}' for name in PRINTED)]
    for name, entry in reports.items():
        values = [meaningful_figure(entry, figure) for figure in PRINTED]
        lines.append(f'{name:{width}}' + ''.join(
            f'  {"-" if value is None else format(value, ".3f"):>17}' for value in values))
    return '\n'.join(lines)
