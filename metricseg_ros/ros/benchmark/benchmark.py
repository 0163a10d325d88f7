# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the node costs beside the library: its overhead over a bare rclpy node, and its memory.

An image goes by turns through a bare node, which publishes it again, and through the segmenter,
each in a process of its own. The overhead is the segmenter's round trip less the time of the
library's stages, as its message tells, less the bare node's round trip.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
import json
import os
from pathlib import Path
import sys
import tempfile
from time import monotonic
from typing import Any

import cv2
from metricseg_msgs.msg import InstanceArray
from metricseg_ros.inputs import open_input
from metricseg_ros.ros.benchmark.memory import memory_of, slope_per_hour
from metricseg_ros.ros.benchmark.round_trips import OUTPUTS, RoundTrips
from metricseg_ros.ros.benchmark.streams import streams
from metricseg_ros.ros.process.lifetime import running
from metricseg_ros.ros.process.processes import ProcessError, Processes
from metricseg_ros.ros.tools.camera_messages import raw_image
from metricseg_ros.shipped import shipped
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

SIZES = ((240, 320), (720, 1280))
OUTPUT_SETS = (('instances',), ('instances', 'label_map'), ('instances', 'label_map', 'overlay'))
SOAK_SIZE = (720, 1280)
SOAK_RATE = 30.0
CAMERAS = (1, 2, 4)
WARM_UP_SHARE = 1 / 3
"""Share of a soak that is left out of the slope: caches and the shared segment fill."""

WARM_UPS = 3
LIBRARY_STAGES = ('preprocess', 'network', 'grouping', 'tracking', 'restore')
"""Stages of the library, as an InstanceArray tells them; restore holds its packing too."""


def photograph(size: tuple[int, int]) -> Image:
    """
    Make an image message of a real scene.

    :param size: (height, width) in pixels.
    """
    image = next(iter(open_input(shipped('demo/images/bin.jpg')))).image
    return raw_image(Header(frame_id='camera'), cv2.resize(image, size[::-1]))


def overheads(trips: RoundTrips, runs: int) -> list[dict[str, Any]]:
    """
    Measure the overhead at every size and for every set of outputs.

    :param runs: images through each node.
    """
    rows = []
    for outputs in OUTPUT_SETS:
        topics = {f'segmenter/{name}': OUTPUTS[name] for name in outputs}
        trips.listen({**topics, 'bare/image': Image})
        for size in SIZES:
            rows.append({'size': list(size), 'outputs': list(outputs),
                         **_alternate(trips, photograph(size), tuple(topics), runs)})
    return rows


def soak(trips: RoundTrips, process: int, seconds: float) -> dict[str, Any]:
    """
    Feed the segmenter for a long time and watch its memory.

    :return: counts, memory in megabytes, its slope and error in megabytes an hour, of all and of
        the node's own.
    """
    segmented: list[InstanceArray] = []
    trips.listen({})
    trips.create_subscription(InstanceArray, 'segmenter/instances', segmented.append, 5)
    image = photograph(SOAK_SIZE)
    trips.spin_until(lambda: segmented or trips.send('segmenter', image), 'the first instances')
    segmented.clear()
    begin, sent = monotonic(), 0
    samples = [(0.0, *memory_of(process))]
    while (now := monotonic() - begin) < seconds:
        trips.send('segmenter', image)
        sent += 1
        if now - samples[-1][0] >= 1.0:
            samples.append((now, *memory_of(process)))
        trips.spin_for(sent / SOAK_RATE - (monotonic() - begin))
    return {'seconds': seconds, 'size': list(SOAK_SIZE), 'rate_hz': sent / seconds,
            'images_sent': sent, 'images_segmented': len(segmented),
            **_growth(np.array(samples), WARM_UP_SHARE * seconds), 'samples': samples}


def _growth(samples: np.ndarray, settled_after: float) -> dict[str, float]:
    """
    Sum up how memory behaved.

    :param samples: (N,4) time in seconds, and memory: own, files, shared.
    :param settled_after: time from which on it counts, in seconds.
    :return: megabytes, and slopes with their errors in megabytes an hour.
    """
    resident = samples[:, 1:].sum(1)
    settled = samples[:, 0] >= settled_after
    times = samples[settled, 0]
    slope, own = (slope_per_hour(times, values[settled]) for values in (resident, samples[:, 1]))
    return {'rss_mb_settled': float(resident[settled][0]), 'rss_mb_last': float(resident[-1]),
            'rss_mb_most': float(resident.max()), 'shared_mb_most': float(samples[:, 3].max()),
            'slope_mb_per_hour': slope.value, 'slope_error_mb_per_hour': slope.error,
            'own_slope_mb_per_hour': own.value, 'own_slope_error_mb_per_hour': own.error}


def _alternate(trips: RoundTrips, image: Image, answers: tuple[str, ...],
               runs: int) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = {name: [] for name in (
        'bare_ms', 'node_ms', 'library_ms', 'overhead_ms')}
    for run in range(-WARM_UPS, runs):
        bare, _ = trips.trip('bare', image, ('bare/image',))
        node, message = trips.trip('segmenter', image, answers)
        library = sum(getattr(message, f'{stage}_ms') for stage in LIBRARY_STAGES)
        if run >= 0:
            for name, value in zip(columns, (bare, node, library, node - library - bare)):
                columns[name].append(value)
    return columns


def measure(options: Namespace, logs: Path) -> dict[str, Any]:
    """Start the nodes and measure."""
    with Processes(logs) as processes:
        os.environ.update(processes.environment)
        processes.start('metricseg_ros.ros.benchmark.bare_relay', '--ros-args', '-r',
                        'image:=bare/camera')
        segmenter = processes.start(
            'metricseg_ros.ros.segmenter_node', '--ros-args', '-r', 'image:=segmenter/camera',
            '-p', f'model:={options.model}')
        with running(lambda: RoundTrips({'bare': 'bare/camera', 'segmenter': 'segmenter/camera'})
                     ) as trips:
            trips.wait_for_cameras()
            result: dict[str, Any] = {'rows': overheads(trips, options.runs)}
            result['rss_mb'] = memory_of(segmenter.pid).total
            if options.soak:
                result['soak'] = soak(trips, segmenter.pid, options.soak)
    return result


def main() -> int:
    """Measure and write the figures; return exit code."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('--model', required=True, help='path of the model')
    parser.add_argument('--runs', type=int, required=True, help='images through each node')
    parser.add_argument('--soak', type=float, default=0.0, help='seconds of the memory test')
    parser.add_argument('--streams', type=float, default=0.0,
                        help='seconds with 1, 2 and 4 cameras')
    parser.add_argument('--output', type=Path, required=True, help='where the JSON goes')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as logs:
        try:
            found = measure(options, Path(logs))
            if options.streams:
                found['streams'] = [
                    streams(Path(logs), options.model, photograph(SOAK_SIZE), cameras, SOAK_RATE,
                            options.streams) for cameras in CAMERAS]
            options.output.write_text(json.dumps(found))
        except (ProcessError, TimeoutError) as error:
            log = Path(logs, 'segmenter_node.log').read_text()
            print(f'benchmark node: {error}\n{log}', file=sys.stderr)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
