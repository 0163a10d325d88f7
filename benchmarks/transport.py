# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How many of a camera's images reach the segmenter's subscription, by what each side asks for.

    scripts/run python -m benchmarks.transport --seconds 8 --json transport.json

A camera and a listener run as processes of their own. The camera is an ordinary one: QoS depth 10,
reliable or best effort. The listener subscribes as the node does. Each has a profile of Fast DDS,
or the middleware's defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
import json
import os
from pathlib import Path
import subprocess
import sys
from time import monotonic, sleep
from typing import Any

from metricseg_ros.arguments import Parser, real_number
from metricseg_ros.fast_dds import CHOICES, image_profile, PROFILE
from metricseg_ros.ros.process.domain import Domain
from metricseg_ros.shipped import shipped
import numpy as np

PROFILES = {'neither': ('', ''), 'node': ('', 'node'), 'camera': ('camera', ''),
            'each': ('camera', 'node'), 'exported': ('camera', 'camera')}
"""Who has a profile -> that of the camera and that of the listener: the one that the node loads by
itself, or the one that docs/deployment.md recommends for cameras."""

SIZES = {'640x480': (480, 640), '1280x720': (720, 1280)}
RATES = (3, 10, 30)
DISCOVERY_S = 20.0
LATE_S = 2.0


def camera(options: argparse.Namespace) -> dict[str, int]:
    """Publish at a rate, once somebody listens."""
    import rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(Image, 'image', QoSProfile(
        depth=10, reliability=ReliabilityPolicy[options.reliability.upper()]))
    height, width = SIZES[options.size]
    message = Image(height=height, width=width, encoding='bgr8', step=3 * width)
    message.data.frombytes(np.zeros((height, width, 3), np.uint8).tobytes())
    end = monotonic() + DISCOVERY_S
    while publisher.get_subscription_count() == 0 and monotonic() < end:
        sleep(0.05)
    sleep(LATE_S)  # The listener may still change over to what this publisher offers.
    start = monotonic()
    for index in range(options.images):
        sleep(max(0.0, start + index / options.rate - monotonic()))
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
    sleep(LATE_S)
    return {'sent': options.images}


def listener(options: argparse.Namespace) -> dict[str, int]:
    """
    Count what the node's own subscription hears, until it has been silent.

    :return: the images heard, and those that the middleware says it lost.
    """
    from metricseg_ros.config import NodeConfig
    from metricseg_ros.ros.input.image_input import ImageInput
    import rclpy

    rclpy.init()
    node = rclpy.create_node('listener')
    images = ImageInput(node, NodeConfig(), '', lambda message: None, lambda text: None)
    end = monotonic() + DISCOVERY_S
    while images.silent_seconds() < 2 * LATE_S if images.received else monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    return {'heard': images.received, 'lost': images.lost}


ROLES = {'camera': camera, 'listener': listener}


def measure(case: dict[str, Any], images: int) -> dict[str, Any]:
    """
    Run one camera against one listener.

    :param case: the camera's reliability, who has a profile, size and rate.
    :return: the case with what was sent, heard and lost.
    """
    domain = Domain()
    try:
        started = [subprocess.Popen(
            [sys.executable, '-m', 'benchmarks.transport', '--role', role,
             '--reliability', case['camera'], '--size', case['size'], '--rate', str(case['rate']),
             '--images', str(images)], stdout=subprocess.PIPE, text=True,
            env=environment(domain.number, profile))
            for role, profile in zip(ROLES, PROFILES[case['profile']], strict=True)]
        counts = [json.loads(process.communicate(timeout=300)[0].splitlines()[-1])
                  for process in started]
    finally:
        domain.close()
    return case | counts[0] | counts[1]


def environment(domain: int, profile: str) -> dict[str, str]:
    """Set up one process."""
    chosen = image_profile()
    if profile == 'camera':
        chosen = dict.fromkeys(chosen, str(shipped(PROFILE)))
    bare = {name: value for name, value in os.environ.items() if name not in CHOICES}
    return {**bare, 'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            **(chosen if profile else {})}


def cases() -> Iterator[dict[str, Any]]:
    """Give every combination that the table of docs/deployment.md shows."""
    for kind, profile, size, rate in product(('reliable', 'best_effort'), PROFILES, SIZES, RATES):
        yield {'camera': kind, 'profile': profile, 'size': size, 'rate': rate}


def main() -> int:
    """Measure every case, or be one of the two processes."""
    parser = Parser(prog='benchmarks.transport', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=real_number(above=True), default=8.0,
                        help='of each case')
    parser.add_argument('--json', type=Path, help='where the rows go')
    parser.add_argument('--role', choices=ROLES, help=argparse.SUPPRESS)
    for name in ('--reliability', '--size'):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ('--rate', '--images'):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        print(json.dumps(ROLES[options.role](options)), flush=True)
        return 0
    rows = []
    for case in cases():
        row = measure(case, max(8, round(options.seconds * case['rate'])))
        print('  '.join(f'{name} {value}' for name, value in row.items()), flush=True)
        rows.append(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
