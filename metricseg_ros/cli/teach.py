# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Teach a model what has been labelled, and tell whether it became better.

DATASET is a folder of metricseg label, or any of docs/datasets.md. Every fifth image is kept
apart; training stops when the model gets no better on these; the smallest score is chosen on them.
The same command goes on after an interruption. MODEL/teaching/index.html shows before and after.
"""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
import warnings

from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import add_json, split_overrides, table_stream, write_report
from metricseg_ros.config import SegmenterConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='+', metavar='DATASET',
                        help='labels; or KEY=VALUE, any training parameter, such as steps=600')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='MODEL',
                        help='folder of the taught model')
    parser.add_argument('--model', metavar='NAME|PATH', default=SegmenterConfig().model,
                        help='the model to start from (default: %(default)s)')
    parser.add_argument('--workers', type=whole_number(), default=1,
                        help='processes that load images (default: %(default)s)')
    parser.add_argument('--device', default='auto', choices=('auto', 'cpu', 'cuda'),
                        help='where to train (default: %(default)s)')
    add_json(parser, 'the comparison')


def run(args: argparse.Namespace) -> int:
    """
    Teach.

    :raises ValueError: for a data set that is none, too few labels, or another teaching in MODEL.
    """
    texts, overrides = split_overrides(args.inputs)
    if len(texts) != 1:
        raise ValueError(f'give one DATASET, got {len(texts)}')
    from metricseg_ros.datasets.open_dataset import open_dataset
    from metricseg_ros.datasets.reading.files import DataWarning
    from metricseg_ros.labelling.teaching.comparison import table
    from metricseg_ros.labelling.teaching.oddities import oddities
    from metricseg_ros.labelling.teaching.recordings import recordings_of, waiting_images
    from metricseg_ros.labelling.teaching.teach import make_lesson, teach
    from metricseg_ros.models import load_description
    if (args.output / 'teaching' / 'comparison.json').is_file():
        raise ValueError(f'{args.output} has been taught already: give another -o, or remove it')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', DataWarning)
        dataset = open_dataset(texts[0], skip_missing=True)
        odd = oddities((dataset[index] for index in range(len(dataset))), dataset.classes,
                       load_description(args.model).takes_depth)
    told = dict.fromkeys(str(warning.message) for warning in caught)
    for line in (*told, *waiting_images(texts[0]), *odd):
        say(f'odd: {line}')
    indices = range(len(dataset))
    lesson = make_lesson(dataset, indices, recordings_of(texts[0], dataset, indices), args.model,
                         overrides)
    names = 'the names of the model stay' if lesson.names_stay else ', '.join(lesson.classes)
    say(f'learning from {len(lesson.learnt)} images, {len(lesson.apart)} kept apart; classes: '
        f'{names}')
    comparison = teach(lesson, args.output, args.workers, args.device, say)
    print(f'{table(comparison)}\n{comparison["verdict"]}', file=table_stream(args.json))
    print(f'{comparison["minutes"]} minutes; see {args.output / "teaching" / "index.html"}\n'
          f'use it: metricseg segment INPUT --output DIR --model {args.output}\n'
          'or on the robot: ros2 service call /segmenter/reload_model '
          f'metricseg_msgs/srv/ReloadModel "{{model: {args.output.resolve()}}}"',
          file=table_stream(args.json))
    write_report(comparison, args.json)
    return DONE


def say(text: str) -> None:
    """Tell people something, above the progress bar."""
    from tqdm import tqdm
    tqdm.write(text, file=sys.stderr)
