# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Recorded image topics, and depth beside them, read without ROS.

Recordings are rosbag2 (sqlite3), MCAP and ROS 1 bags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
import re
from typing import Any

from metricseg_ros.inputs.bag_files import BagFile, is_bag_file, open_bag_file, Recorded, Topic
from metricseg_ros.inputs.codec import is_image
from metricseg_ros.inputs.depth_buffer import nanoseconds
from metricseg_ros.inputs.depth_topic import check_topics, DepthTopics, Pairing
from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error
from metricseg_ros.inputs.image_messages import PacketError, REPUBLISH, to_rgb
from metricseg_ros.inputs.images import natural_key

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
STORES = {'cdr': 'ros2_humble', 'ros1': 'ros1_noetic'}
"""Encoding of messages -> definitions of those of sensor_msgs, which no distribution changed."""

OTHER_PICTURES = re.compile(r'(Image|Video|Packet)$')
"""Types of messages that hold pictures, too, as foxglove_msgs/msg/CompressedVideo."""


def find_recording(path: Path) -> list[Path]:
    """
    Tell whether a path is a recording.

    :param path: a file or folder that exists.
    :return: the files of the recording in their order, or none if this is no bag.
    :raises InputError: if a folder holds several recordings and nothing that ties them.
    """
    if path.is_file():
        return [path] if is_bag_file(path) else []
    if (path / 'metadata.yaml').is_file():
        return _files_of(path)
    files = sorted(filter(is_bag_file, path.iterdir()), key=lambda item: natural_key(item.name))
    if any(map(is_image, path.iterdir())):  # A folder of images, beside which it lies.
        return []
    if len(files) > 1:
        raise InputError(f'{path}: {len(files)} bag files and no metadata.yaml; name one of '
                         f'{", ".join(item.name for item in files)}')
    return files


def _files_of(folder: Path) -> list[Path]:
    import yaml

    path = folder / 'metadata.yaml'
    try:
        content = yaml.safe_load(path.read_bytes())['rosbag2_bagfile_information']
        files = [folder / Path(name).name for name in content['relative_file_paths']]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise InputError(f'{path}: does not tell the files of the recording ({error!r}): name '
                         'the bag file itself') from None
    if not files:
        raise InputError(f'{path}: the recording has no files: nothing was recorded')
    return files


class Recording:
    """The frames of one image topic of a bag."""

    def __init__(self, path: Path, topic: str | None = None, on_error: OnError = raise_error,
                 depth: DepthTopics | None = None) -> None:
        """
        Open the bag once to choose its topics.

        :param topic: image topic; None takes the only one.
        :param on_error: what to do about a message that cannot be decoded, or a file of the bag
            that cannot be read where there are others.
        :param depth: where the images' depth is, if it is to be read.
        :raises InputError: if the bag cannot be read or has no such topic.
        """
        self.path = path
        self._on_error = on_error
        self._files = _opened(find_recording(path), on_error)
        found: dict[str, Topic] = {}
        for file in self._files:
            for name, item in file.topics.items():
                before = found[name].count if name in found else 0
                found[name] = item._replace(count=before + item.count)
        images = {name: item for name, item in found.items() if not depth or name != depth.depth}
        self.topic = _chosen(path, topic, images)
        self.depth = depth and check_topics(path, depth, self.topic, found)
        self._info = self.depth and self._first_info(self.depth.camera_info)
        self._frames = found[self.topic].count

    def __len__(self) -> int:
        """
        Return the number of messages on the topic.

        :raises TypeError: if damage hides it.
        """
        if not self._frames:
            raise TypeError(f'{self.path} does not say how many images it has')
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        """Decode the messages one by one, in the order they were recorded."""
        reasons: Counter[str] = Counter()
        item = None
        for item in self._read():
            if isinstance(item, Frame):
                yield item
                continue
            where, error = item
            reasons[str(error)] += 1
            if reasons[str(error)] == 1:
                self._on_error(InputError(f'{where}: {error}'))
            if isinstance(error, PacketError):  # So are those that follow.
                return
        if item is None:
            self._on_error(InputError(f'{self.path}: there is no image on {self.topic}'))
        for reason, count in reasons.items():
            if count > 1:
                self._on_error(InputError(f'{self.path}: {self.topic}: {count - 1} more: '
                                          f'{reason}'))

    def _read(self) -> Iterator[Frame | tuple[str, ValueError]]:
        """Yield each image, or which message it was that is none, and why."""
        pairing = self.depth and Pairing(self._info)
        for recorded, topic, where in self._messages(self.topic, *(self.depth or ())):
            try:
                message = deserialize(recorded, topic)
                frame = self._frame(recorded, message) if recorded.topic == self.topic else None
            except ValueError as error:
                yield where, error
                continue
            if pairing is None:
                yield frame
                continue
            if frame is not None:
                pairing.add(frame, message.header)
            elif recorded.topic == self.depth.depth:
                pairing.add_depth(message)
            else:
                pairing.add_info(message)
            yield from pairing.ready()
        if pairing is not None:
            yield from pairing.ready(at_the_end=True)
            pairing.tell(str(self.path))

    def _frame(self, recorded: Recorded, message: Any) -> Frame:
        stamp_ns = nanoseconds(message.header.stamp) or recorded.recorded_ns
        return Frame(f'{self.path.stem}_{stamp_ns}', str(self.path), stamp_ns, to_rgb(message))

    def _messages(self, *topics: str) -> Iterator[tuple[Recorded, Topic, str]]:
        """Yield each message of some topics, what its topic is, and where it stands."""
        for file in self._files:
            present = [name for name in topics if name in file.topics]
            for recorded in file.messages(present, self._on_error):
                yield (recorded, file.topics[recorded.topic],
                       f'{self.path}: {recorded.topic} recorded at {recorded.recorded_ns}')

    def _first_info(self, name: str) -> Any:
        for recorded, topic, where in self._messages(name):
            try:
                return deserialize(recorded, topic)
            except ValueError as error:
                self._on_error(InputError(f'{where}: {error}'))
        raise InputError(f'{self.path}: no message on {name}, which depth needs')


def _opened(files: Sequence[Path], on_error: OnError) -> list[BagFile]:
    """Open the files that can be read; the last error is raised if none can."""
    opened: list[BagFile] = []
    for number, file in enumerate(files, start=1):
        try:
            opened.append(open_bag_file(file))
        except InputError as error:
            if number == len(files) and not opened:
                raise
            on_error(error)
    return opened


def deserialize(recorded: Recorded, topic: Topic) -> Any:
    """
    Read a recorded message.

    :return: a message with the fields that ROS 2 gives it.
    :raises ValueError: if it is damaged.
    """
    store = _typestore(STORES[topic.encoding])
    read = store.deserialize_ros1 if topic.encoding == 'ros1' else store.deserialize_cdr
    try:
        return read(recorded.data, topic.kind)
    except Exception as error:  # Damage can make anything of a reader.
        raise ValueError(f'damaged message: {error or type(error).__name__}') from None


@cache
def _typestore(name: str) -> Any:
    from rosbags.typesys import get_typestore, Stores

    return get_typestore(Stores(name))


def _chosen(path: Path, topic: str | None, found: Mapping[str, Topic]) -> str:
    """Return the topic asked for, or the only one."""
    images = {name: item for name, item in found.items()
              if item.kind in IMAGE_TYPES and item.encoding in STORES}
    listed = ', '.join(f'{name} ({item.count})' for name, item in sorted(images.items()))
    others = [f'{name} ({item.kind}, {item.encoding})' for name, item in sorted(found.items())
              if name not in images and topic in (None, name) and OTHER_PICTURES.search(item.kind)]
    encodings = {item.encoding for name, item in found.items() if topic in (None, name)
                 and item.kind in IMAGE_TYPES} - STORES.keys()
    if encodings and (topic or not images):
        raise InputError(f'{path}: images encoded as {", ".join(sorted(encodings))!r}, and those '
                         f'of {" and ".join(STORES)} are read: play the recording with what '
                         'recorded it, and record it anew')
    if others and (topic or not images):
        raise InputError(f'{path}: pictures of a kind that is not read: {", ".join(others)}: '
                         f'{REPUBLISH}')
    if not images:
        raise InputError(f'{path}: no image topic in this bag')
    if topic is not None and topic not in images:
        raise InputError(f'{path}: no image topic {topic!r}; the bag has {listed}')
    if topic is None and len(images) > 1:
        raise InputError(f'{path}: several image topics, choose one by topic: {listed}')
    return topic or next(iter(images))
