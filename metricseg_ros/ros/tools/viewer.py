# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Watch a segmenter: write its overlays to files and tell what it found, until told to end."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
import json
from pathlib import Path
import sys
from time import monotonic
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.arguments import Parser, real_number, whole_number
from metricseg_ros.inputs.image_messages import to_rgb
from metricseg_ros.ros.frames.latencies import PUBLISHED_STAGES, summarise
from metricseg_ros.ros.process.lifetime import running
from metricseg_ros.ros.tools.overlay_writer import OverlayWriter
import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image

DEPTH = 50
"""Messages that may wait while files are written."""

HEADINGS = f'{"frame":>5}  {"size":>9}  {"instances":>9}  {"network":>8}  {"age":>8}  scores'


class Viewer(Node):
    """Note every InstanceArray, and write every overlay."""

    def __init__(self, options: Namespace) -> None:
        super().__init__('viewer')
        self.messages: list[InstanceArray] = []
        self.times: list[float] = []
        self.overlays = 0
        self._writer = OverlayWriter(options.output) if options.output else None
        self._topics = [
            self.create_subscription(InstanceArray, 'segmenter/instances', self._note, DEPTH)]
        if self._writer:
            self._topics.append(
                self.create_subscription(Image, 'segmenter/overlay', self._write, DEPTH))

    def is_matched(self) -> bool:
        """Tell whether there is a segmenter: whether every topic has a publisher."""
        return all(self.count_publishers(item.topic_name) for item in self._topics)

    def complete(self, frames: int) -> bool:
        """Tell whether all frames that were asked for have come, overlays too; 0 has no end."""
        overlays = self.overlays if self._writer else frames
        return 0 < frames <= min(len(self.messages), overlays)

    def summary(self) -> dict[str, Any]:
        """Sum up what was seen."""
        values = {stage: [value for message in self.messages
                          if (value := getattr(message, f'{stage}_ms')) == value]
                  for stage in PUBLISHED_STAGES}
        counts = [len(message.instances) for message in self.messages]
        elapsed = self.times[-1] - self.times[0] if len(self.times) > 1 else 0.0
        last = self.messages[-1] if self.messages else InstanceArray()
        return {
            'frames_segmented': len(counts), 'instances': sum(counts),
            'frames_with_instances': sum(count > 0 for count in counts),
            'stages_ms': summarise(values),
            'fps': (len(counts) - 1) / elapsed if elapsed else 0.0,
            'overlays': self.overlays, 'model': last.model, 'backend': last.backend,
            'provider': last.provider, 'device': last.device, 'precision': last.precision}

    def close(self) -> None:
        """Finish the files."""
        if self._writer:
            self._writer.close()

    def _note(self, message: InstanceArray) -> None:
        if not self.messages:
            print(HEADINGS)
        self.messages.append(message)
        self.times.append(monotonic())
        print(table_row(len(self.messages), message), flush=True)

    def _write(self, message: Image) -> None:
        self._writer.write(to_rgb(message))
        self.overlays += 1


def table_row(number: int, message: InstanceArray) -> str:
    """Tell of one frame in one line."""
    size = f'{message.image_width}x{message.image_height}'
    scores: dict[str, list[str]] = defaultdict(list)
    for item in message.instances:
        scores[item.class_name].append(f'{item.score:.2f}')
    found = '; '.join(f'{name} {" ".join(values)}' for name, values in scores.items())
    return f'{number:5d}  {size:>9}  {len(message.instances):9d}  ' \
           f'{message.network_ms:5.1f} ms  {message.age_ms:5.1f} ms  {found}'


def watch(viewer: Viewer, options: Namespace) -> None:
    """Spin until all frames have come, or none comes any more."""
    ready = False
    while not viewer.complete(options.frames):
        rclpy.spin_once(viewer, timeout_sec=0.1)
        if not ready and viewer.is_matched():
            ready = True
            if options.ready:
                options.ready.touch()
        if viewer.times and monotonic() - viewer.times[-1] > options.patience:
            return


def parse_arguments(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = Parser(prog='viewer', description=__doc__)
    parser.add_argument('--frames', type=whole_number(), default=0,
                        help='end after so many; 0: do not')
    parser.add_argument('--output', type=Path, help='folder for overlays (PNG and MP4)')
    parser.add_argument('--patience', type=real_number(), default=float('inf'),
                        help='end when nothing has come for so many seconds')
    parser.add_argument('--json', type=Path, help='where to write the summary')
    parser.add_argument('--ready', type=Path, help='file to create once a segmenter is there')
    return parser.parse_args(arguments)


def main() -> int:
    """Watch until told to end; return exit code."""
    options = parse_arguments(remove_ros_args(sys.argv)[1:])
    with running(lambda: Viewer(options)) as viewer:
        watch(viewer, options)
    viewer.close()
    if options.json:
        options.json.write_text(json.dumps(viewer.summary()))
    return 0


if __name__ == '__main__':
    sys.exit(main())
