# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One camera of a configured node: its outputs and counts and, while active, its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
import re
from typing import Any

from metricseg_ros.config import NodeConfig
from metricseg_ros.inputs.depth_buffer import Found
from metricseg_ros.inputs.registered_depth import advise_rectifying
from metricseg_ros.ros.diagnostics.snapshot import CameraSnapshot, InputSnapshot, type_name
from metricseg_ros.ros.frames.camera_frame import CameraFrame, Counts, FrameContext
from metricseg_ros.ros.frames.latencies import Latencies
from metricseg_ros.ros.frames.pairing import FramePairing
from metricseg_ros.ros.frames.recent_frames import RecentFrames
from metricseg_ros.ros.input.depth_input import DepthInput, TOPICS
from metricseg_ros.ros.input.image_input import ImageInput
from metricseg_ros.ros.input.mailbox import Mailbox
from metricseg_ros.ros.output.placing import Placing
from metricseg_ros.ros.output.publishers import Outputs
from metricseg_ros.tracking import Tracker
from rclpy.lifecycle import LifecycleNode

NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?(/[A-Za-z](_?[A-Za-z0-9])*_?)*')
"""What a camera's name may be, so that topics can begin with it: ROS allows no two underscores."""


class Camera:
    """
    All that belongs to one camera.

    :ivar newest: the image message that came last, segmented or not.
    """

    def __init__(self, node: LifecycleNode, name: str, config: NodeConfig,
                 warn: Callable[[str], None], takes_depth: Callable[[], bool]) -> None:
        """
        Create the outputs.

        :param name: of the camera; may be empty.
        :param warn: told of every image that fails, and throttles by itself.
        :param takes_depth: tells whether images are better segmented with depth.
        """
        self.name = name
        self.counts = Counts()
        self.latencies = Latencies(config.latency_window)
        self.recent = RecentFrames(config.clicks.frames)
        self.outputs = Outputs(node, self.prefix, config.overlay)
        self.tracker = Tracker(config.tracking)
        self.depth = DepthInput(node, config, self.prefix, self._depth_changed, self._warn_of)
        self.pairing = FramePairing(node, self.depth, config.depth)
        self.placing = Placing(self.outputs, self.depth, config.depth, self._warn_of)
        self.context = FrameContext(name, node, self.outputs, self.depth, self.tracker,
                                    self.placing, self.recent, self.latencies, self.counts,
                                    self._warn_of)
        self.input: ImageInput | None = None
        self.newest: Any = None
        self._node = node
        self._config = config
        self._warn = warn
        self._takes_depth = takes_depth
        self._has_advised = False

    @property
    def prefix(self) -> str:
        """Return what stands before the names of its topics."""
        return f'{self.name}/' if self.name else ''

    def activate(self, mailbox: Mailbox[CameraFrame]) -> None:
        """Begin to listen."""
        self.pairing.mailbox = mailbox
        self.input = ImageInput(self._node, self._config, self.prefix, self._receive, self._warn)

    def deactivate(self) -> None:
        """Stop listening."""
        if self.input is not None:
            self.input.close()
            self.pairing.clear()
            self.depth.subscribe_to(())
            self.counts.dropped += self.pairing.mailbox.dropped(self.name)
            self.input = self.pairing.mailbox = self.newest = None

    def close(self) -> None:
        """Destroy the outputs."""
        self.deactivate()
        self.pairing.close()
        self.placing.close()
        self.outputs.close()

    def apply(self, config: NodeConfig) -> None:
        """Take over the parameters that may change at any time."""
        self.outputs.overlay = config.overlay
        self.tracker.config = config.tracking
        self.placing.config = self.pairing.config = config.depth

    def forget(self) -> None:
        """Drop what another model has said."""
        self.recent.forget()
        self.tracker.reset()

    def dropped(self) -> int:
        """Count the images that were replaced by a newer one; return number since configure."""
        mailbox = self.pairing.mailbox
        return self.counts.dropped + (mailbox.dropped(self.name) if mailbox else 0)

    def segments_with_depth(self) -> bool:
        """Tell whether images are to be segmented with depth: it is of use, and published."""
        return self._takes_depth() and self.depth.is_offered()

    def depth_of(self, message: Any) -> Found | None:
        """
        Look for the depth of an image that has come, without waiting for it.

        :return: what there is; None if images are not to be segmented with depth.
        """
        if not self.segments_with_depth():
            return None
        return self.depth.images.find(message.header.stamp, self.pairing.config.maximum_difference)

    def snapshot(self) -> CameraSnapshot:
        """Tell how the camera is; return what there is to report."""
        counts = asdict(self.counts) | {
            'dropped': self.dropped(), 'placed': self.placing.placed,
            'unplaced': self.placing.unplaced, 'skipped': self.placing.skipped}
        bad_image, no_depth, source = counts.pop('bad_image'), counts.pop('no_depth'), self.input
        return CameraSnapshot(
            name=self.name, prefix=self.prefix,
            input=source and InputSnapshot(
                source.topic, type_name(source.message_type), source.reliable, source.follows,
                source.refused, source.silent_seconds(), source.received, source.lost,
                source.loss),
            depth_topic=self._node.resolve_topic_name(f'{self.prefix}depth'),
            missing=tuple((self.prefix + name, topic, type_name(TOPICS[name]))
                          for name, topic in self.depth.topics.items()
                          if not self.depth.received[name]),
            outputs={publisher.topic_name: type_name(publisher.msg_type)
                     for publisher in self.outputs.publishers},
            subscribed=tuple(filter(self.outputs.wanted, self.outputs.names)),
            counts=counts, bad_image=bad_image, no_depth=no_depth,
            no_place=self.placing.problem,
            percentiles=self.latencies.percentiles(), rate=self.latencies.rate())

    def _warn_of(self, text: str) -> None:
        self._warn(text + (f' (camera {self.name})' if self.name else ''))

    def _receive(self, message: Any) -> None:
        self.newest, frame = message, CameraFrame(self.context, message)
        wanted, pairs = self.outputs.any_wanted(), self.segments_with_depth()
        self.depth.subscribe_to(TOPICS if wanted and pairs else self.outputs.inputs_wanted())
        if not wanted:
            self.counts.idle += 1
        elif pairs:
            self.pairing.add(frame)
        else:
            self.pairing.mailbox.put(frame, self.name)

    def _depth_changed(self, name: str) -> None:
        if name == 'depth':
            if name not in self.depth.topics:
                self.placing.forget()
            self.pairing.look()
            self.placing.look()
        elif self.depth.info is None:
            self._has_advised = False
        elif not self._has_advised and self.outputs.inputs_wanted():
            self._has_advised = True
            if advice := advise_rectifying(self.depth.info, self.input.topic):
                self._warn_of(advice)


def check_camera_names(names: Sequence[str]) -> None:
    """
    Check the cameras' names.

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
