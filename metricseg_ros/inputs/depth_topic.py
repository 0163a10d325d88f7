# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth from another topic of a recording, paired with the images by stamp."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
import warnings

from metricseg_ros.config import DepthInputConfig
from metricseg_ros.inputs.bag_files import Topic
from metricseg_ros.inputs.depth_buffer import DepthBuffer, nanoseconds
from metricseg_ros.inputs.frame import DataWarning, Frame, InputError
from metricseg_ros.inputs.registered_depth import DepthError, read_registered
from metricseg_ros.pinhole import implausible_depth
from metricseg_ros.structures import DepthImage

DEPTH_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
MOST_WAITING = 30
"""Images that wait for depth that was recorded after them, and depth images that are kept."""


class DepthTopics(NamedTuple):
    """
    Where the depth of a recording is.

    :param depth: topic of the depth images.
    :param camera_info: topic of the camera; empty takes the one beside the images, or the only.
    """

    depth: str
    camera_info: str = ''


class Pairing:
    """Gives images on in their order, each with its depth where there is some."""

    def __init__(self, info: Any) -> None:
        """
        Begin empty.

        :param info: the first sensor_msgs/CameraInfo of the images.
        """
        self._infos = deque([info], MOST_WAITING)
        self._depth = DepthBuffer(MOST_WAITING)
        self._doubted = False
        self._given = self._without = 0
        self._reason = ''
        self._waiting: deque[tuple[Frame, Any]] = deque()
        self._most_apart = DepthInputConfig().maximum_difference

    def add_depth(self, message: Any) -> None:
        """Take a depth image in, a sensor_msgs/Image or CompressedImage."""
        self._depth.add(message)

    def add_info(self, message: Any) -> None:
        """Take intrinsics in, a sensor_msgs/CameraInfo: a camera may change its size."""
        self._infos.append(message)

    def add(self, frame: Frame, header: Any) -> None:
        """Take an image in, with the header of its message."""
        self._waiting.append((frame, header))

    def ready(self, at_the_end: bool = False) -> Iterator[Frame | tuple[str, ValueError]]:
        """
        Give the images whose depth is there, or will not come.

        :param at_the_end: whether no depth comes any more.
        :return: the images; in place of one whose depth does not fit, which it is, and why not.
        """
        while self._waiting:
            frame, header = self._waiting[0]
            found = self._depth.find(header.stamp, self._most_apart)
            if not (found.is_final or at_the_end or len(self._waiting) >= MOST_WAITING):
                return
            self._waiting.popleft()
            try:
                depth = found.depth and read_registered(
                    found.depth, self._info_at(header.stamp), header.frame_id,
                    frame.image.shape[:2])
            except DepthError as error:
                yield f'{frame.source}: {frame.name}', error
                continue
            self._count(depth, found.reason)
            if depth and not self._doubted and (doubt := implausible_depth(depth.metres)):
                self._doubted = True
                warnings.warn(f'{frame.source}: {doubt}', DataWarning, stacklevel=2)
            yield frame if depth is None else replace(frame, depth=depth)

    def tell(self, source: str) -> None:
        """
        Warn of the images that came without depth, if there were any.

        :param source: the recording, for the message.
        """
        if self._without:
            warnings.warn(f'{source}: {self._without} of {self._given} images have no depth: '
                          f'{self._reason}', DataWarning, stacklevel=2)

    def _count(self, depth: DepthImage | None, reason: str) -> None:
        self._given += 1
        if depth is None or not depth.metres.any():
            self._without += 1
            self._reason = reason or 'the depth image is empty: all of it is 0 or NaN'

    def _info_at(self, stamp: Any) -> Any:
        """Choose the intrinsics nearest in time, of equal ones the latest."""
        wanted = nanoseconds(stamp)
        return min(reversed(self._infos),
                   key=lambda info: abs(nanoseconds(info.header.stamp) - wanted))


def check_topics(path: Path, wanted: DepthTopics, images: str,
                 found: Mapping[str, Topic]) -> DepthTopics:
    """
    Check the topics of depth, and choose that of the camera.

    :raises InputError: if there are no such topics, or several to choose from.
    """
    depths = {name: item for name, item in found.items()
              if item.kind in DEPTH_TYPES and name != images}
    infos = {name: item for name, item in found.items() if item.kind == INFO_TYPE}
    if wanted.depth not in depths:
        raise InputError(f'{path}: no depth topic {wanted.depth!r} beside {images}; the bag has '
                         f'{_listed(depths)}')
    beside = f'{images.removesuffix("/compressed").rpartition("/")[0]}/camera_info'
    chosen = wanted.camera_info or (beside if beside in infos or len(infos) != 1 else
                                    next(iter(infos)))
    if chosen not in infos:
        raise InputError(f'{path}: no camera_info on {chosen}, which depth needs; choose its '
                         f'topic by --camera-info-topic: the bag has {_listed(infos)}')
    return DepthTopics(wanted.depth, chosen)


def _listed(topics: Mapping[str, Topic]) -> str:
    return ', '.join(f'{name} ({item.count})' for name, item in sorted(topics.items())) or 'none'
