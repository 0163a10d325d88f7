# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a configured node holds: one segmenter for all cameras and, while active, the worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.config import NodeConfig
from metricseg_ros.inputs.depth_buffer import Found
from metricseg_ros.ros.camera import Camera, check_camera_names
from metricseg_ros.ros.diagnostics import health
from metricseg_ros.ros.diagnostics.snapshot import Snapshot
from metricseg_ros.ros.frames.camera_frame import CameraFrame, segment_frames
from metricseg_ros.ros.frames.worker import Worker
from metricseg_ros.ros.output.conversions import Provenance, provenance_of
from metricseg_ros.segmenter import InstanceSegmenter
from rclpy.exceptions import NameValidationException
from rclpy.lifecycle import LifecycleNode

LAST_IMAGE_S = 30.0
"""Longest wait for the end of an image when the node is deactivated, in seconds."""


class Session:
    """
    Everything between configure and cleanup.

    :ivar worker: takes the images while the node is active, else None.
    :ivar busy_with: name of the camera whose image the worker took last.
    """

    def __init__(self, node: LifecycleNode, config: NodeConfig,
                 warn: Callable[[str], None]) -> None:
        """
        Load the model, warm it up, and create the outputs.

        :param warn: told of every image that fails, and throttles by itself.
        :raises ValueError: if the model or the configuration is at fault.
        :raises RuntimeError: if no backend can run the model.
        """
        check_camera_names(config.cameras)
        self.config = config
        self.worker: Worker[CameraFrame] | None = None
        self.busy_with = ''
        self._warn = warn
        self._segmenting = Lock()
        self._uses_depth = config.input.depth
        self.segmenter = InstanceSegmenter.from_config(config)
        self.cameras: dict[str, Camera] = {}
        for name in config.cameras:
            try:
                self.cameras[name] = Camera(node, name, config, warn, self.takes_depth)
            except NameValidationException as error:
                self.close()
                raise ValueError(f'no topic can begin with camera {name!r}: '
                                 f'{str(error).splitlines()[0]}') from error

    @property
    def provenance(self) -> Provenance:
        """Return who makes the instances now."""
        return provenance_of(self.segmenter)

    def takes_depth(self) -> bool:
        """Tell whether images are better segmented with depth."""
        segmenter = self.segmenter
        return self._uses_depth and (segmenter.support.enabled
                                     or segmenter.description.takes_depth)

    def busy_seconds(self) -> float:
        """Tell how many seconds the worker has been at its present images; 0 between images."""
        return 0.0 if self.worker is None else self.worker.busy_seconds()

    def why_stuck(self) -> str:
        """
        Say that the worker does not come to an end, and what would help.

        :return: one sentence without a full stop; empty while it is no fault.
        """
        return health.why_stuck(self.busy_seconds(), self.busy_with)

    def snapshot(self) -> Snapshot:
        """Tell how the node is; return what there is to report."""
        return Snapshot(self.provenance, self.segmenter.backend.progress,
                        self.config.image_transport, self.busy_seconds(), self.busy_with,
                        tuple(camera.snapshot() for camera in self.cameras.values()))

    def activate(self) -> None:
        """Begin to listen and to work."""
        self._publish_label_info()
        self.worker = Worker(
            self._segment, lambda error: self._warn(f'the worker failed: {error!r}'),
            lambda: self.segmenter.largest_batch)
        for camera in self.cameras.values():
            camera.activate(self.worker.mailbox)

    def deactivate(self) -> None:
        """Stop listening, and let the present images be finished."""
        for camera in self.cameras.values():
            camera.deactivate()
        stuck = self.why_stuck()
        worker, self.worker = self.worker, None
        if worker is None:
            return
        for frame in worker.mailbox.close():
            frame.abandon('the node was deactivated')
        if not worker.stop(0.0 if stuck else LAST_IMAGE_S):
            self._warn('the worker does not end its image; it is left behind')

    def close(self) -> None:
        """Free everything."""
        self.deactivate()
        for camera in self.cameras.values():
            camera.close()
        self.segmenter.close()

    def apply(self, config: NodeConfig) -> None:
        """Take over the parameters that may change at any time."""
        before = self.segmenter.own_grouping.minimum_score
        self.segmenter.grouping, self.segmenter.support = config.grouping, config.support
        if self.worker is not None and self.segmenter.own_grouping.minimum_score != before:
            self._publish_label_info()
        self._uses_depth = config.input.depth
        for camera in self.cameras.values():
            camera.apply(config)

    def ask(self, camera: Camera, message: Any, found: Found | None = None,
            info: Any = None) -> Future[InstanceArray]:
        """
        Have one image segmented, before those of the cameras.

        :param found: its depth; None where none is looked for.
        :param info: sensor_msgs/CameraInfo of both; None takes the camera's.
        :return: gets the instances, or the reason why there are none.
        :raises RuntimeError: if nobody works.
        """
        reply: Future[InstanceArray] = Future()
        frame = CameraFrame(camera.context, message, reply, found, info)
        if self.worker is None or not self.worker.mailbox.put(frame, None):
            raise RuntimeError('the node is not active')
        return reply

    def replace(self, segmenter: InstanceSegmenter, config: NodeConfig) -> None:
        """
        Go on with another segmenter, from the next image on; the old one is closed.

        :param segmenter: ready to run; it is closed if it cannot be taken over.
        :raises RuntimeError: if the worker does not come to the end of its image.
        """
        if not self._segmenting.acquire(timeout=health.STUCK_S):
            segmenter.close()
            raise RuntimeError('the worker does not come to the end of its image: see '
                               '/diagnostics')
        try:
            old, self.segmenter = self.segmenter, segmenter
            # They may have been changed while this one loaded.
            segmenter.grouping, segmenter.support = old.grouping, old.support
            for camera in self.cameras.values():
                camera.forget()
        finally:
            self._segmenting.release()
        self.config = config
        old.close()
        if self.worker is not None:
            self._publish_label_info()

    def _segment(self, frames: list[CameraFrame]) -> None:
        with self._segmenting:
            self.busy_with = frames[-1].context.camera
            segment_frames(self.segmenter, frames)

    def _publish_label_info(self) -> None:
        for camera in self.cameras.values():
            camera.outputs.publish_label_info(self.segmenter.description.classes,
                                              self.segmenter.own_grouping.minimum_score)
