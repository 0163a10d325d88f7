# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how long the answer to clicks takes, against the network that need not run for it.

On each photograph of the demo, by turns: the network, one click, three clicks on one object with
two negative ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
import sys
from typing import Any

from benchmarks.command import main
import cv2
from metricseg_ros.arguments import image_size, whole_number
from metricseg_ros.cli.benchmark.measuring import alternate, load_average, percentiles, report_rows
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import add_configuration, add_json, configuration
from metricseg_ros.clicks import Clicks, segment_clicks
from metricseg_ros.inputs.codec import read_image
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np

COLUMNS = ('what', 'p50_ms', 'p95_ms', 'network_times')
NETWORK = 'network'
POSITIONS = ((0.5, 0.5), (0.45, 0.5), (0.5, 0.45))
NEGATIVES = ((0.1, 0.1), (0.9, 0.9))
"""Where is clicked, as shares of the image's height and width; the first alone is one click."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--size', type=image_size, default=(240, 320), metavar='HxW',
                        help='to which the photographs are scaled (default: 240x320)')
    parser.add_argument('--runs', type=whole_number(1), default=50,
                        help='how often each is timed on each photograph (default: %(default)s)')
    add_json(parser, 'the rows')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    segmenter, load = open_segmenter(configuration(args)), load_average()
    images = [cv2.resize(read_image(path), args.size[::-1], interpolation=cv2.INTER_AREA)
              for path in photographs()]
    times = [alternate(candidates(segmenter, image), args.runs) for image in images]
    rows = click_rows({name: np.concatenate([one[name] for one in times]) for name in times[0]})
    report_rows('clicks', load, rows, COLUMNS, args.json, model=segmenter.description.name,
                size=list(args.size), input_size=list(segmenter.input_size), images=len(images),
                runs=args.runs)
    segmenter.close()
    return DONE


def candidates(segmenter: InstanceSegmenter, image: np.ndarray) -> dict[str, Callable[[], Any]]:
    """
    Prepare what is timed.

    :param image: (H,W,3) uint8 RGB.
    :return: name -> function without arguments.
    """
    size, grouping = np.array(image.shape[:2]), segmenter.grouping
    positions, negatives = np.array(POSITIONS) * size, np.array(NEGATIVES) * size
    answer = partial(segment_clicks, segmenter.embed(image), connected=grouping.connected,
                     outline_radius=grouping.outline_radius)
    return {NETWORK: partial(segmenter.embed, image),
            'one click': partial(answer, Clicks(positions[:1])),
            'three merged, two negative': partial(
                answer, Clicks(positions, negatives, merge=True))}


def click_rows(times: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """
    Sum the times up.

    :param times: name -> milliseconds.
    :return: one row each; `network_times` is how often it goes into the network's time, by the
        medians.
    """
    return [{'what': name, **percentiles(values),
             'network_times': round(float(np.median(times[NETWORK]) / np.median(values)), 1)}
            for name, values in times.items()]


if __name__ == '__main__':
    sys.exit(main('clicks'))
