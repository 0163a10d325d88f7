# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what the ROS 2 node costs beside the library.

An image goes by turns through a bare rclpy node, which publishes it again, and through the
segmenter. The overhead is the segmenter's round trip less the library's own time less the bare
node's round trip. With --soak the segmenter gets 30 images of 720p a second while its memory is
watched.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Any

from metricseg_ros.arguments import real_number, whole_number
from metricseg_ros.cli.benchmark.measuring import load_average, machine, spread, table
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.options import add_json, table_stream, write_report
from metricseg_ros.config import NodeConfig
from metricseg_ros.models import find_model

COLUMNS = ('size', 'outputs', 'bare_ms', 'node_ms', 'library_ms', 'overhead_ms',
           'overhead_ms_quartiles')
TIMES = ('bare_ms', 'node_ms', 'library_ms', 'overhead_ms')

STREAM_COLUMNS = ('cameras', 'camera', 'sent', 'received', 'segmented', 'dropped', 'age_ms_p50',
                  'age_ms_p99', 'cpu_cores', 'feeder_cores', 'other_cores', 'rss_mb')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--model', metavar='NAME|PATH', default=NodeConfig().model,
                        help='shipped model, or folder of a model (default: %(default)s)')
    parser.add_argument('--runs', type=whole_number(1), default=30,
                        help='images through each node, size and set of outputs '
                        '(default: %(default)s)')
    parser.add_argument('--soak', type=real_number(), metavar='SECONDS', default=0.0,
                        help='watch the memory for so long')
    parser.add_argument('--streams', type=real_number(), metavar='SECONDS', default=0.0,
                        help='feed 1, 2 and 4 cameras at 30 Hz 720p for so long each')
    add_json(parser, 'the rows')


def run(args: argparse.Namespace) -> int:
    """Measure, print the table, write the JSON; return 0, or 1 if a node failed."""
    load, found = load_average(), measured(args)
    if found is None:
        return FAILED
    rows = [summary(row) for row in found['rows']]
    out = table_stream(args.json)
    print(table(rows, COLUMNS), file=out)
    print(f'\nresident memory {found["rss_mb"]:.0f} MB{soak_line(found.get("soak"))}', file=out)
    if args.streams:
        print('\n' + table(stream_rows(found['streams']), STREAM_COLUMNS), file=out)
    write_report({'benchmark': 'node', 'machine': machine(load), 'model': str(args.model),
                  'runs': args.runs, **found, 'rows': rows}, args.json)
    return DONE


def measured(args: argparse.Namespace) -> dict[str, Any] | None:
    """
    Let the ROS side measure, in a process that has ROS's environment to itself.

    :return: what it found, or None if it failed, which it has then told itself.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / 'found.json'
        code = subprocess.run([
            sys.executable, '-m', 'metricseg_ros.ros.benchmark.benchmark',
            '--runs', str(args.runs),
            '--model', str(find_model(args.model).resolve()), '--soak', str(args.soak),
            '--streams', str(args.streams),
            '--output', str(output)]).returncode
        return json.loads(output.read_text()) if code == 0 else None


def stream_rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give a line to each camera of each number of cameras."""
    return [{**{key: value for key, value in item.items() if key != 'rows'}, **row}
            for item in found for row in item['rows']]


def summary(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row of milliseconds with medians and quartiles."""
    height, width = row['size']
    result = {'size': f'{height}x{width}', 'outputs': '+'.join(row['outputs'])}
    for name in TIMES:
        result |= spread(name, row[name])
    return result


def soak_line(soak: dict[str, Any] | None) -> str:
    """
    Tell of the memory test.

    :param soak: what it found, or None.
    :return: the end of a sentence.
    """
    if soak is None:
        return ''
    return (f'; in {soak["seconds"]:.0f} s at {soak["rate_hz"]:.1f} images a second of 720p at '
            f'most {soak["rss_mb_most"]:.0f} MB, growing by {soak["slope_mb_per_hour"]:.1f} +- '
            f'{soak["slope_error_mb_per_hour"]:.1f} MB an hour; without memory shared with the '
            f'camera, of which {soak["shared_mb_most"]:.0f} MB came into use, by '
            f'{soak["own_slope_mb_per_hour"]:.1f} +- '
            f'{soak["own_slope_error_mb_per_hour"]:.1f} MB an hour')
