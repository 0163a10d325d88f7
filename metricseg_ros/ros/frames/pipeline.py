# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of one frame: message in, messages out, every stage timed."""

from __future__ import annotations

from dataclasses import dataclass
import math
from time import monotonic
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.ros.frames.latencies import Latencies, STAGES
from metricseg_ros.ros.frames.recent_frames import RecentFrames, SeenFrame
from metricseg_ros.ros.input.bridge import read_image
from metricseg_ros.ros.input.depth_buffer import nanoseconds
from metricseg_ros.ros.output.conversions import instance_array, provenance_of
from metricseg_ros.ros.output.placing import Placing, Sighting
from metricseg_ros.ros.output.publishers import Outputs
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage, Instances
from metricseg_ros.tracking import Tracker
import numpy as np
from rclpy.clock import Clock
from std_msgs.msg import Header


@dataclass(frozen=True)
class Arrival:
    """
    An image message as it came in.

    :param message: sensor_msgs/Image or CompressedImage.
    :param time: when it came, by the steady clock, in seconds.
    """

    message: Any
    time: float


@dataclass(frozen=True)
class Frame:
    """
    An image on its way.

    :param arrival: as it came in.
    :param image: (H,W,3) uint8 RGB.
    :param stages: what each stage took so far, in milliseconds.
    """

    arrival: Arrival
    image: np.ndarray
    stages: dict[str, float]

    @property
    def header(self) -> Header:
        """Return the header of the image's message."""
        return self.arrival.message.header


class Pipeline:
    """Read the frames of one camera, and publish what was found in them."""

    def __init__(self, outputs: Outputs, latencies: Latencies, recent: RecentFrames,
                 tracker: Tracker, placing: Placing, clock: Clock) -> None:
        """
        Tie the parts together.

        :param outputs: where the messages go.
        :param latencies: told how long every stage took.
        :param recent: keeps what the network said.
        :param tracker: knows the objects of the camera's latest images.
        :param placing: puts in space what was found.
        :param clock: the node's clock, by which ages are told.
        """
        self._outputs = outputs
        self._latencies = latencies
        self._recent = recent
        self._tracker = tracker
        self._placing = placing
        self._clock = clock

    def read(self, arrival: Arrival) -> Frame:
        """
        Read an image message.

        :param arrival: the message.
        :return: the image.
        :raises ImageError: if the message cannot be read.
        """
        begin = monotonic()
        image = read_image(arrival.message)
        return Frame(arrival, image, {'wait': (begin - arrival.time) * 1e3,
                                      'convert': _milliseconds_since(begin), 'tracking': 0.0})

    def publish(self, segmenter: InstanceSegmenter, frame: Frame,
                embedded: EmbeddedImage) -> None:
        """
        Group an image's pixels and publish what is wanted of it.

        :param segmenter: finds the instances.
        :param frame: the image.
        :param embedded: what the network says of it.
        """
        self._recent.add(SeenFrame(frame.header, embedded, frame.image))
        found, begin = segmenter.instances(embedded), monotonic()
        instances = self._tracker.update(found, frame.image)
        frame.stages['tracking'] = _milliseconds_since(begin)
        message = self._packed(segmenter, frame, instances, self._outputs.wanted('instances'))
        if message is not None:
            self._outputs.publish('instances', message)
        begin = monotonic()
        self._outputs.publish_views(frame.header, frame.image, instances,
                                    segmenter.description.classes)
        frame.stages['views'] = _milliseconds_since(begin)
        self._latencies.add(frame.stages)
        if self._outputs.space_wanted():
            self._placing.add(Sighting(frame.header, frame.image, instances,
                                       segmenter.description.classes, monotonic()))

    def answer(self, segmenter: InstanceSegmenter, frame: Frame,
               embedded: EmbeddedImage) -> InstanceArray:
        """
        Group an image's pixels for the one who asked.

        :param segmenter: finds the instances.
        :param frame: the image.
        :param embedded: what the network says of it.
        :return: the instances; nothing is published.
        """
        self._recent.add(SeenFrame(frame.header, embedded, frame.image))
        return self._packed(segmenter, frame, segmenter.instances(embedded), True)

    def _packed(self, segmenter: InstanceSegmenter, frame: Frame, instances: Instances,
                wanted: bool) -> InstanceArray | None:
        """Note the latencies, and make the message if it is wanted."""
        begin = monotonic()
        message = None
        if wanted:
            message = instance_array(frame.header, instances, provenance_of(segmenter))
        stages = frame.stages
        stages |= instances.stage_ms
        stages['restore'] = stages.pop('masks') + _milliseconds_since(begin)
        # In this order: the thread may be held up in between, and an image is older than the call.
        stages['callback'] = _milliseconds_since(frame.arrival.time)
        stages['age'] = age_ms(self._clock, frame.header.stamp)
        if message is not None:
            for name in STAGES:
                setattr(message, f'{name}_ms', stages[name])
        return message


def age_ms(clock: Clock, stamp: Any) -> float:
    """
    Tell how old an image is.

    :param clock: the node's clock.
    :param stamp: builtin_interfaces/Time of the image.
    :return: milliseconds; NaN where there is no stamp.
    """
    if not stamp.sec and not stamp.nanosec:
        return math.nan
    return (clock.now().nanoseconds - nanoseconds(stamp)) / 1e6


def _milliseconds_since(begin: float) -> float:
    return (monotonic() - begin) * 1e3
