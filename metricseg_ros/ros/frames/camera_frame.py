# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One frame from its arrival to its publication: what was found in it, and what that cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
import math
from time import monotonic
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.backends import BackendError
from metricseg_ros.inputs.depth_buffer import Found, nanoseconds
from metricseg_ros.inputs.image_messages import ImageError
from metricseg_ros.inputs.registered_depth import DepthError, MissingError
from metricseg_ros.ros.diagnostics.advice import advise
from metricseg_ros.ros.frames.latencies import Latencies, PUBLISHED_STAGES
from metricseg_ros.ros.frames.recent_frames import EmbeddedFrame, RecentFrames
from metricseg_ros.ros.input.bridge import read_image_message
from metricseg_ros.ros.input.depth_input import DepthInput
from metricseg_ros.ros.output.conversions import instance_array, provenance_of
from metricseg_ros.ros.output.placing import Placing, SegmentedImage
from metricseg_ros.ros.output.publishers import Outputs
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import DepthImage, EmbeddedImage, Instances
from metricseg_ros.tracking import Tracker
import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header


@dataclass
class Counts:
    """
    What became of a camera's images since configure.

    :param idle: images left alone, since nobody subscribes.
    :param bad: images that could not be read or segmented.
    :param dropped: images replaced by a newer one while the worker was busy, or left when the node
        was deactivated.
    :param with_depth: images segmented with their depth.
    :param dropped_support: masks left out since they lie in what objects lie on.
    :param bad_image: why the latest image failed; empty after a good one.
    :param no_depth: why the latest image was segmented without depth, though there is some; or
        empty.
    """

    segmented: int = 0
    idle: int = 0
    bad: int = 0
    dropped: int = 0
    with_depth: int = 0
    dropped_support: int = 0
    bad_image: str = ''
    no_depth: str = ''


@dataclass(frozen=True)
class FrameContext:
    """
    What the frames of one camera have in common.

    :param camera: its name; may be empty.
    :param node: tells the time, by which ages are told, and whether it is being ended.
    :param tracker: knows the objects of the latest frames.
    :param recent: keeps what the network said of the latest frames.
    :param counts: what became of all frames.
    :param warn: told of every frame that fails or is odd, and throttles by itself.
    """

    camera: str
    node: Node
    outputs: Outputs
    depth: DepthInput
    tracker: Tracker
    placing: Placing
    recent: RecentFrames
    latencies: Latencies
    counts: Counts
    warn: Callable[[str], None]


@dataclass
class CameraFrame:
    """
    An image on its way, for all who subscribe or for one who asked; it alone writes its times.

    :param context: what it shares with the other frames of its camera.
    :param message: sensor_msgs/Image or CompressedImage, as it came in.
    :param reply: gets the InstanceArray if one asked; nothing is published then.
    :param found: the depth that belongs to the image, or why there is none; None where none is
        looked for.
    :param info: sensor_msgs/CameraInfo that one who asked has sent with the depth; None takes the
        camera's.
    :ivar arrived: when it came, by the steady clock, in seconds.
    :ivar image: (H,W,3) uint8 RGB, once the message has been read.
    :ivar depth: of the image, once it has been read.
    :ivar no_depth: why there is none; empty where there is, or none is looked for.
    :ivar stage_ms: what each stage took so far, in milliseconds.
    """

    context: FrameContext
    message: Any
    reply: Future[InstanceArray] | None = None
    found: Found | None = None
    info: Any = None
    arrived: float = field(init=False, default_factory=monotonic)
    image: np.ndarray = field(init=False, repr=False)
    depth: DepthImage | None = field(init=False, repr=False, default=None)
    no_depth: str = field(init=False, default='')
    stage_ms: dict[str, float] = field(init=False, default_factory=dict)

    @property
    def header(self) -> Header:
        """Return the header of the image's message."""
        return self.message.header

    def read(self) -> None:
        """
        Read the image message, and that of its depth.

        :raises ImageError: if it cannot be read.
        :raises DepthError: if one asked with depth that does not belong to the image.
        """
        self.stage_ms['wait'] = _milliseconds_since(self.arrived)
        with self._timed('convert'):
            self.image = read_image_message(self.message)
            if self.found is not None:
                self._read_depth(self.found)

    def _read_depth(self, found: Found) -> None:
        try:
            self.depth = self.context.depth.read(found, self.header.frame_id,
                                                 self.image.shape[:2], self.info)
        except DepthError as error:
            if self.info is not None:
                raise
            self.no_depth = str(error)
            if not isinstance(error, MissingError):  # What is late once is not worth a line.
                self.context.warn(f'segmented without depth: {error}')

    def finish(self, segmenter: InstanceSegmenter, embedded: EmbeddedImage) -> None:
        """Group the image's pixels; publish what is wanted of it, or answer the one who asked."""
        # Without the depth and the masks, which nobody needs any more.
        self.context.recent.add(EmbeddedFrame(
            self.header, replace(embedded, image=None, depth=None, masks=None), self.image,
            self.depth is not None))
        instances = segmenter.instances(embedded)
        if self.reply is None:
            self._publish(segmenter, instances)
        else:
            self.stage_ms['tracking'] = 0.0
            self.reply.set_result(self._packed(segmenter, instances, True))

    def abandon(self, why: str) -> None:
        """Leave the image alone, through no fault of its own, and tell why to one who asked."""
        if self.reply is not None:
            self.reply.set_exception(RuntimeError(why))
        else:
            self.context.counts.dropped += 1

    def fail(self, error: Exception) -> None:
        """Tell why nothing was found."""
        if self.reply is not None:
            self.reply.set_exception(error)
        elif self.context.node.context.ok():  # Else the node is being ended, and cannot publish.
            known = isinstance(error, (ImageError, BackendError))
            counts = self.context.counts
            counts.bad += 1
            counts.bad_image = (f'image not segmented: {error}' if known
                                else f'image lost: {type(error).__name__}: {error}')
            self.context.warn(counts.bad_image)

    def _publish(self, segmenter: InstanceSegmenter, instances: Instances) -> None:
        context, names = self.context, segmenter.description.classes
        with self._timed('tracking'):
            instances = context.tracker.update(instances, self.image)
        message = self._packed(segmenter, instances, context.outputs.wanted('instances'))
        if message is not None:
            context.outputs.publish('instances', message)
        with self._timed('views'):
            context.outputs.publish_views(self.header, self.image, instances, names)
        context.latencies.add(self.stage_ms)
        if context.outputs.space_wanted():
            context.placing.add(SegmentedImage(
                self.header, self.image, instances, names, self.found if self.depth else None,
                self.depth))
        counts = context.counts
        counts.segmented += 1
        counts.with_depth += self.depth is not None
        counts.dropped_support += instances.dropped_support
        counts.bad_image, counts.no_depth = '', self.no_depth
        if advice := advise(self.image.shape[:2], max(segmenter.input_size)):
            context.warn(advice)

    def _packed(self, segmenter: InstanceSegmenter, instances: Instances,
                wanted: bool) -> InstanceArray | None:
        """Note what the stages took, and make the message if it is wanted."""
        begin, message, stage_ms = monotonic(), None, self.stage_ms
        if wanted:
            message = instance_array(self.header, instances, provenance_of(segmenter),
                                     self.depth is not None)
        stage_ms |= instances.stage_ms
        stage_ms['restore'] = stage_ms.pop('masks') + _milliseconds_since(begin)
        # In this order: the thread may be held up in between, and an image is older than the call.
        stage_ms['callback'] = _milliseconds_since(self.arrived)
        stage_ms['age'] = self._age_ms()
        if message is not None:
            for name in PUBLISHED_STAGES:
                setattr(message, f'{name}_ms', stage_ms[name])
        return message

    def _age_ms(self) -> float:
        """Return how old the image is; NaN where it carries no stamp."""
        taken = nanoseconds(self.header.stamp)
        now = self.context.node.get_clock().now().nanoseconds
        return (now - taken) / 1e6 if taken else math.nan

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = monotonic()
        yield
        self.stage_ms[stage] = _milliseconds_since(begin)


def segment_frames(segmenter: InstanceSegmenter, frames: Sequence[CameraFrame]) -> None:
    """
    Bring frames to their end, through the network in one batch where that is possible.

    :param frames: of different cameras; one that fails is not held against the others.
    """
    readable = []
    for frame in frames:
        try:
            frame.read()
            readable.append(frame)
        except Exception as error:  # A message may be wrong in every way.
            frame.fail(error)
    try:
        seen = segmenter.embed_all([frame.image for frame in readable],
                                   [frame.depth for frame in readable])
    except Exception as error:  # As out of memory; the next images may do.
        for frame in readable:
            frame.fail(error)
        return
    for frame, embedded in zip(readable, seen, strict=True):
        try:
            frame.finish(segmenter, embedded)
        except Exception as error:  # Whatever it is, the others are not to blame.
            frame.fail(error)


def _milliseconds_since(begin: float) -> float:
    return (monotonic() - begin) * 1e3
