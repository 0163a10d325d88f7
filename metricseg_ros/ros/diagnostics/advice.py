# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is odd about an image that can be segmented all the same, or a publisher not heard."""

from __future__ import annotations

LARGEST_SHRINKING = 5
"""Times an image is shrunk for the network, above which small objects are surely lost."""

SMALLEST_SIDE = 16
"""Side of an image, in pixels, below which it cannot be a camera's."""

RELIABILITY = 'RELIABILITY'
"""The QoS policy of reliable and best effort, as rclpy names it."""


def why_refused(policy: str) -> str:
    """
    Say why the middleware does not connect a publisher, and what would help.

    :param policy: the QoS policy that does not fit, as rclpy names it.
    :return: one sentence without a full stop.
    """
    if policy == RELIABILITY:
        return f'QoS policy {policy}: it is best effort and image_reliability is reliable; set ' \
               'it to auto'
    return f'QoS policy {policy}: it offers less than is asked for; change it at the publisher'


def advise(image_size: tuple[int, int], longest_side: int) -> str:
    """
    Say what is odd about an image that is segmented all the same.

    :param longest_side: of the network's input, in pixels.
    :return: one sentence, or empty.
    """
    height, width = image_size
    if min(image_size) < SMALLEST_SIDE:
        return f'an image of {width}x{height} pixels is segmented, but holds hardly any object: ' \
               'is this the right topic?'
    shrinking = max(image_size) / longest_side
    if shrinking > LARGEST_SHRINKING:
        return f'an image of {width}x{height} pixels is shrunk {shrinking:.0f} times for the ' \
               'network, which loses small objects: raise input.height and input.width, or ' \
               'crop or resize the image'
    return ''
