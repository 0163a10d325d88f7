# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorded image topics: rosbag2 (sqlite3), MCAP and ROS 1 bags, read without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import sqlite3
from typing import Any

from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error
from metricseg_ros.inputs.image_messages import to_rgb

BAG_SUFFIXES = ('.mcap', '.db3', '.bag')
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


def find_recording(path: Path) -> Path | None:
    """
    Tell whether a path is a recording.

    :param path: a file or folder that exists.
    :return: the path to hand to a bag reader, or None if this is no bag.
    :raises InputError: if a folder holds several recordings and nothing that ties them.
    """
    if path.is_file():
        return path if path.suffix.lower() in BAG_SUFFIXES else None
    if (path / 'metadata.yaml').is_file():
        return path
    files = sorted(item for item in path.iterdir() if item.suffix.lower() in BAG_SUFFIXES)
    if len(files) > 1:
        raise InputError(f'{path}: {len(files)} bag files and no metadata.yaml; name one of '
                         f'{", ".join(item.name for item in files)}')
    return files[0] if files else None


class Recording:
    """The frames of one image topic of a bag."""

    def __init__(self, path: Path, topic: str | None = None,
                 on_error: OnError = raise_error) -> None:
        """
        Open the bag once to choose its topic.

        :param path: path of the bag.
        :param topic: image topic; None takes the only one.
        :param on_error: what to do about a message that cannot be decoded.
        :raises InputError: if the bag cannot be read or has no such topic.
        """
        self.path = path
        self._on_error = on_error
        with _reader(path) as reader:
            counts = _image_topics(reader)
        self.topic = _chosen(path, topic, counts)
        self._frames = counts[self.topic]

    def __len__(self) -> int:
        """Return the number of messages on the topic."""
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        """Decode the messages one by one, in the order they were recorded."""
        with _reader(self.path) as reader:
            chosen = [item for item in reader.connections if item.topic == self.topic]
            for connection, recorded_ns, data in self._messages(reader, chosen):
                try:
                    message = _deserialize(reader, data, connection.msgtype)
                    image = to_rgb(message)
                except ValueError as error:
                    where = f'{self.path}: {self.topic} recorded at {recorded_ns}'
                    self._on_error(InputError(f'{where}: {error}'))
                    continue
                stamp_ns = _stamp(message) or recorded_ns
                yield Frame(f'{self.path.stem}_{stamp_ns}', str(self.path), stamp_ns, image)

    def _messages(self, reader: Any, connections: list[Any]) -> Iterator[tuple[Any, int, bytes]]:
        """Yield connection, time of recording and data of each message, until the file breaks."""
        from rosbags.highlevel.anyreader import ReaderErrors

        try:
            yield from reader.messages(connections=connections)
        except (*ReaderErrors, sqlite3.Error) as error:
            self._on_error(InputError(f'{self.path}: the recording breaks off: {error}'))


def _deserialize(reader: Any, data: bytes, message_type: str) -> Any:
    from rosbags.highlevel import AnyReaderError

    try:
        return reader.deserialize(data, message_type)
    except AnyReaderError as error:
        raise ValueError(f'damaged message: {error}') from None


def _stamp(message: Any) -> int:
    stamp = message.header.stamp
    return stamp.sec * 10**9 + stamp.nanosec


@contextmanager
def _reader(path: Path) -> Iterator[Any]:
    """Open a bag; whatever is wrong with it becomes an InputError."""
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.typesys import get_typestore, Stores
    except ImportError as error:
        raise InputError(f'{path}: bags are read by the Python package rosbags: {error}') from None
    try:
        # Bags from before ROS 2 Iron do not say what their messages look like.
        reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE))
        reader.open()
    except (AnyReaderError, OSError, sqlite3.Error) as error:
        raise InputError(f'{path}: not a bag that can be read: {error}') from None
    try:
        yield reader
    finally:
        reader.close()


def _image_topics(reader: Any) -> dict[str, int]:
    """Return the number of messages on each image topic."""
    counts: dict[str, int] = {}
    for connection in reader.connections:
        if connection.msgtype in IMAGE_TYPES:
            counts[connection.topic] = counts.get(connection.topic, 0) + connection.msgcount
    return counts


def _chosen(path: Path, topic: str | None, counts: dict[str, int]) -> str:
    """Return the topic asked for, or the only one."""
    if not counts:
        raise InputError(f'{path}: no image topic in this bag')
    listed = ', '.join(f'{name} ({count})' for name, count in sorted(counts.items()))
    if topic is not None and topic not in counts:
        raise InputError(f'{path}: no image topic {topic!r}; the bag has {listed}')
    if topic is None and len(counts) > 1:
        raise InputError(f'{path}: several image topics, choose one by topic: {listed}')
    return topic or next(iter(counts))
