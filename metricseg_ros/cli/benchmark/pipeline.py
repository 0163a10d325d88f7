# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the way from an image to its instances, stage by stage.

Every image is segmented and drawn in turn, several rounds; the latencies are those of all rounds.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
import time
from typing import Any, TYPE_CHECKING

from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.benchmark.measuring import load_average, percentiles, report_rows
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.left_out import LeftOut
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    configuration,
    split_overrides,
    table_stream,
)
from metricseg_ros.config import SegmenterConfig
from metricseg_ros.inputs import Frame, open_input
from metricseg_ros.overlay import draw_overlay

if TYPE_CHECKING:
    from metricseg_ros.segmenter import InstanceSegmenter

COLUMNS = ('stage', 'p50_ms', 'p95_ms', 'share')
SEGMENTER_STAGES = ('preprocess', 'network', 'grouping', 'masks')
MOST_FRAMES = 50
"""Frames of one input that are kept in memory."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='*', metavar='INPUT',
                        help='image, folder, video or bag (default: the photographs of the demo); '
                        'or KEY=VALUE')
    parser.add_argument('--rounds', type=whole_number(1), default=5,
                        help='how often each image is segmented (default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    paths, args.overrides = split_overrides(args.inputs)
    config = configuration(args)
    frames = read_frames(paths)
    segmenter = open_segmenter(config)
    load = load_average()
    times, found = measure(segmenter, frames, config, args.rounds)
    rows = stage_rows(times)
    report_rows('pipeline', load, rows, COLUMNS, args.json, model=segmenter.description.name,
                execution=asdict(segmenter.backend.report),
                input_size=list(segmenter.input_size), rounds=args.rounds,
                images=[{'source': frame.source, 'size': list(frame.image.shape[:2])}
                        for frame in frames], instances=found)
    print(f'\n{len(frames)} images, {args.rounds} rounds, {found / len(frames):.1f} instances an '
          f'image; {segmenter.backend.report}', file=table_stream(args.json))
    return DONE


def read_frames(paths: Sequence[str]) -> list[Frame]:
    """
    Read the images into memory, so that reading is not measured.

    :param paths: inputs; none means the photographs of the demo.
    :return: at least one frame.
    :raises ValueError: if the inputs hold no frame.
    """
    chosen = [Path(path) for path in paths] or photographs()
    frames = [frame for path in chosen
              for frame in islice(open_input(path, on_error=LeftOut()), MOST_FRAMES)]
    if not frames:
        raise ValueError(f'no image in {", ".join(map(str, chosen))}')
    return frames


def measure(segmenter: InstanceSegmenter, frames: Sequence[Frame], config: SegmenterConfig,
            rounds: int) -> tuple[dict[str, list[float]], int]:
    """
    Segment and draw every frame, round after round.

    :param segmenter: a segmenter that is warm.
    :return: milliseconds by stage, with `segment`, the whole, and `overlay`; and the number of
        instances in one round.
    """
    times: dict[str, list[float]] = {
        name: [] for name in (*SEGMENTER_STAGES, 'segment', 'overlay')}
    found = 0
    for _ in range(rounds):
        found = 0
        for frame in frames:
            start = time.perf_counter()
            instances = segmenter.segment(frame.image)
            middle = time.perf_counter()
            draw_overlay(frame.image, instances, segmenter.description.classes, config.overlay)
            taken = {**instances.stage_ms, 'segment': 1e3 * (middle - start),
                     'overlay': 1e3 * (time.perf_counter() - middle)}
            for name, values in times.items():
                values.append(taken[name])
            found += len(instances)
    return times, found


def stage_rows(times: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """
    Sum the stages up.

    :param times: milliseconds by stage.
    :return: one row a stage; those of the segmenter with their share of its time.
    """
    whole = sum(times['segment'])
    shares = {stage: f'{100 * sum(times[stage]) / whole:.0f} %' for stage in SEGMENTER_STAGES}
    return [{'stage': stage, **percentiles(values), 'share': shares.get(stage)}
            for stage, values in times.items()]
