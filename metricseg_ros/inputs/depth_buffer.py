# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The latest depth images of a camera, and which of them belongs to an image."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Any, NamedTuple

NANOSECONDS = 1e9


class Found(NamedTuple):
    """
    What a search came to.

    :param depth: the depth image, or None.
    :param is_final: whether nothing better can come any more.
    :param reason: why there is none; empty where there is one.
    """

    depth: Any
    is_final: bool
    reason: str = ''


class DepthBuffer:
    """A ring of depth images in the order of their stamps; safe to use from several threads."""

    def __init__(self, most: int) -> None:
        """Begin empty."""
        self._lock = Lock()
        self._images: deque[tuple[int, Any]] = deque(maxlen=most)

    def add(self, depth: Any) -> None:
        """Keep a depth image, a sensor_msgs/Image, in place of the oldest one."""
        stamp = nanoseconds(depth.header.stamp)
        with self._lock:
            if self._images and stamp < self._images[-1][0]:
                self._images.clear()  # A recording that began again.
            self._images.append((stamp, depth))

    def clear(self) -> None:
        """Drop all images."""
        with self._lock:
            self._images.clear()

    def find(self, stamp: Any, maximum_difference: float) -> Found:
        """
        Look for the depth image of nearest stamp.

        :param stamp: builtin_interfaces/Time of the image.
        :param maximum_difference: between both stamps, in seconds.
        """
        wanted = nanoseconds(stamp)
        if not wanted:
            return Found(None, True, 'the image carries no stamp, so that no depth image can be '
                                     'paired with it')
        with self._lock:
            images = list(self._images)
        if not images:
            return Found(None, False, 'no depth image has come')
        nearest, depth = min(images, key=lambda item: abs(item[0] - wanted))
        is_passed = images[-1][0] >= wanted
        if abs(nearest - wanted) <= maximum_difference * NANOSECONDS:
            return Found(depth, is_passed)
        if wanted < images[0][0] and len(images) == self._images.maxlen:
            return Found(None, True, f'the image is older than the {len(images)} depth images '
                                     'that are kept: raise depth.images, or look at the clocks of '
                                     'both')
        return Found(None, is_passed, self._why_none(wanted, nearest, maximum_difference))

    @staticmethod
    def _why_none(wanted: int, nearest: int, maximum_difference: float) -> str:
        if not nearest:
            return 'the depth images carry no stamp, so that none can be paired with an image'
        side = 'older' if nearest < wanted else 'newer'
        return (f'the nearest depth image is {abs(nearest - wanted) / NANOSECONDS:.3f} s {side} '
                f'than the image, and depth.maximum_difference is {maximum_difference:g} s')


def nanoseconds(stamp: Any) -> int:
    """Give a builtin_interfaces/Time in nanoseconds since the epoch."""
    return stamp.sec * 10**9 + stamp.nanosec
