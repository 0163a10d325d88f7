# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The latest frames as the network saw them, for those who point at them afterwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.clicks import Clicks, segment_clicks
from metricseg_ros.ros.conversions import instance_array, provenance_of
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage
from std_msgs.msg import Header


class NoSuchFrameError(LookupError):
    """A frame that is not kept; the text says which are."""


@dataclass(frozen=True)
class SeenFrame:
    """
    A frame the network has seen.

    :param header: of the image.
    :param embedded: what the network said of it.
    """

    header: Header
    embedded: EmbeddedImage

    def masks(self, segmenter: InstanceSegmenter, clicks: Clicks) -> InstanceArray:
        """
        Grow the masks of clicks.

        :param segmenter: tells how, and who made the embeddings.
        :param clicks: pixels of this frame.
        :return: the masks in the order of the clicks; the latencies are left at 0.
        :raises ClickError: if a click cannot be answered.
        """
        found = segment_clicks(self.embedded, clicks, segmenter.grouping.connected,
                               segmenter.grouping.outline_radius)
        return instance_array(self.header, found, provenance_of(segmenter))


class RecentFrames:
    """A ring of the latest frames; safe to use from several threads."""

    def __init__(self, most: int) -> None:
        """
        Begin empty.

        :param most: number of frames kept.
        """
        self._lock = Lock()
        self._frames: deque[SeenFrame] = deque(maxlen=most)

    def add(self, header: Header, embedded: EmbeddedImage) -> None:
        """
        Keep a frame, in place of the oldest one.

        :param header: of the image.
        :param embedded: what the network said of it.
        """
        with self._lock:
            self._frames.append(SeenFrame(header, embedded))

    def forget(self) -> None:
        """Drop all frames: another model's embeddings have nothing to do with these."""
        with self._lock:
            self._frames.clear()

    def find(self, stamp: Any) -> SeenFrame:
        """
        Look a frame up.

        :param stamp: builtin_interfaces/Time of the image; 0 stands for the latest.
        :return: the frame.
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
