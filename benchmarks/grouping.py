# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the grouping of pixels.

Our choice of seeds against the paper's formula evaluated at every pixel (vectorised torch,
float32, in two forms of the squared distance, of which the faster counts), by turns in one
process; the seeds are compared with those of the formula in float64. Random embeddings have 64
dimensions; real ones are those of the model on a photograph, enlarged to each grid, once with as
many seeds as are asked for and once with as many as the scene needs. Then scikit-learn clusters
the same embeddings, against our whole grouping: seeds, masks and what becomes of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
import math
from pathlib import Path
import sys
from typing import Any

from benchmarks.command import main
from benchmarks.seeds.clusterings import time_clusterings
from benchmarks.seeds.embeddings import GroupingScene, make_scenes
from benchmarks.seeds.plain_seeds import FORMS, plain_seeds
from metricseg_ros.arguments import image_size, real_number, whole_number
from metricseg_ros.cli.benchmark.measuring import (
    alternate,
    load_average,
    report_rows,
    spread,
    table,
)
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.options import add_configuration, add_json, configuration, table_stream
from metricseg_ros.grouping import group
from metricseg_ros.threads import single_threaded
import torch

GRIDS = ((120, 160), (240, 320), (480, 640))
COLUMNS = ('grid', 'kind', 'dimensions', 'ends', 'seeds', 'seeds_identical', 'plain_ms',
           'ours_ms', 'speedup')
CLUSTERING_COLUMNS = ('grid', 'kind', 'method', 'clusters', 'ms', 'ours_ms', 'speedup', 'stopped')
MIDDLE_THRESHOLD = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--grid', type=image_size, action='append', metavar='HxW',
                        help='size of a grid (repeatable; default: 120x160 240x320 480x640)')
    parser.add_argument('--seeds', type=whole_number(1), default=100,
                        help='seeds to pick (default: %(default)s)')
    parser.add_argument('--runs', type=whole_number(1), default=5,
                        help='timed runs of each (default: %(default)s)')
    parser.add_argument('--image', type=Path,
                        help='photograph of the real embeddings (default: a shipped one)')
    parser.add_argument('--clustering-limit', type=real_number(), default=20, metavar='SECONDS',
                        help='most time for each clustering; 0 leaves it out '
                        '(default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print the tables, write the JSON."""
    image = args.image or photographs()[0]
    scenes = list(make_scenes(args.grid or GRIDS, configuration(args), image))
    load = load_average()
    rows = [row for scene in scenes for row in seed_rows(scene, args.seeds, args.runs)]
    clustering = list(clustering_rows(scenes, args.seeds, args.runs, args.clustering_limit))
    report_rows('grouping', load, rows, COLUMNS, args.json, image=str(image), runs=args.runs,
                clustering=clustering)
    if clustering:
        print(f'\n{table(clustering, CLUSTERING_COLUMNS)}', file=table_stream(args.json))
    return DONE if all(row['seeds_identical'] for row in rows) else FAILED


def seed_rows(scene: GroupingScene, count: int, runs: int) -> Iterator[dict[str, Any]]:
    """
    Time our choice of seeds and the plain one on one scene.

    :param count: most seeds.
    :return: one row; two for a real scene, which can end early.
    """
    weight = scene.config.diversity_weight
    for early in (False, True) if scene.kind == 'real' else (False,):
        tell(f'{scene.grid} {scene.kind}, seeds')
        least = scene.config.resolved().minimum_score if early else 0.0
        embeddings, scores = scene.output.embeddings, scene.best.scores
        formula = plain_seeds(embeddings.double(), scores.double(), count, weight, False, least)
        seeds = scene.pick(count, early)
        yield {
            'grid': scene.grid, 'kind': scene.kind, 'dimensions': len(embeddings),
            'ends': 'once explained' if early else f'at {count}', 'seeds': len(seeds),
            'seeds_identical': same_seeds(seeds, formula, early), 'plain_seeds': len(formula),
            **seed_times(scene, partial(scene.pick, count, early),
                         (count, weight), least, runs)}


def seed_times(scene: GroupingScene, ours: Callable[[], Any], how: tuple[int, float], least: float,
               runs: int) -> dict[str, Any]:
    """
    Time ours and the plain choice, in both forms, on one thread and on all, by turns.

    :param how: most seeds, and the diversity weight.
    :return: medians and quartiles; `plain` is the fastest of them, `other_form` the slowest.
    """
    plain = {form: partial(plain_seeds, scene.output.embeddings, scene.best.scores, *how,
                           expanded, least) for form, expanded in FORMS.items()}
    plain |= {f'{form}, 1 thread': single_threaded()(choose) for form, choose in plain.items()}
    times = alternate({**plain, 'ours': ours}, runs)
    faster, *_, slower = sorted(plain, key=lambda form: spread(form, times[form])[form])
    return {'plain_form': faster, **spread('plain_ms', times[faster]),
            **spread('other_form_ms', times[slower]), **spread('ours_ms', times['ours']),
            **spread('speedup', times[faster] / times['ours'])}


def same_seeds(seeds: Any, formula: Any, early: bool) -> bool:
    """
    Compare seeds with those of the formula.

    :param seeds: (K,2) ours.
    :param formula: (L,2) the formula's.
    :param early: whether ours may end before the formula's.
    :return: whether ours are the formula's, or its first ones where they end early.
    """
    expected = formula[:len(seeds)] if early else formula
    return bool(torch.equal(seeds, expected))


def clustering_rows(scenes: Sequence[GroupingScene], count: int, runs: int,
                    limit_s: float) -> Iterator[dict[str, Any]]:
    """
    Time clustering methods and our grouping on the same embeddings.

    :param scenes: from small grids to large ones.
    :param count: clusters for random scenes; real ones get as many as they have seeds.
    :param runs: timed runs of our grouping; each clustering runs once.
    :param limit_s: most seconds for each; one that needs more is not tried on larger grids.
    :return: one row for each scene and method.
    """
    radius = math.sqrt(math.log(2 / MIDDLE_THRESHOLD - 1))
    given_up: set[tuple[str, str]] = set()
    for scene in scenes if limit_s > 0 else ():
        tell(f'{scene.grid} {scene.kind}, clustering')
        clusters = count if scene.kind == 'random' else max(1, len(scene.pick(count, True)))
        times = alternate({'ours': partial(group, scene.output, scene.config)}, runs)
        ours = spread('ours_ms', times['ours'])
        skip = {method for kind, method in given_up if kind == scene.kind}
        points = scene.output.embeddings.flatten(1).t().numpy()
        for row in time_clusterings(points, clusters, radius, limit_s, skip):
            if 'stopped' in row:
                given_up.add((scene.kind, row['method']))
            else:
                row['speedup'] = round(row['ms'] / ours['ours_ms'], 2)
            yield {'grid': scene.grid, 'kind': scene.kind, **row, **ours}


def tell(what: str) -> None:
    """Show what is being measured."""
    print(f'measuring {what}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main('grouping'))
