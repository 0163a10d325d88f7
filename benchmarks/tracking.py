# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how well identities are kept, on short videos with exact truth, or on labelled ones.

Things cut out of photographs cross each other, pass behind others, are all alike, or lie still
before a camera that shakes; with --labelled it is what you filmed and labelled. The masks are the
model's own; the same masks go to every tracker: to the one of the node, to the same without one of
the things it knows or does, and to one that knows the overlap of masks alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
import statistics
import sys
import time
from typing import Any

from benchmarks.command import main
from benchmarks.ids.films import SCENES
from benchmarks.ids.identity import (
    FrameIdentities,
    hota,
    id_switches,
    identity_f1,
    match_identities,
)
from benchmarks.ids.overlap_tracker import OverlapTracker
from benchmarks.ids.videos import filmed, labelled, LabelledVideo, SIZE
import cv2
from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.benchmark.measuring import load_average, report_rows
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import add_configuration, add_json, configuration
from metricseg_ros.config import SegmenterConfig
from metricseg_ros.evaluation.bootstrap import bootstrap_interval, mean_interval
from metricseg_ros.inputs.codec import write_image
from metricseg_ros.overlay import draw_overlay
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import Instances
from metricseg_ros.tracking import Tracker
import numpy as np

OURS, OVERLAP = 'ours', 'overlap alone'
BROKEN, GREY, BLIND = 'without joining', 'without colours', 'without embeddings'
LABELLED = 'labelled'
SHOWN = 8
"""Frames of a sequence in its picture."""
COLUMNS = ('scene', 'tracker', 'sequences', 'objects', 'switches', 'switches_each',
           'switches_each_interval', 'share', 'share_interval', 'idf1', 'idf1_interval', 'hota',
           'hota_interval', 'update_ms')
TrackFunction = Callable[['Instances', 'np.ndarray'], 'Instances']


@dataclass(frozen=True)
class Score:
    """
    How well one tracker did on one sequence.

    :param objects: true objects.
    :param switches: how often one got another id.
    :param idf1: identity F1.
    :param hota: HOTA.
    :param update_ms: what it took for an image, the median in milliseconds.
    """

    objects: int
    switches: int
    idf1: float
    hota: float
    update_ms: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    videos = parser.add_mutually_exclusive_group()
    videos.add_argument('--scene', action='append', choices=tuple(SCENES), dest='scenes',
                        help='one of the scenes, may be repeated (default: all)')
    videos.add_argument('--labelled', action='append', type=Path, metavar='FOLDER',
                        help='a labelled video instead, may be repeated: images/ and labels/, a '
                        'thing with the same label in all frames')
    parser.add_argument('--sequences', type=whole_number(1), default=10,
                        help='videos of each scene (default: %(default)s)')
    parser.add_argument('--frames', type=whole_number(1), default=90,
                        help='frames of each: 90 are 3 s at 30 Hz (default: %(default)s)')
    parser.add_argument('--rng-seed', type=whole_number(), default=0,
                        help='of things, ways and noise (default: %(default)s)')
    parser.add_argument('--pictures', type=Path, metavar='DIR',
                        help='draw the first video of each scene, ids in colours')
    add_json(parser, 'the rows and every sequence')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    load, config, videos = load_average(), configuration(args), videos_of(args)
    segmenter = open_segmenter(config)
    scores = {scene: [measure(segmenter, config, video, args.pictures / f'{scene}.jpg'
                              if args.pictures and number == 0 else None)
                      for number, video in enumerate(found)] for scene, found in videos.items()}
    segmenter.close()
    rows = [row for scene, found in scores.items() for row in scene_rows(scene, found)]
    report_rows('tracking', load, rows, COLUMNS, args.json, model=segmenter.description.name,
                tracking=asdict(config.tracking), **origin(args), sequences={
                    scene: [{name: asdict(score) for name, score in found.items()}
                            for found in sequences] for scene, sequences in scores.items()})
    return DONE


def videos_of(args: argparse.Namespace) -> dict[str, list[LabelledVideo]]:
    """Tell on which videos is measured."""
    if args.labelled:
        return {LABELLED: [labelled(folder) for folder in args.labelled]}
    return {scene: [filmed(scene, args.frames, (args.rng_seed, number))
                    for number in range(args.sequences)] for scene in args.scenes or SCENES}


def origin(args: argparse.Namespace) -> dict[str, Any]:
    """Tell where the videos come from."""
    if args.labelled:
        return {LABELLED: [str(folder) for folder in args.labelled]}
    return {'frames': args.frames, 'size': list(SIZE), 'rng_seed': args.rng_seed}


def measure(segmenter: InstanceSegmenter, config: SegmenterConfig, video: LabelledVideo,
            picture: Path | None) -> dict[str, Score]:
    """
    Segment a video, and let every tracker have the same masks.

    :param picture: where to draw it; None for nowhere.
    :return: tracker -> score.
    """
    trackers = make_trackers(config)
    frames: dict[str, list[FrameIdentities]] = {name: [] for name in trackers}
    times: dict[str, list[float]] = {name: [] for name in trackers}
    shown: dict[str, list[np.ndarray]] = {name: [] for name in trackers}
    for index, frame in enumerate(video.frames):
        instances = segmenter.segment(frame.image)
        for name, track in trackers.items():
            start = time.perf_counter()
            tracked = track(instances, frame.image)
            times[name].append(1e3 * (time.perf_counter() - start))
            frames[name].append(match_identities(frame.labels, tracked.label_map))
            if picture and index % max(1, video.length // SHOWN) == 0:
                shown[name].append(drawn(frame.image, tracked))
    if picture:
        write_picture(picture, [shown[OURS], shown[OVERLAP]])
    return {name: score(seen, times[name]) for name, seen in frames.items()}


def make_trackers(config: SegmenterConfig) -> dict[str, TrackFunction]:
    """
    Make one of each tracker.

    :return: name -> instances and image of the next frame -> what it makes of them, with ids.
    """
    enabled = replace(config.tracking, enabled=True)
    grey, blind, overlap = Tracker(enabled), Tracker(enabled), OverlapTracker()
    return {OURS: Tracker(enabled).update,
            BROKEN: Tracker(replace(enabled, join_similarity=1.0)).update,
            GREY: lambda instances, _: grey.update(instances),
            BLIND: lambda instances, image: blind.update(replace(instances, embeddings=None),
                                                         image),
            OVERLAP: lambda instances, _: overlap.update(instances)}


def score(frames: Sequence[FrameIdentities], times: Sequence[float]) -> Score:
    """
    Judge the ids of one sequence.

    :param frames: in order.
    :param times: what the tracker took for each, in milliseconds.
    """
    objects = {true_id for frame in frames for true_id in frame.true_ids.tolist()}
    return Score(len(objects), id_switches(frames), identity_f1(frames), hota(frames),
                 statistics.median(times))


def scene_rows(scene: str, found: Sequence[Mapping[str, Score]]) -> list[dict[str, Any]]:
    """
    Sum a scene up, a row for each tracker.

    :param found: of each sequence, tracker -> score.
    :return: means over the sequences, of quality with 95 % bootstrap intervals, and the share of
        the switches of the tracker by overlap alone.
    """

    def share(chosen: np.ndarray) -> float:
        total = plain[chosen].sum()
        return float(switches[chosen].sum() / total) if total else np.nan
    plain = np.array([scores[OVERLAP].switches for scores in found])
    rows = []
    for name in found[0]:
        scores = [item[name] for item in found]
        switches = np.array([one.switches for one in scores])
        row = {'scene': scene, 'tracker': name, 'sequences': len(scores),
               'objects': sum(one.objects for one in scores), 'switches': int(switches.sum()),
               'share': share(np.arange(len(scores))),
               'share_interval': rounded(bootstrap_interval(share, len(scores), 0))}
        for column, values in (('switches_each', switches),
                               ('idf1', np.array([one.idf1 for one in scores])),
                               ('hota', np.array([one.hota for one in scores]))):
            row |= {column: round(float(values.mean()), 3),
                    f'{column}_interval': rounded(mean_interval(values, 0))}
        rows.append(row | {'update_ms': round(statistics.fmean(
            one.update_ms for one in scores), 2)})
    return rows


def rounded(values: Sequence[float]) -> list[float]:
    """
    Shorten numbers for a table.

    :return: the same to three places.
    """
    return [round(float(value), 3) for value in values]


def drawn(image: np.ndarray, instances: Instances) -> np.ndarray:
    """
    Draw a frame with its ids in colours.

    :param image: (H,W,3) uint8 RGB.
    :return: (h,w,3) uint8 RGB, smaller.
    """
    return cv2.resize(draw_overlay(image, instances, ('',)), None, fx=0.6, fy=0.6,
                      interpolation=cv2.INTER_AREA)


def write_picture(path: Path, rows: Sequence[Sequence[np.ndarray]]) -> None:
    """
    Write frames below each other and side by side.

    :param path: JPEG file; its folder is made.
    :param rows: (h,w,3) uint8 RGB frames of each row, all of one size.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = np.vstack([np.hstack(list(row)) for row in rows])
    write_image(path, sheet)


if __name__ == '__main__':
    sys.exit(main('tracking'))
