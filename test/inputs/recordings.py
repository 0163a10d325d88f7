# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings to read, written by libraries that others write them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
import numpy as np
from rosbags.rosbag1 import Writer as Rosbag1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

STORE = get_typestore(Stores.ROS2_JAZZY)
STORE_OF_ROS1 = get_typestore(Stores.ROS1_NOETIC)
IMAGE = 'sensor_msgs/msg/Image'


def gradient(height: int = 24, width: int = 40) -> np.ndarray:
    """Make an (H,W,3) RGB image of which no two pixels in a row are equal."""
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    image[..., 2] = 77
    return image


def image_message(image: np.ndarray, encoding: str, stamp_ns: int = 0,
                  step: int | None = None) -> Any:
    """Make a raw image message; a step larger than a row pads it with 255."""
    types = STORE.types
    rows = np.ascontiguousarray(image).view(np.uint8).reshape(image.shape[0], -1)
    padding = (step or rows.shape[1]) - rows.shape[1]
    data = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return types['sensor_msgs/msg/Image'](
        header(stamp_ns), image.shape[0], image.shape[1], encoding, 0, data.shape[1],
        data.reshape(-1))


def compressed_message(data: bytes, stamp_ns: int = 0, kind: str = 'jpeg') -> Any:
    return STORE.types['sensor_msgs/msg/CompressedImage'](
        header(stamp_ns), kind, np.frombuffer(data, np.uint8))


def header(stamp_ns: int) -> Any:
    time = STORE.types['builtin_interfaces/msg/Time'](stamp_ns // 10**9, stamp_ns % 10**9)
    return STORE.types['std_msgs/msg/Header'](time, 'camera')


def write_bag(folder: Path, topics: dict[str, list], mcap: bool = False,
              compression: CompressionMode = CompressionMode.NONE) -> Path:
    """Write a bag; messages of a topic are recorded a second apart."""
    plugin = StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3
    writer = Writer(folder, version=9, storage_plugin=plugin)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=STORE)
            for index, message in enumerate(messages):
                writer.write(connection, (index + 1) * 10**9, STORE.serialize_cdr(message, kind))
    return folder


def image_bytes(message: Any) -> bytes:
    return bytes(STORE.serialize_cdr(message, message.__msgtype__))


def write_mcap(path: Path, messages: list[Any],
               others: dict[str, tuple[str, str, bytes]] | None = None,
               definition: bytes = b'', compression: CompressionType = CompressionType.NONE,
               ) -> Path:
    """
    Write an MCAP file with an image topic, each message in a chunk of its own.

    :param others: topic -> encoding, schema's encoding and schema of channels beside it.
    :param definition: of the image, as the file holds it.
    """
    with path.open('wb') as stream:
        writer = McapWriter(stream, chunk_size=1, compression=compression)
        writer.start('ros2', 'test')
        for topic, (encoding, language, schema) in (others or {}).items():
            number = writer.register_schema(topic.strip('/'), language, schema)
            channel = writer.register_channel(topic, encoding, number)
            writer.add_message(channel, 1, b'{}', 1)
        number = writer.register_schema(messages[0].__msgtype__, 'ros2msg', definition)
        channel = writer.register_channel('/image', 'cdr', number)
        for index, message in enumerate(messages, start=1):
            writer.add_message(channel, index * 10**9, image_bytes(message), index * 10**9)
        writer.finish()
    return path


def write_rosbag1(path: Path, images: list[np.ndarray], chunk_bytes: int = 2**20) -> Path:
    """Write a bag of ROS 1 with one image topic."""
    types = STORE_OF_ROS1.types
    writer = Rosbag1Writer(path)
    writer.set_compression(Rosbag1Writer.CompressionFormat.BZ2)
    writer.chunk_threshold = chunk_bytes
    with writer:
        connection = writer.add_connection('/image', IMAGE, typestore=STORE_OF_ROS1)
        for index, image in enumerate(images, start=1):
            time = types['builtin_interfaces/msg/Time'](index, 0)
            head = types['std_msgs/msg/Header'](index, time, 'camera')
            message = types[IMAGE](head, *image.shape[:2], 'rgb8', 0, image.shape[1] * 3,
                                   image.reshape(-1))
            writer.write(connection, index * 10**9, STORE_OF_ROS1.serialize_ros1(message, IMAGE))
    return path
