# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The latest depth images of a camera, and which of them belongs to an image."""

from __future__ import annotations

from collections import deque
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
    """A ring of depth images, which come in the order of their stamps."""

    def __init__(self, most: int) -> None:
        """
        Begin empty.

        :param most: number of images kept.
        """
        self._images: deque[tuple[int, Any]] = deque(maxlen=most)

    def add(self, depth: Any) -> None:
        """
        Keep a depth image, in place of the oldest one.

        :param depth: sensor_msgs/Image.
        """
        stamp = nanoseconds(depth.header.stamp)
        if self._images and stamp < self._images[-1][0]:
            self._images.clear()  # A recording that began again.
        self._images.append((stamp, depth))

    def clear(self) -> None:
        """Drop all images."""
        self._images.clear()

    def find(self, stamp: Any, maximum_difference: float) -> Found:
        """
        Look for the depth image of nearest stamp.

        :param stamp: builtin_interfaces/Time of the image.
        :param maximum_difference: between both stamps, in seconds.
        :return: what there is now.
        """
        wanted = nanoseconds(stamp)
        if not wanted:
            return Found(None, True, 'the image carries no stamp, so that no depth image can be '
                                     'paired with it')
        if not self._images:
            return Found(None, False, 'no depth image has come')
        nearest, depth = min(self._images, key=lambda item: abs(item[0] - wanted))
        is_passed = self._images[-1][0] >= wanted
        if abs(nearest - wanted) <= maximum_difference * NANOSECONDS:
            return Found(depth, is_passed)
        return Found(None, is_passed, self._why_none(wanted, nearest, maximum_difference))

    def _why_none(self, wanted: int, nearest: int, maximum_difference: float) -> str:
        if wanted < self._images[0][0] and len(self._images) == self._images.maxlen:
            return (f'the image is older than the {len(self._images)} depth images that are kept: '
                    'raise depth.images, or look at the clocks of both')
        if not nearest:
            return 'the depth images carry no stamp, so that none can be paired with an image'
        side = 'older' if nearest < wanted else 'newer'
        return (f'the nearest depth image is {abs(nearest - wanted) / NANOSECONDS:.3f} s {side} '
                f'than the image, and depth.maximum_difference is {maximum_difference:g} s')


def nanoseconds(stamp: Any) -> int:
    """
    Give a stamp as one number.

    :param stamp: builtin_interfaces/Time.
    :return: nanoseconds since the epoch.
    """
    return stamp.sec * 10**9 + stamp.nanosec
