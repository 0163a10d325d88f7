# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Try ROS 2 out: import what the node imports, send an image, see what there is of topics and nodes.

`python -m metricseg_ros.ros.tools.probe` prints one line of JSON, for `metricseg doctor`, which
runs it as a process of its own since a broken middleware may end the process.
"""

from __future__ import annotations

from array import array
from importlib import import_module
import json
import os
import time
from typing import Any

REQUIRED = ('rclpy', 'std_msgs', 'sensor_msgs', 'geometry_msgs', 'diagnostic_msgs',
            'visualization_msgs', 'metricseg_msgs')
OPTIONAL = ('vision_msgs',)
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
HEIGHT, WIDTH = 720, 1280
ROUNDS = 5
TIMEOUT_S = 30.0
RESEND_S = 2.0
DISCOVERY_S, LONGEST_S, SETTLED_S = 3.0, 10.0, 1.0
"""Shortest and longest look for others, which ends when nothing new has come for a while; in that
time a node of ours that runs reports, by default each second."""


def main() -> None:
    """Print what is found."""
    print(json.dumps(probe()))


def probe() -> dict[str, Any]:
    """
    Import, then send and receive.

    :return: 'present' and 'missing' packages, 'required' ones, and if none of these is missing
        what :func:`round_trip` finds.
    """
    present, missing = [], {}
    for name in REQUIRED + OPTIONAL:
        try:
            import_module(name if name == 'rclpy' else f'{name}.msg')
            present.append(name)
        except ImportError as error:
            missing[name] = str(error)
    found = {'present': present, 'missing': missing, 'required': REQUIRED}
    return found if set(missing) & set(REQUIRED) else {**found, **round_trip()}


def round_trip() -> dict[str, Any]:
    """
    Send images from a node to itself through the middleware.

    :return: 'round_trip_ms', the fastest, or 'error'; 'middleware', 'domain', 'distribution',
        'image_topics' that others publish, seen in 'looked_s' seconds, and 'segmenters', what
        each that runs says of itself.
    """
    import rclpy
    from rclpy.utilities import get_rmw_implementation_identifier
    rclpy.init(args=[])
    node = rclpy.create_node(f'metricseg_doctor_{os.getpid()}')
    try:
        started, segmenters = time.monotonic(), _listen_to_segmenters(node)
        about = {'middleware': get_rmw_implementation_identifier(),
                 'domain': node.context.get_domain_id(),
                 'distribution': os.environ.get('ROS_DISTRO', 'ROS 2 from wheels')}
        took_ms = _fastest_ms(node)
        if took_ms is None:
            return {**about, 'error': f'an image sent did not come back within {TIMEOUT_S:.0f} s'}
        looked_s = _look_around(node, started)
        topics = sorted(name for name, types in node.get_topic_names_and_types()
                        if set(types) & set(IMAGE_TYPES) and not name.endswith('/probe'))
        return {**about, 'round_trip_ms': took_ms, 'image_topics': topics, 'looked_s': looked_s,
                'segmenters': segmenters}
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _look_around(node: Any, started: float) -> float:
    """Wait until discovery settles; return the seconds since the start."""
    import rclpy
    known, since = -1, started
    while (waited := time.monotonic() - started) < LONGEST_S and (
            waited < DISCOVERY_S or time.monotonic() - since < SETTLED_S):
        rclpy.spin_once(node, timeout_sec=0.1)
        seen = sum(node.count_publishers(name) for name, _ in node.get_topic_names_and_types())
        if seen != known:
            known, since = seen, time.monotonic()
    return waited


def _fastest_ms(node: Any) -> float | None:
    """Return the shortest time of an image's way, in milliseconds; None if one got lost."""
    import rclpy
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import Image
    received: list[Image] = []
    publisher = node.create_publisher(Image, '~/probe', QoSProfile(depth=1))
    node.create_subscription(Image, '~/probe', received.append, QoSProfile(depth=1))
    image = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=3 * WIDTH)
    image.data = array('B', bytes(3 * WIDTH * HEIGHT))
    deadline = time.monotonic() + TIMEOUT_S
    while publisher.get_subscription_count() == 0 and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.05)
    times = []
    for count in range(1, ROUNDS + 1):
        start = time.monotonic()
        publisher.publish(image)
        while len(received) < count:
            if time.monotonic() > deadline:
                return None
            if time.monotonic() > start + RESEND_S:
                # Publisher and subscriber learn of each other at different times.
                start = time.monotonic()
                publisher.publish(image)
            rclpy.spin_once(node, timeout_sec=0.05)
        times.append(1e3 * (time.monotonic() - start))
    return min(times)


def _listen_to_segmenters(node: Any) -> dict[str, tuple[int, str]]:
    """Return what will hold level and message of each camera of each segmenter, by its name."""
    from diagnostic_msgs.msg import DiagnosticArray
    said: dict[str, tuple[int, str]] = {}

    def note(message: DiagnosticArray) -> None:
        said.update({status.name: (ord(status.level), status.message)
                     for status in message.status if ': segmentation' in status.name})
    node.create_subscription(DiagnosticArray, '/diagnostics', note, 10)
    return said


if __name__ == '__main__':
    main()
