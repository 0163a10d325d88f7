# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One camera of a configured node: its outputs and counts and, while active, its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
import re
from time import monotonic
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.backends import BackendError
from metricseg_ros.config import NodeConfig
from metricseg_ros.inputs.image_messages import ImageError
from metricseg_ros.ros.diagnostics.advice import advise
from metricseg_ros.ros.frames.latencies import Latencies
from metricseg_ros.ros.frames.pipeline import Arrival, Frame, Pipeline
from metricseg_ros.ros.frames.recent_frames import RecentFrames
from metricseg_ros.ros.input.depth_input import DepthInput
from metricseg_ros.ros.input.image_input import ImageInput
from metricseg_ros.ros.input.mailbox import Mailbox
from metricseg_ros.ros.input.registered_depth import advise_rectifying
from metricseg_ros.ros.output.placing import Placing
from metricseg_ros.ros.output.publishers import Outputs
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage
from metricseg_ros.tracking import Tracker
from rclpy.lifecycle import LifecycleNode

NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?(/[A-Za-z](_?[A-Za-z0-9])*_?)*')
"""What a camera's name may be, so that topics can begin with it: ROS allows no two underscores."""


@dataclass
class Tally:
    """
    What became of a camera's images since configure.

    :param segmented: images segmented.
    :param idle: images left alone, since nobody subscribes.
    :param bad: images that could not be read or segmented.
    :param dropped: images replaced by a newer one while the worker was busy, or left when the node
        was deactivated.
    :param bad_image: why the latest image failed; empty after a good one.
    """

    segmented: int = 0
    idle: int = 0
    bad: int = 0
    dropped: int = 0
    bad_image: str = ''


class Camera:
    """
    All that belongs to one camera.

    :ivar newest: the image that came last, segmented or not.
    """

    def __init__(self, node: LifecycleNode, name: str, config: NodeConfig,
                 warn: Callable[[str], None]) -> None:
        """
        Create the outputs.

        :param node: the node.
        :param name: of the camera; may be empty.
        :param config: of the node.
        :param warn: told of every image that fails, and throttles by itself.
        """
        self.name = name
        self.tally = Tally()
        self.latencies = Latencies(config.latency_window)
        self.recent = RecentFrames(config.clicks.frames)
        self.outputs = Outputs(node, self.prefix, config.overlay)
        self.tracker = Tracker(config.tracking)
        self.placing = Placing(self.outputs, config.depth, self._warn_of)
        self.depth = DepthInput(node, config, self.prefix, self.placing, self._look_at_info)
        self.pipeline = Pipeline(self.outputs, self.latencies, self.recent, self.tracker,
                                 self.placing, node.get_clock())
        self.input: ImageInput | None = None
        self.newest: Arrival | None = None
        self._node = node
        self._config = config
        self._warn = warn
        self._mailbox: Mailbox[Job] | None = None

    @property
    def prefix(self) -> str:
        """Return what stands before the names of its topics."""
        return f'{self.name}/' if self.name else ''

    def activate(self, mailbox: Mailbox[Job]) -> None:
        """
        Begin to listen.

        :param mailbox: where its images go.
        """
        self._mailbox = mailbox
        self.input = ImageInput(self._node, self._config, self.prefix, self._receive, self._warn)

    def deactivate(self) -> None:
        """Stop listening."""
        if self.input is not None:
            self.input.close()
            self.depth.attend(())
            self.tally.dropped += self._mailbox.dropped(self.name)
            self.input = self._mailbox = self.newest = None

    def close(self) -> None:
        """Destroy the outputs."""
        self.deactivate()
        self.placing.close()
        self.outputs.close()

    def apply(self, config: NodeConfig) -> None:
        """
        Take over the parameters that may change at any time.

        :param config: the new configuration.
        """
        self.outputs.overlay = config.overlay
        self.tracker.config = config.tracking
        self.placing.config = config.depth

    def forget(self) -> None:
        """Drop what another model has said."""
        self.recent.forget()
        self.tracker.reset()

    def dropped(self) -> int:
        """
        Count the images that were replaced by a newer one.

        :return: number since configure.
        """
        mailbox = self._mailbox
        return self.tally.dropped + (mailbox.dropped(self.name) if mailbox else 0)

    def complain(self, error: Exception) -> None:
        """
        Count an image that failed, and tell why.

        :param error: the reason.
        """
        if not self._node.context.ok():
            return  # The node is being ended; nothing can be published any more.
        self.tally.bad += 1
        known = isinstance(error, (ImageError, BackendError))
        self.tally.bad_image = (f'image not segmented: {error}' if known
                                else f'image lost: {type(error).__name__}: {error}')
        self._warn_of(self.tally.bad_image)

    def count(self, segmenter: InstanceSegmenter, frame: Frame) -> None:
        """
        Count an image that was segmented, and tell what is odd about it.

        :param segmenter: by whom.
        :param frame: the image.
        """
        self.tally.segmented += 1
        self.tally.bad_image = ''
        advice = advise(frame.image.shape[:2], max(segmenter.input_size))
        if advice:
            self._warn_of(advice)

    def _warn_of(self, text: str) -> None:
        self._warn(text + (f' (camera {self.name})' if self.name else ''))

    def _look_at_info(self, info: Any) -> None:
        advice = advise_rectifying(info, self.input.topic)
        if advice:
            self._warn_of(advice)

    def _receive(self, message: Any) -> None:
        self.newest = Arrival(message, monotonic())
        self.depth.attend(self.outputs.inputs_wanted())
        if self.outputs.any_wanted():
            self._mailbox.put(Job(self, self.newest), self.name)
        else:
            self.tally.idle += 1


@dataclass(frozen=True)
class Job:
    """
    An image to be segmented, for all who subscribe or for one who asked.

    :param camera: whose image it is.
    :param arrival: the image.
    :param reply: gets the InstanceArray if one asked; nothing is published then.
    """

    camera: Camera
    arrival: Arrival
    reply: Future[InstanceArray] | None = None

    def finish(self, segmenter: InstanceSegmenter, frame: Frame,
               embedded: EmbeddedImage) -> None:
        """
        Hand over what was found.

        :param segmenter: finds the instances.
        :param frame: the image.
        :param embedded: what the network says of it.
        """
        if self.reply is not None:
            self.reply.set_result(self.camera.pipeline.answer(segmenter, frame, embedded))
            return
        self.camera.pipeline.publish(segmenter, frame, embedded)
        self.camera.count(segmenter, frame)

    def abandon(self, why: str) -> None:
        """
        Leave the image alone, through no fault of its own.

        :param why: told to the one who asked, if one did.
        """
        if self.reply is not None:
            self.reply.set_exception(RuntimeError(why))
        else:
            self.camera.tally.dropped += 1

    def fail(self, error: Exception) -> None:
        """
        Tell why nothing was found.

        :param error: the reason.
        """
        if self.reply is not None:
            self.reply.set_exception(error)
        else:
            self.camera.complain(error)


def check_names(names: Sequence[str]) -> None:
    """
    Check the cameras' names.

    :param names: as configured.
    :raises ValueError: if topics cannot begin with one, or two are the same.
    """
    if not names:
        raise ValueError("cameras must name a camera at least, got []: give [''] for one without "
                         'a name')
    bad = [name for name in names if not NAME.fullmatch(name)]
    if bad and list(names) != ['']:
        raise ValueError(f'cameras must be names such as left or front/left, got {bad[0]!r}')
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'cameras must differ, got {twice[0]!r} twice')
