# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The demo: camera player, segmenter and viewer as three processes over real ROS 2 topics.

The player publishes an image when the one before has come back segmented, so that every image is
segmented however slow the machine is; the frames a second are therefore this machine's own.
"""

from __future__ import annotations

from argparse import Namespace
import json
from pathlib import Path
import sys
import tempfile
from typing import Any

from metricseg_ros.arguments import Parser, real_number, whole_number
from metricseg_ros.config import NodeConfig
from metricseg_ros.inputs import open_input
from metricseg_ros.models import find_model
from metricseg_ros.ros.process.processes import ProcessError, Processes
from metricseg_ros.shipped import shipped

PATIENCE_S = 90.0
"""Longest time without a sign of life of the segmenter, in seconds."""


def run(options: Namespace, folder: Path) -> dict[str, Any]:
    """
    Run the three nodes to the end.

    :raises ProcessError: if one of them fails.
    """
    nodes, ready = 'metricseg_ros.ros', folder / 'ready'
    topic = ('--topic', options.topic) if options.topic else ()
    with Processes(options.output / 'log') as processes:
        viewer = processes.start(
            f'{nodes}.tools.viewer', '--output', options.output, '--frames', options.frames,
            '--json', folder / 'viewer.json', '--ready', ready, '--patience', PATIENCE_S,
            show=True)
        segmenter = processes.start(
            f'{nodes}.segmenter_node', '--ros-args', '-p', f'model:={options.model}')
        processes.wait_for(ready.exists, segmenter, PATIENCE_S)
        player = processes.start(
            f'{nodes}.tools.player', '--input', options.input, *topic, '--frames', options.frames,
            '--lockstep', '--rate', options.rate, '--json', folder / 'player.json')
        player.wait()
        processes.wait_for(lambda: viewer.poll() is not None, viewer, PATIENCE_S)
    if player.returncode:
        raise ProcessError(f'the camera player failed:\n{processes.log_of(player)}')
    return summary(json.loads((folder / 'player.json').read_text()),
                   json.loads((folder / 'viewer.json').read_text()), options.output)


def summary(played: dict[str, Any], seen: dict[str, Any], output: Path) -> dict[str, Any]:
    """Bring together what went in and what came out."""
    return {'frames_in': played['frames'], **seen,
            'dropped': played['published'] - seen['frames_segmented'], 'output': str(output)}


def report(result: dict[str, Any]) -> str:
    """Tell the summary to people: a few lines."""
    stages = '\n'.join(
        f'  {stage:<10} {values["p50"]:7.1f} {values["p95"]:7.1f} {values["p99"]:7.1f}'
        for stage, values in result['stages_ms'].items())
    return (f'\n{result["frames_segmented"]} of {result["frames_in"]} frames segmented, '
            f'{result["dropped"]} dropped; {result["instances"]} instances, at least one in '
            f'{result["frames_with_instances"]} frames; {result["fps"]:.1f} frames a second\n'
            f'{result["model"]} on {result["backend"]}, {result["provider"]}, '
            f'{result["device"]}, {result["precision"]}\n'
            f'  ms         {"p50":>7} {"p95":>7} {"p99":>7}\n{stages}\n'
            f'Look at {result["output"]}/overlay_0001.png and {result["output"]}/overlay.mp4')


def parse_arguments(arguments: list[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = Parser(prog='scripts/demo', description=__doc__)
    parser.add_argument('--frames', type=whole_number(1), default=30,
                        help='number of images (default: 30)')
    parser.add_argument('--input', type=Path, default=shipped('demo/images'),
                        help='image, folder, video, rosbag2 or MCAP (default: bundled photos)')
    parser.add_argument('--topic', help='image topic of a recording with several')
    parser.add_argument('--model', default=NodeConfig().model, help='name or path of the model')
    parser.add_argument('--rate', type=real_number(above=True), default=30.0,
                        help='images a second, at most')
    parser.add_argument('--output', type=Path, default=Path('demo_output'),
                        help='folder for overlays and logs (default: demo_output)')
    parser.add_argument('--json', type=Path, help='where to write the summary')
    options = parser.parse_args(arguments)
    try:
        options.model = str(find_model(options.model).resolve())
        open_input(options.input, options.topic)
    except ValueError as error:
        parser.exit(2, f'demo: {error}\n')
    return options


def main() -> int:
    """Run the demo; return exit code."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = run(options, Path(folder))
        except ProcessError as error:
            print(f'demo: {error}', file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    print(report(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + '\n')
    return 0 if result['frames_segmented'] >= result['frames_in'] else 1


if __name__ == '__main__':
    sys.exit(main())
