# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure a model on labelled images.

DATASET is folder:DIR, voc:ROOT[:SPLIT], coco:IMAGES:JSON, ocid:ROOT or osd:ROOT. Sets are reported
apart, and as a mean over the sets, never pooled over images.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
import sys
from typing import Any, TYPE_CHECKING

from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    configuration,
    split_overrides,
    tables_to,
    write_report,
)

if TYPE_CHECKING:
    from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
    from metricseg_ros.evaluation.measure import MeasuredImage
    from metricseg_ros.evaluation.suite import Suite
    from metricseg_ros.segmenter import InstanceSegmenter

PRINTED = ('overlap_precision', 'overlap_recall', 'overlap_f', 'boundary_f', 'found',
           'mean_best_iou', 'apr_50', 'apr_vol', 'coco_ap', 'class_accuracy')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the options of the verb.

    :param parser: the verb's own parser.
    """
    parser.add_argument('inputs', nargs='*', metavar='DATASET',
                        help='labelled images; or KEY=VALUE, any parameter')
    parser.add_argument('--suite', type=Path, metavar='FILE',
                        help='YAML list of data sets, and the Markdown file for their table')
    parser.add_argument('--gallery', type=Path, metavar='DIR',
                        help='write the best, median and worst images and calibration plots')
    add_configuration(parser, overrides=False)
    add_json(parser, 'the figures of every data set, class and image')


def run(args: argparse.Namespace) -> int:
    """
    Measure.

    :param args: what :func:`add_arguments` declared.
    :return: the exit code.
    :raises ValueError: for a data set that is none, or a bad parameter.
    """
    from metricseg_ros.evaluation.report import mean_over_sets
    from metricseg_ros.segmenter import InstanceSegmenter

    texts, args.overrides = split_overrides(args.inputs)
    config, suite = configuration(args), make_suite(texts, args.suite)
    # Opened before anything runs, so that a wrong folder does not cost an hour.
    datasets = open_all(suite)
    segmenter = InstanceSegmenter.from_config(config)
    runs = {name: evaluate(segmenter, dataset, name, suite.rng_seed)
            for name, dataset in datasets.items()}
    reports = {name: done.report for name, done in runs.items()}
    mean, model = mean_over_sets(reports), segmenter.description.name
    write_report({'model': model, 'datasets': reports, 'mean': mean}, args.json)
    print(_table({**reports, 'mean': {'figures': mean, 'recall_only': False}}),
          file=tables_to(args.json))
    if args.gallery:
        write_galleries(args.gallery, segmenter, datasets, runs)
    write_scoreboard(suite, reports, model)
    return DONE


def make_suite(texts: Sequence[str], path: Path | None) -> Suite:
    """
    Put the data sets together.

    :param texts: data sets of the command line.
    :param path: of a suite, or None.
    :return: the suite, with the data sets of the command line added.
    :raises ValueError: if there is none at all, or two of one name.
    """
    from metricseg_ros.evaluation.suite import read_suite, Suite, SuiteEntry

    suite = read_suite(path) if path else Suite(())
    names = {entry.name for entry in suite.entries}
    for text in texts:
        # The last part of the path, and more of it where that is taken.
        parts = Path(text.split(':')[1] if ':' in text else text).resolve().parts
        name = next((candidate for count in range(1, len(parts))
                     if (candidate := '_'.join(parts[-count:])) not in names), None)
        if name is None:
            raise ValueError(f'{text} is given twice')
        names.add(name)
        suite = replace(suite, entries=(*suite.entries, SuiteEntry(text, name)))
    if not suite.entries:
        raise ValueError('give a DATASET such as folder:DIR, or --suite FILE')
    return suite


def open_all(suite: Suite) -> dict[str, LabelledDataset]:
    """
    Open the data sets of a suite.

    :param suite: the suite.
    :return: name -> data set.
    :raises ValueError: where a folder is not of its format.
    """
    from metricseg_ros.datasets.opening import open_dataset
    datasets: dict[str, LabelledDataset] = {}
    for entry in suite.entries:
        dataset = open_dataset(entry.dataset)
        datasets[entry.name] = (dataset if entry.background_known is None
                                else Judged(dataset, entry.background_known))
    return datasets


@dataclass(frozen=True)
class Judged:
    """
    A data set of which it is said whether everything is labelled.

    :param dataset: the data set.
    :param background_known: what is said.
    """

    dataset: LabelledDataset
    background_known: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """Give the names of the classes."""
        return self.dataset.classes

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> LabelledImage:
        """
        Read one image.

        :param index: from 0.
        :return: the image and its truth.
        """
        return replace(self.dataset[index], background_known=self.background_known)


@dataclass(frozen=True)
class Evaluation:
    """
    What was measured on a data set.

    :param images: image by image.
    :param report: all figures.
    """

    images: list[MeasuredImage]
    report: dict[str, Any]


def evaluate(segmenter: InstanceSegmenter, dataset: LabelledDataset, name: str,
             rng_seed: int) -> Evaluation:
    """
    Measure on one data set.

    :param segmenter: the segmenter to measure.
    :param dataset: the labelled images.
    :param name: beside the progress bar.
    :param rng_seed: of the bootstrap.
    :return: what was measured.
    """
    from metricseg_ros.evaluation.measure import measure
    from metricseg_ros.evaluation.report import report

    images = list(measure(_progress(dataset, name), segmenter.segment,
                          segmenter.description.classes, dataset.classes))
    return Evaluation(images, report(images, dataset.classes, rng_seed))


def _progress(dataset: LabelledDataset, name: str) -> Iterator[LabelledImage]:
    from tqdm import tqdm
    for index in tqdm(range(len(dataset)), desc=name, unit='image', dynamic_ncols=True,
                      disable=not sys.stderr.isatty()):
        yield dataset[index]


def write_galleries(folder: Path, segmenter: InstanceSegmenter,
                    datasets: Mapping[str, LabelledDataset],
                    runs: Mapping[str, Evaluation]) -> None:
    """
    Write pictures of every data set, and a page that shows them.

    :param folder: where they go.
    :param segmenter: segments the chosen images once more.
    :param datasets: name -> data set.
    :param runs: name -> what was measured on it.
    """
    from metricseg_ros.evaluation.calibration import plot_calibration
    from metricseg_ros.evaluation.gallery import choose, write_gallery, write_page
    from metricseg_ros.evaluation.report import measured_calibration

    sections = {}
    for name, done in runs.items():
        rows = list(done.report['images'].values())
        by = 'found' if done.report['recall_only'] else 'overlap_f'
        chosen = choose([row[by] for row in rows])
        write_gallery(folder / name, {
            rank: [_drawn(segmenter, datasets[name][index]) for index in indices]
            for rank, indices in chosen.items()})
        plot_calibration(measured_calibration(done.images), folder / name / 'calibration.png',
                         name)
        sections[name] = [(f'{rank}_{number}', done.images[index].name, rows[index])
                          for rank, indices in chosen.items()
                          for number, index in enumerate(indices, start=1)]
    write_page(folder, sections, segmenter.description.name)


def _drawn(segmenter: InstanceSegmenter, sample: LabelledImage) -> Any:
    from metricseg_ros.evaluation.gallery import draw_side_by_side
    return draw_side_by_side(sample, segmenter.segment(sample.image),
                             segmenter.description.classes)


def write_scoreboard(suite: Suite, reports: Mapping[str, Any], model: str) -> None:
    """
    Write the table of a suite, if it says where.

    :param suite: the suite.
    :param reports: name -> report of each data set.
    :param model: name of the model.
    :raises ValueError: if the file lacks the lines between which the table goes.
    """
    from metricseg_ros.evaluation.suite import markdown_table, write_between_markers
    if suite.output:
        shows = {entry.name: entry.shows for entry in suite.entries}
        write_between_markers(suite.output, suite.marker, markdown_table(reports, shows, model))


def _table(reports: Mapping[str, Mapping[str, Any]]) -> str:
    from metricseg_ros.evaluation.report import readable
    width = max(map(len, reports))
    lines = [' ' * width + ''.join(f'  {name:>17}' for name in PRINTED)]
    for name, entry in reports.items():
        values = [readable(entry, figure) for figure in PRINTED]
        lines.append(f'{name:{width}}' + ''.join(
            f'  {"-" if value is None else format(value, ".3f"):>17}' for value in values))
    return '\n'.join(lines)
