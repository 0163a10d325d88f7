# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of one frame: message in, messages out, every stage timed."""

from __future__ import annotations

from dataclasses import dataclass
import math
from time import monotonic
from typing import Any

from metricseg_ros.ros.bridge import read_image
from metricseg_ros.ros.conversions import instance_array, Provenance
from metricseg_ros.ros.latencies import Latencies, STAGES
from metricseg_ros.ros.outputs import Outputs
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import Instances
import numpy as np
from rclpy.clock import Clock
from rclpy.time import Time


@dataclass(frozen=True)
class Arrival:
    """
    An image message as it came in.

    :param message: sensor_msgs/Image or CompressedImage.
    :param time: when it came, by the steady clock, in seconds.
    """

    message: Any
    time: float


class Pipeline:
    """Segment frames and publish what was found."""

    def __init__(self, segmenter: InstanceSegmenter, provenance: Provenance, outputs: Outputs,
                 latencies: Latencies, clock: Clock) -> None:
        """
        Tie the parts together.

        :param segmenter: finds the instances.
        :param provenance: what the messages say of it.
        :param outputs: where the messages go.
        :param latencies: told how long every stage took.
        :param clock: the node's clock, by which ages are told.
        """
        self._segmenter = segmenter
        self._provenance = provenance
        self._outputs = outputs
        self._latencies = latencies
        self._clock = clock

    def __call__(self, arrival: Arrival) -> tuple[int, int]:
        """
        Segment one image and publish what is wanted of it.

        :param arrival: the image.
        :return: (height, width) of the image.
        :raises ImageError: if the message cannot be read.
        :raises ValueError: if the image cannot be segmented.
        """
        begin = monotonic()
        image = read_image(arrival.message)
        stages = {'wait': (begin - arrival.time) * 1e3, 'convert': _milliseconds_since(begin)}
        instances = self._segmenter.segment(image)
        stages |= instances.stage_ms
        self._publish(arrival, image, instances, stages)
        self._latencies.add(stages)
        return instances.image_size

    def _publish(self, arrival: Arrival, image: np.ndarray, instances: Instances,
                 stages: dict[str, float]) -> None:
        header = arrival.message.header
        begin = monotonic()
        message = None
        if self._outputs.wanted('instances'):
            message = instance_array(header, instances, self._provenance)
        stages['restore'] = stages.pop('masks') + _milliseconds_since(begin)
        stages['age'] = age_ms(self._clock, header.stamp)
        stages['callback'] = _milliseconds_since(arrival.time)
        if message is not None:
            for name in STAGES:
                setattr(message, f'{name}_ms', stages[name])
            self._outputs.publish_instances(message)
        begin = monotonic()
        self._outputs.publish_views(header, image, instances)
        stages['views'] = _milliseconds_since(begin)


def age_ms(clock: Clock, stamp: Any) -> float:
    """
    Tell how old an image is.

    :param clock: the node's clock.
    :param stamp: builtin_interfaces/Time of the image.
    :return: milliseconds; NaN where there is no stamp.
    """
    if not stamp.sec and not stamp.nanosec:
        return math.nan
    taken = Time.from_msg(stamp, clock_type=clock.clock_type)
    return (clock.now() - taken).nanoseconds / 1e6


def _milliseconds_since(begin: float) -> float:
    return (monotonic() - begin) * 1e3
