# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure a model on folders of labelled images.

A folder holds images/ and labels/ (uint16 label maps: 0 background, 1..N instances, 65535
ignored). Figures are plain means over the images of a folder; folders are reported apart, and as
a mean over the folders, never pooled.
"""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from typing import Any

from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    configuration,
    split_overrides,
    tables_to,
    write_report,
)

PREFIX = 'folder:'
FIGURES = ('overlap_precision', 'overlap_recall', 'overlap_f', 'found', 'mean_best_iou')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the options of the verb.

    :param parser: the verb's own parser.
    """
    parser.add_argument('inputs', nargs='+', metavar='folder:DIR',
                        help='folder of labelled images; or KEY=VALUE, any parameter')
    add_configuration(parser, overrides=False)
    add_json(parser, 'the figures of every folder and image')


def run(args: argparse.Namespace) -> int:
    """
    Measure.

    :param args: what :func:`add_arguments` declared.
    :return: the exit code.
    :raises ValueError: for a folder that is none, or a bad parameter.
    """
    from metricseg_ros.segmenter import InstanceSegmenter

    folders, args.overrides = split_overrides(args.inputs)
    roots = [Path(folder.removeprefix(PREFIX)) for folder in folders]
    segmenter = InstanceSegmenter.from_config(configuration(args))
    reports = {root.name: evaluate_folder(segmenter, root) for root in roots}
    mean = {name: _mean([report[name] for report in reports.values()]) for name in FIGURES}
    print(_table({**reports, 'mean': mean}), file=tables_to(args.json))
    write_report({'model': segmenter.description.name, 'folders': reports, 'mean': mean},
                 args.json)
    return DONE


def evaluate_folder(segmenter: Any, root: Path) -> dict[str, Any]:
    """
    Measure on one folder.

    :param segmenter: the segmenter to measure.
    :param root: the folder that holds images/ and labels/.
    :return: the means over its images, and `images` with the figures of each.
    """
    from metricseg_ros.datasets.label_folder import open_label_folder
    from metricseg_ros.evaluation.overlap import overlap
    from tqdm import tqdm

    folder, images = open_label_folder(root), {}
    for name in tqdm(folder.names, desc=root.name, disable=not sys.stderr.isatty()):
        image, true = folder.read(name)
        score = overlap(segmenter.segment(image).label_map, true)
        images[name] = dict(zip(FIGURES, (score.precision, score.recall, score.f, score.found,
                                          score.mean_best_iou), strict=True))
    means = {figure: _mean([row[figure] for row in images.values()]) for figure in FIGURES}
    return {**means, 'images': images}


def _mean(values: list[float]) -> float:
    import numpy as np
    return round(float(np.nanmean(values)), 4)


def _table(rows: dict[str, dict[str, float]]) -> str:
    width = max(map(len, rows))
    lines = [' ' * width + ''.join(f'  {figure:>17}' for figure in FIGURES)]
    lines += [f'{name:{width}}' + ''.join(f'  {row[figure]:17.3f}' for figure in FIGURES)
              for name, row in rows.items()]
    return '\n'.join(lines)
