# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Placing segmented images in space, on a thread of its own: nothing else waits for depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Any

from metricseg_ros.config import DepthInputConfig
from metricseg_ros.inputs.depth_buffer import DepthBuffer, Found
from metricseg_ros.inputs.registered_depth import (
    DepthError,
    intrinsics_of,
    MissingError,
    registered_depth,
)
from metricseg_ros.objects3d import locate, ObjectInSpace
from metricseg_ros.ros.output.publishers import Outputs
from metricseg_ros.ros.output.space_messages import marker_array, object_array, point_cloud
from metricseg_ros.structures import Instances
import numpy as np
from std_msgs.msg import Header

MOST_WAITING = 10
"""Images that wait for their depth; each holds its pixels."""


@dataclass(frozen=True)
class SegmentedImage:
    """
    A segmented image that is to be placed in space.

    :param header: of the image.
    :param image: (H,W,3) uint8 RGB.
    :param instances: what was found in it.
    :param names: name of class id i at index i - 1.
    :param time: when it was segmented, by the steady clock, in seconds.
    """

    header: Header
    image: np.ndarray
    instances: Instances
    names: tuple[str, ...]
    time: float


class Placing:
    """
    Pair the images of one camera with their depth, and publish where things are.

    :ivar config: how; may be replaced at any time.
    :ivar info: the latest sensor_msgs/CameraInfo, or None.
    :ivar placed: images that were paired with depth.
    :ivar unplaced: images that were not.
    :ivar skipped: images let go for a newer one.
    :ivar problem: why the latest image was not; empty after a good one.
    """

    def __init__(self, outputs: Outputs, config: DepthInputConfig,
                 warn: Callable[[str], None]) -> None:
        """
        Start waiting.

        :param outputs: where the messages go.
        :param config: how images are paired, and what is trusted.
        :param warn: told of what is wrong with depth that came, and throttles by itself.
        """
        self.config = config
        self.info: Any = None
        self.placed = self.unplaced = self.skipped = 0
        self.problem = ''
        self._outputs = outputs
        self._warn = warn
        self._changed = Condition()
        self._depth = DepthBuffer(config.images)
        self._waiting: deque[SegmentedImage] = deque(maxlen=MOST_WAITING)
        self._closed = False
        self._thread = Thread(target=self._run, name='placing', daemon=True)
        self._thread.start()

    def add_depth(self, message: Any) -> None:
        """
        Take a depth image in.

        :param message: sensor_msgs/Image.
        """
        with self._changed:
            self._depth.add(message)
            self._changed.notify()

    def add(self, seen: SegmentedImage) -> None:
        """
        Take a segmented image in; it is placed as soon as its depth is there.

        :param seen: the image.
        """
        with self._changed:
            self.skipped += len(self._waiting) == MOST_WAITING
            self._waiting.append(seen)
            self._changed.notify()

    def forget(self, name: str) -> None:
        """
        Drop what is not listened to any more.

        :param name: depth or camera_info.
        """
        with self._changed:
            if name == 'camera_info':
                self.info = None
            else:
                self._depth.clear()
                self._waiting.clear()
                self.problem = ''

    def close(self) -> None:
        """End the thread; images that wait are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            try:
                self._place(*taken)
            except Exception as error:  # Whatever it is, the next image may be a good one.
                self._warn(f'placing objects failed: {error!r}')
            del taken  # An image waits for its successor otherwise.

    def _take(self) -> tuple[SegmentedImage, Found] | None:
        """Wait for an image whose depth is there or will not come; older ones are let go."""
        with self._changed:
            while not self._closed:
                for seen in reversed(self._waiting):
                    found = self._depth.find(seen.header.stamp, self.config.maximum_difference)
                    if found.is_final or self._patience(seen) <= 0:
                        while self._waiting.popleft() is not seen:
                            self.skipped += 1
                        return seen, found
                self._changed.wait(min(map(self._patience, self._waiting), default=None))
        return None

    def _patience(self, seen: SegmentedImage) -> float:
        return seen.time + self.config.maximum_wait - monotonic()

    def _place(self, seen: SegmentedImage, found: Found) -> None:
        """Publish what is wanted of an image; where nothing can be placed, that, and why."""
        header, instances, names = seen.header, seen.instances, seen.names
        try:
            objects = self._located(seen, found)
            self.problem = ''
            self.placed += 1
        except DepthError as error:
            objects, self.problem = [], str(error)
            self.unplaced += 1
            if not isinstance(error, MissingError):  # What is late once is not worth a line.
                self._warn(f'no object has a place: {error}')
        if self._outputs.wanted('objects'):
            self._outputs.publish('objects', object_array(
                header, instances, names, objects, found.depth and found.depth.header.stamp,
                self.problem))
        if self._outputs.wanted('markers'):
            self._outputs.publish('markers', marker_array(header, instances, names, objects))
        if self._outputs.wanted('cloud'):
            self._outputs.publish('cloud', point_cloud(header, seen.image, instances, objects))

    def _located(self, seen: SegmentedImage, found: Found) -> list[ObjectInSpace]:
        """Return the objects; raise DepthError where depth or intrinsics are missing or wrong."""
        if found.depth is None:
            raise MissingError(found.reason)
        info, frame, size = self.info, seen.header.frame_id, seen.instances.image_size
        depth = registered_depth(found.depth, frame, size)
        if info is None:
            raise MissingError('no camera_info has come')
        return locate(seen.instances, depth, intrinsics_of(info, frame, size), self.config)
