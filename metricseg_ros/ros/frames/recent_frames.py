# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The latest frames as the network saw them, for those who point at them afterwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from metricseg_ros.clicks import Clicks, segment_clicks
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage, Instances
import numpy as np
from std_msgs.msg import Header


class NoSuchFrameError(LookupError):
    """A frame that is not kept; the text says which are."""


@dataclass(frozen=True)
class EmbeddedFrame:
    """
    A frame the network has seen.

    :param image: (H,W,3) uint8 RGB; None once there is a newer frame, since images are large.
    :param depth_used: whether the network saw the image with depth.
    """

    header: Header
    embedded: EmbeddedImage
    image: np.ndarray | None = None
    depth_used: bool = False

    def masks(self, segmenter: InstanceSegmenter, clicks: Clicks) -> Instances:
        """
        Grow the masks of clicks.

        :return: the masks in the order of the clicks.
        :raises ClickError: if a click cannot be answered.
        """
        return segment_clicks(self.embedded, clicks, segmenter.grouping.connected,
                              segmenter.grouping.outline_radius)


class RecentFrames:
    """A ring of the latest frames; safe to use from several threads."""

    def __init__(self, most: int) -> None:
        """Begin empty."""
        self._lock = Lock()
        self._frames: deque[EmbeddedFrame] = deque(maxlen=most)

    def add(self, frame: EmbeddedFrame) -> None:
        """Keep a frame, in place of the oldest one."""
        with self._lock:
            if self._frames:
                self._frames[-1] = replace(self._frames[-1], image=None)
            self._frames.append(frame)

    def forget(self) -> None:
        """Drop all frames: another model's embeddings have nothing to do with these."""
        with self._lock:
            self._frames.clear()

    def find(self, stamp: Any) -> EmbeddedFrame:
        """
        Look a frame up.

        :param stamp: builtin_interfaces/Time of the image; 0 stands for the latest.
        :raises NoSuchFrameError: if it is not kept.
        """
        with self._lock:
            frames = list(self._frames)
        if not frames:
            raise NoSuchFrameError('no frame has been segmented yet: subscribe to an output, or '
                                   'call ~/segment first')
        if not stamp.sec and not stamp.nanosec:
            return frames[-1]
        for frame in reversed(frames):
            if frame.header.stamp == stamp:
                return frame
        raise NoSuchFrameError(
            f'no frame of stamp {_text(stamp)} is kept; those kept are '
            f'{", ".join(_text(frame.header.stamp) for frame in frames)}: raise clicks.frames to '
            'keep more')


def _text(stamp: Any) -> str:
    return f'{stamp.sec}.{stamp.nanosec:09d}'
