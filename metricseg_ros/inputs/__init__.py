# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images from files, folders, videos and recorded bags, one way for all of them."""

from __future__ import annotations

from os import fspath, PathLike
from pathlib import Path

from metricseg_ros.inputs.bag import find_recording, Recording
from metricseg_ros.inputs.codec import is_image
from metricseg_ros.inputs.depth_topic import DepthTopics
from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error
from metricseg_ros.inputs.images import ImageFiles, open_image_folder
from metricseg_ros.inputs.other_files import reason_not_read, VIDEO
from metricseg_ros.inputs.rgbd_folder import RgbdFolder
from metricseg_ros.inputs.video import Video

__all__ = ['DepthTopics', 'Frame', 'InputError', 'open_input']

RECORD_FIRST = ('record it first (ffmpeg -i ... clip.mp4), or use the node, which segments what a '
                "camera's driver publishes")


def open_input(path: str | PathLike[str], topic: str | None = None,
               on_error: OnError = raise_error, depth: bool = True,
               depth_topics: DepthTopics | None = None
               ) -> ImageFiles | RgbdFolder | Video | Recording:
    """
    Open whatever holds images.

    The result can be iterated more than once, each time from the start; `len()` says how many
    frames to expect where that is known.

    :param path: an image, a folder of images, or one with images/ and, if there is depth, depth/;
        a video, a rosbag2 folder, or an MCAP, db3 or ROS 1 bag file.
    :param topic: image topic of a bag; may be left out where a bag has only one.
    :param on_error: called with an :class:`InputError` for each frame that cannot be decoded, and
        for the files of a folder that are no images but hold some; they are left out. By default
        the error is raised.
    :param depth: whether to read depth where it is there.
    :param depth_topics: where a bag has depth.
    :return: an iterable of :class:`Frame`.
    :raises InputError: if there is nothing at the path that can be read.
    """
    if '://' in fspath(path):
        raise InputError(f'{path}: an address, not a file: {RECORD_FIRST}')
    path = Path(path)
    try:
        return _opened(path, topic, on_error, depth, depth_topics)
    except OSError as error:  # Such as a folder that may not be read, or a name that is too long.
        raise InputError(f'{path}: {error.strerror or error}') from None


def _opened(path: Path, topic: str | None, on_error: OnError, depth: bool,
            depth_topics: DepthTopics | None) -> ImageFiles | RgbdFolder | Video | Recording:
    if not path.exists():
        raise InputError(f'{path}: no such file or folder')
    if not (path.is_file() or path.is_dir()):
        raise InputError(f'{path}: a camera or a pipe, not a file: {RECORD_FIRST}')
    if find_recording(path):
        return Recording(path, topic, on_error, depth_topics if depth else None)
    if topic is not None or depth_topics is not None:
        raise InputError(f'{path}: a topic is for recorded bags, got topic '
                         f'{topic or depth_topics.depth!r}')
    if (path / 'images').is_dir():
        return RgbdFolder(path, depth, on_error)
    if path.is_dir():
        return open_image_folder(path, on_error)
    if is_image(path):
        return ImageFiles([path], on_error)
    if (reason := reason_not_read(path)) and reason != VIDEO:
        raise InputError(f'{path}: {reason}')
    return Video(path, on_error)
