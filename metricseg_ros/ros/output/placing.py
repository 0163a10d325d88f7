# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Placing segmented images in space, on a thread of its own: nothing else waits for depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic

from metricseg_ros.config import DepthInputConfig
from metricseg_ros.inputs.depth_buffer import Found
from metricseg_ros.inputs.registered_depth import DepthError, MissingError
from metricseg_ros.objects3d import locate, ObjectInSpace
from metricseg_ros.ros.input.depth_input import DepthInput
from metricseg_ros.ros.input.waiting import Waiting
from metricseg_ros.ros.output.publishers import Outputs
from metricseg_ros.ros.output.space_messages import marker_array, object_array, point_cloud
from metricseg_ros.structures import DepthImage, Instances
import numpy as np
from std_msgs.msg import Header


@dataclass(frozen=True)
class SegmentedImage:
    """
    A segmented image that is to be placed in space.

    :param image: (H,W,3) uint8 RGB.
    :param names: name of class id i at index i - 1.
    :param found: the depth it was segmented with; None where it was segmented without.
    :param depth: the same, read.
    """

    header: Header
    image: np.ndarray
    instances: Instances
    names: tuple[str, ...]
    found: Found | None = None
    depth: DepthImage | None = None


class Placing:
    """
    Publish where the things in the images of one camera are, as soon as there is depth.

    :ivar config: how; may be replaced at any time.
    :ivar placed: images that were paired with depth.
    :ivar unplaced: images that were not.
    :ivar skipped: images let go for a newer one.
    :ivar problem: why the latest image was not; empty after a good one.
    """

    def __init__(self, outputs: Outputs, depth: DepthInput, config: DepthInputConfig,
                 warn: Callable[[str], None]) -> None:
        """
        Start waiting.

        :param warn: told of what is wrong with depth that came, and throttles by itself.
        """
        self.config = config
        self.placed = self.unplaced = self.skipped = 0
        self.problem = ''
        self._outputs = outputs
        self._depth = depth
        self._warn = warn
        self._changed = Condition()
        self._waiting: Waiting[SegmentedImage] = Waiting(depth.images, self._skip)
        self._closed = False
        self._thread = Thread(target=self._run, name='placing', daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look again for depth: some has come."""
        with self._changed:
            self._changed.notify()

    def add(self, seen: SegmentedImage) -> None:
        """Take a segmented image in; it is placed as soon as its depth is there."""
        with self._changed:
            self._waiting.add(seen, seen.header.stamp,
                              monotonic() + self.config.maximum_wait, seen.found)
            self._changed.notify()

    def forget(self) -> None:
        """Drop what waits: nobody listens to depth any more."""
        with self._changed:
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
                if taken := self._waiting.take(self.config.maximum_difference):
                    return taken
                self._changed.wait(self._waiting.remaining())
        return None

    def _skip(self, _seen: SegmentedImage) -> None:
        self.skipped += 1

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
        depth = seen.depth or self._depth.read(
            found, seen.header.frame_id, seen.instances.image_size)
        return locate(seen.instances, depth.metres, depth.camera, self.config)
