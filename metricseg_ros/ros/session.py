# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a configured node holds: the segmenter and its outputs; while active, camera and worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.image_messages import ImageError
from metricseg_ros.ros.conversions import Provenance
from metricseg_ros.ros.image_input import ImageInput
from metricseg_ros.ros.latencies import Latencies
from metricseg_ros.ros.outputs import Outputs
from metricseg_ros.ros.pipeline import Arrival, Pipeline
from metricseg_ros.ros.worker import Worker
from metricseg_ros.segmenter import InstanceSegmenter
from rclpy.lifecycle import LifecycleNode

LARGEST_SHRINKING = 5
"""Times an image is shrunk for the network, above which small objects are surely lost."""

SMALLEST_SIDE = 16
"""Side of an image, in pixels, below which it cannot be a camera's."""


@dataclass
class Tally:
    """
    What became of the images since configure.

    :param segmented: images segmented.
    :param idle: images left alone, since nobody subscribes.
    :param bad: images that could not be read or segmented.
    :param dropped: images replaced by a newer one while the worker was busy.
    :param bad_image: why the latest image failed; empty after a good one.
    """

    segmented: int = 0
    idle: int = 0
    bad: int = 0
    dropped: int = 0
    bad_image: str = ''


class Session:
    """Everything between configure and cleanup."""

    def __init__(self, node: LifecycleNode, config: NodeConfig,
                 warn: Callable[[str], None]) -> None:
        """
        Load the model, warm it up, and create the outputs.

        :param node: the node.
        :param config: its configuration.
        :param warn: told of every image that fails, and throttles by itself.
        :raises ValueError: if the model or the configuration is at fault.
        :raises RuntimeError: if no backend can run the model.
        """
        self.config = config
        self.tally = Tally()
        self.latencies = Latencies(config.latency_window)
        self.worker: Worker[Arrival] | None = None
        self.input: ImageInput | None = None
        self._node = node
        self._warn = warn
        self._segmenter = InstanceSegmenter.from_config(config)
        self.provenance = _provenance(self._segmenter)
        self.outputs = Outputs(node, self.provenance, config.overlay)
        self._pipeline = Pipeline(self._segmenter, self.provenance, self.outputs, self.latencies,
                                  node.get_clock())

    def activate(self) -> None:
        """Begin to listen and to work."""
        self.outputs.publish_label_info(self._segmenter.grouping.minimum_score)
        self.worker = Worker(self._segment, self._complain)
        self.input = ImageInput(self._node, self.config, self._receive, self._warn)

    def deactivate(self) -> None:
        """Stop listening, and let the present image be finished."""
        if self.input is not None:
            self.input.close()
            self.input = None
        if self.worker is not None:
            self.tally.dropped += self.worker.mailbox.dropped
            if not self.worker.stop():
                self._warn('the worker does not end its image; it is left behind')
            self.worker = None

    def close(self) -> None:
        """Free everything."""
        self.deactivate()
        self.outputs.close()
        self._segmenter.backend.close()

    def apply(self, config: NodeConfig) -> None:
        """
        Take over the parameters that may change at any time.

        :param config: the new configuration.
        """
        self._segmenter.grouping = config.grouping
        self.outputs.overlay = config.overlay

    def dropped(self) -> int:
        """
        Count the images that were replaced by a newer one.

        :return: number since configure.
        """
        return self.tally.dropped + (self.worker.mailbox.dropped if self.worker else 0)

    def _receive(self, message: Any) -> None:
        if self.outputs.any_wanted():
            self.worker.mailbox.put(Arrival(message, monotonic()))
        else:
            self.tally.idle += 1

    def _segment(self, arrival: Arrival) -> None:
        image_size = self._pipeline(arrival)
        self.tally.segmented += 1
        self.tally.bad_image = ''
        advice = advise(image_size, max(self._segmenter.input_size))
        if advice:
            self._warn(advice)

    def _complain(self, error: Exception) -> None:
        self.tally.bad += 1
        known = isinstance(error, ImageError)
        self.tally.bad_image = (f'image not segmented: {error}' if known
                                else f'image lost: {type(error).__name__}: {error}')
        self._warn(self.tally.bad_image)


def advise(image_size: tuple[int, int], longest_side: int) -> str:
    """
    Say what is odd about an image that is segmented all the same.

    :param image_size: (height, width) of the image.
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


def _provenance(segmenter: InstanceSegmenter) -> Provenance:
    report, description = segmenter.backend.report, segmenter.description
    return Provenance(description.name, description.classes, report.backend, report.provider,
                      report.device, report.precision, report.note)
