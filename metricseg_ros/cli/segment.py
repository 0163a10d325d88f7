# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Segment images, folders of images, videos, rosbag2 and MCAP recordings.

Writes DIR/overlay/NAME.jpg to look at, DIR/label_map/NAME.png (16 bits, at the image's size: the
instance's id at each pixel, 0 for background) and DIR/instances.json; if asked, DIR/overlay.mp4.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from operator import length_hint
from pathlib import Path
import statistics
import sys
from typing import Any, TYPE_CHECKING

import metricseg_ros
from metricseg_ros.arguments import real_number
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE, FAILED
from metricseg_ros.cli.left_out import LeftOut
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    add_topics,
    configuration,
    depth_topics,
    split_overrides,
    table_stream,
    write_report,
)
from metricseg_ros.config import dotted_fields, SegmenterConfig
from metricseg_ros.inputs import Frame, open_input
from metricseg_ros.inputs.rgbd_folder import RgbdFolder
from metricseg_ros.labelling.prelabels import PreLabels
from metricseg_ros.results import ResultsFolder
from metricseg_ros.structures import Instances
import numpy as np
from tqdm import tqdm

if TYPE_CHECKING:
    from metricseg_ros.segmenter import InstanceSegmenter
    from metricseg_ros.tracking import Tracker

FASTEST = 240
"""Images a second of a video that players still show."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help='image, folder (with depth: one of images/, depth/ and '
                        'camera.json), video, rosbag2 folder or MCAP file; or KEY=VALUE')
    parser.add_argument('--output', type=Path, required=True, metavar='DIR',
                        help='where the results go')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace the results of an earlier run in DIR')
    add_topics(parser)
    parser.add_argument('--track', action='store_true',
                        help='give an object the same id in every image of an input; the same as '
                        'tracking.enabled=true')
    parser.add_argument('--video', type=real_number(0, FASTEST, above=True), metavar='RATE',
                        help='write all overlays as DIR/overlay.mp4, too, RATE images a second')
    parser.add_argument('--labels', choices=('coco', 'labelme'),
                        help='write what was found as labels for other programs to correct, too: '
                        'DIR/coco or DIR/labelme, with the images')
    parser.add_argument('--quiet', action='store_true', help='no progress bar and no summary')
    add_json(parser, 'what DIR/instances.json says')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """Segment all inputs; return 0 done, 1 if some images could not be read, 2 if none could."""
    paths, args.overrides = split_overrides(args.inputs)
    if not paths:
        raise ValueError('no INPUT given, only KEY=VALUE')
    if args.track:
        args.overrides.insert(0, 'tracking.enabled=true')
    config = configuration(args)
    failures = LeftOut()
    depth = depth_topics(args)
    sources = [open_input(path, args.topic, failures, config.input.depth, depth)
               for path in paths]
    if not args.quiet:
        tell_assumptions(sources)
    results = segment_all(sources, config, args, failures)
    write_report(results.content, args.json)
    if failures:
        return FAILED if results.records else BAD_USAGE
    return DONE


def segment_all(sources: Sequence[Iterable[Frame]], config: SegmenterConfig,
                args: argparse.Namespace, failures: LeftOut) -> ResultsFolder:
    """Segment every frame and write the results, as far as it gets."""
    from metricseg_ros.tracking import Tracker

    segmenter = open_segmenter(config)
    results = ResultsFolder(args.output, segmenter.description.classes, config.overlay,
                            {**provenance(segmenter, config), 'failures': failures},
                            args.overwrite, args.video)
    tracker = Tracker(config.tracking)
    with ExitStack() as stack:
        stack.callback(print_summary, results, failures, args)  # Also when interrupted.
        stack.enter_context(results)
        labels = open_labels(args, segmenter.description.classes, stack)
        for frame in progress(sources, tracker, args.quiet):
            try:
                found = with_lasting_ids(tracker, segmenter.segment(frame.image, frame.depth),
                                         frame.image)
                record = results.write(frame, found)
                if labels is not None:
                    labels.write(record['name'], frame, found)
            except ValueError as error:
                failures(ValueError(f'{frame.source}: {error}'))
    return results


def print_summary(results: ResultsFolder, failures: Sequence[str],
                  args: argparse.Namespace) -> None:
    """Say what was done, if it is to be said."""
    if not args.quiet:
        print(summary(results, failures), file=table_stream(args.json))


def open_labels(args: argparse.Namespace, classes: Sequence[str],
                stack: ExitStack) -> PreLabels | None:
    """Begin to write labels for other programs, if they are asked for; else None."""
    if args.labels is None:
        return None
    labels = PreLabels(args.labels, args.output, classes)
    stack.callback(labels.close)
    return labels


def tell_assumptions(sources: Sequence[Iterable[Frame]]) -> None:
    """Tell of depth whose camera is not known."""
    for source in sources:
        if isinstance(source, RgbdFolder) and source.depth and source.depth.cameras is None:
            print(f'metricseg: {source.depth.root}: no camera.json; a usual depth camera is '
                  'assumed, so heights may be wrong by a fifth', file=sys.stderr)


def with_lasting_ids(tracker: Tracker, found: Instances, image: np.ndarray) -> Instances:
    """
    Give instances ids that last, if the tracker is switched on.

    :param found: instances of the next image; the time is added to theirs.
    """
    from metricseg_ros.segmenter import timed

    if not tracker.config.enabled:
        return found
    with timed(found.stage_ms, 'tracking'):
        return tracker.update(found, image)


def frames_of_all(sources: Sequence[Iterable[Frame]], tracker: Tracker) -> Iterator[Frame]:
    """
    Go through the frames of all inputs; images given one by one follow each other.

    :param tracker: made to forget its objects where something else begins.
    """
    alone = False
    for source in sources:
        before, alone = alone, length_hint(source) == 1
        if not (before and alone):
            tracker.reset()
        yield from source


def progress(sources: Sequence[Iterable[Frame]], tracker: Tracker, quiet: bool) -> Iterable[Frame]:
    """
    Go through the frames of all inputs behind a progress bar.

    :param quiet: no bar; there is none either where stderr is no terminal.
    """
    return tqdm(frames_of_all(sources, tracker), total=sum(map(length_hint, sources)) or None,
                unit='image', disable=quiet or not sys.stderr.isatty(), dynamic_ncols=True)


def provenance(segmenter: InstanceSegmenter, config: SegmenterConfig) -> dict[str, Any]:
    """Say what made the results."""
    return {
        'metricseg_version': metricseg_ros.__version__,
        'model': segmenter.description.name,
        'classes': list(segmenter.description.classes),
        'execution': asdict(segmenter.backend.report),
        'configuration': {name: value for name, value, _ in dotted_fields(
            replace(config, grouping=segmenter.own_grouping))},
    }


def summary(results: ResultsFolder, failures: Sequence[str]) -> str:
    """Say in one line what was done."""
    found = sum(len(record['instances']) for record in results.records)
    parts = [f'{len(results.records)} images', f'{found} instances']
    if results.records:
        times = [sum(record['stage_ms'].values()) for record in results.records]
        parts.append(f'{statistics.median(times):.0f} ms an image (median)')
    if failures:
        parts.append(f'{len(failures)} left out')
    return f'{", ".join(parts)}: {results.folder}'
