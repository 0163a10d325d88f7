# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read 500 cut or flipped recordings and videos: run by a test in a process of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
import sys

import cv2
from fuzzing import damaged, in_time, limit_process
from inputs.recordings import (
    CompressionMode,
    CompressionType,
    gradient,
    image_message,
    write_bag,
    write_mcap,
    write_rosbag1,
)
from metricseg_ros.inputs import InputError, open_input
import numpy as np

COUNT = 500


def originals(folder: Path) -> list[Path]:
    """Write a recording of each kind, and videos as far as this OpenCV writes them."""
    messages = [image_message(gradient(24, 40), 'rgb8', stamp) for stamp in range(1, 9)]
    images = [gradient(24, 40)] * 8
    paths = [write_bag(folder / 'sqlite', {'/a': messages}) / 'sqlite.db3',
             write_bag(folder / 'mcap', {'/a': messages}, True) / 'mcap.mcap',
             next(write_bag(folder / 'whole', {'/a': messages}, True, CompressionMode.FILE)
                  .glob('*.zstd')),
             write_mcap(folder / 'zstd.mcap', messages, compression=CompressionType.ZSTD),
             write_rosbag1(folder / 'one.bag', images, chunk_bytes=5000)]
    for name, four in (('a.avi', 'MJPG'), ('b.mp4', 'mp4v'), ('c.mkv', 'MJPG'), ('d.webm', 'VP80'),
                       ('e.avi', 'XVID')):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter_fourcc(*four), 10, (64, 48))
        if writer.isOpened():
            for number in range(12):
                writer.write(np.roll(cv2.resize(gradient(24, 40), (64, 48)), number, 1))
            writer.release()
            paths.append(folder / name)
    return paths


def main() -> None:
    """Damage and read; whatever is not an InputError ends the process with a traceback."""
    folder = Path(sys.argv[1])
    limit_process()
    rng, outcomes = np.random.default_rng(0), Counter[str]()
    files = [(path.suffixes, path.read_bytes()) for path in originals(folder)]
    for number in range(COUNT):
        suffixes, data = files[number % len(files)]
        path = folder / f'damaged{"".join(suffixes)}'
        path.write_bytes(damaged(data, rng))
        print(number, path.name, flush=True)
        errors: list[InputError] = []
        frames = 0

        def read(path: Path = path, errors: list[InputError] = errors) -> None:
            nonlocal frames
            for frame in open_input(path, on_error=errors.append):
                assert frame.image.dtype == np.uint8 and frame.image.shape[2] == 3
                frames += 1
        try:
            in_time(read)
        except InputError as error:
            errors.append(error)
        assert all(str(path) in str(error) for error in errors), errors
        outcomes['all' if not errors else 'some' if frames else 'none'] += 1
    print(dict(outcomes))


if __name__ == '__main__':
    main()
