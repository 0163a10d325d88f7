# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The files that recordings consist of: their topics, and messages as they were recorded.

Nothing is made of the definitions that lie beside the messages: those of images are known, and
those of other topics may be of any language, or damaged. Damage costs the messages it lies in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
import shutil
import sqlite3
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple, Protocol

from metricseg_ros.inputs.frame import InputError, OnError

BAG_SUFFIXES = ('.mcap', '.db3', '.bag')
PACKED_SUFFIXES = ('.zstd', '.zst')
"""What rosbag2 adds to the name of a file that it compresses as a whole."""

ZSTD_START = b'\x28\xb5\x2f\xfd'
RECORD_HEAD = 9
"""Bytes of an MCAP record before its content: what it is, and its length."""


class Topic(NamedTuple):
    """
    What is known of a topic.

    :param kind: type of its messages, as sensor_msgs/msg/Image.
    :param encoding: how they are written: cdr, ros1, or another that is not read.
    :param count: how many there are; 0 where damage hides it.
    """

    kind: str
    encoding: str
    count: int


class Recorded(NamedTuple):
    """
    A message as it was recorded.

    :param data: the message in its topic's encoding.
    """

    topic: str
    recorded_ns: int
    data: bytes


class BagFile(Protocol):
    """A file of a recording."""

    topics: Mapping[str, Topic]

    def messages(self, topics: Collection[str], on_error: OnError) -> Iterator[Recorded]:
        """
        Go through the messages of some topics.

        :param on_error: told of each part that is damaged and left out.
        """


def is_bag_file(path: Path) -> bool:
    """Tell by its name whether a file is one of a recording, compressed as a whole or not."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return bool(suffixes) and (suffixes[-1] in BAG_SUFFIXES or (
        suffixes[-1] in PACKED_SUFFIXES and suffixes[0] in BAG_SUFFIXES))


def open_bag_file(path: Path) -> BagFile:
    """
    Open a file of a recording.

    :param path: of an MCAP, SQLite or ROS 1 file, compressed as a whole or not.
    :raises InputError: if it is none of these, or not there.
    """
    if not path.is_file():
        raise InputError(f'{path}: there is no such file')
    kinds: dict[str, Any] = {'.mcap': McapFile, '.db3': SqliteFile, '.bag': Rosbag1File}
    if not path.stat().st_size:
        raise InputError(f'{path}: the file is empty: nothing was recorded')
    inner = next((suffix.lower() for suffix in reversed(path.suffixes)
                  if suffix.lower() not in PACKED_SUFFIXES), '')
    if inner not in kinds:
        raise InputError(f'{path}: a bag packed as {inner}, which is not read: unpack it')
    try:
        if _is_packed(path):
            file = kinds[inner](*_unpacked(path, inner))
            file.name = path
            return file
        return kinds[inner](path)
    except ImportError as error:
        raise InputError(f'{path}: bags are read by the Python packages mcap and rosbags: '
                         f'{error}') from None
    except Exception as error:  # Damage can make anything of a reader.
        raise InputError(f'{path}: not a bag that can be read: {_said(error)}') from None


def _is_packed(path: Path) -> bool:
    with path.open('rb') as file:  # Whatever its name says.
        return file.read(len(ZSTD_START)) == ZSTD_START


def _unpacked(path: Path, suffix: str) -> tuple[Path, Any]:
    """Decompress a file; return where to, and what removes that in the end."""
    from zstandard import ZstdDecompressor

    copy = NamedTemporaryFile(suffix=suffix)  # noqa: SIM115 It lives as long as its bag.
    with path.open('rb') as packed:
        shutil.copyfileobj(ZstdDecompressor().stream_reader(packed, read_across_frames=True), copy)
    copy.flush()
    return Path(copy.name), copy


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


class SqliteFile:
    """A file of rosbag2's storage sqlite3."""

    def __init__(self, path: Path, keep: Any = None) -> None:
        """
        List the topics.

        :raises sqlite3.Error: if it is no such file.
        """
        self.path, self.name, self._keep = path, path, keep
        with closing(self._connect()) as database:
            listed = database.execute(
                'SELECT name, type, serialization_format, id FROM topics').fetchall()
            listed = [row for row in listed if all(isinstance(part, str) for part in row[:3])]
            try:
                counts = dict(database.execute('SELECT topic_id, count(*) FROM messages '
                                               'GROUP BY topic_id'))
            except sqlite3.DatabaseError:
                counts = {}
        self._ids = {name: number for name, _, _, number in listed}
        self.topics = {name: Topic(ros2_kind(kind), encoding.lower(), counts.get(number, 0))
                       for name, kind, encoding, number in listed}

    def messages(self, topics: Collection[str], on_error: OnError) -> Iterator[Recorded]:
        """See :class:`BagFile`; messages that cannot be read are told one by one."""
        names = {self._ids[name]: name for name in topics}
        with closing(self._connect()) as database:
            for number in self._in_order(database, names, on_error):
                try:
                    row = database.execute(
                        'SELECT topic_id, timestamp, data FROM messages WHERE id = ? AND topic_id '
                        f'IN ({_listed(names)})', (number,)).fetchone()
                except sqlite3.DatabaseError as error:
                    on_error(InputError(f'{self.name}: message {number}: {error}'))
                    continue
                if row and isinstance(row[1], int) and isinstance(row[2], bytes):
                    yield Recorded(names[row[0]], row[1], unpacked(row[2]))
                elif row:
                    on_error(InputError(f'{self.name}: message {number} is damaged'))

    def _in_order(self, database: sqlite3.Connection, names: Mapping[int, str],
                  on_error: OnError) -> Iterator[int]:
        """List messages by time; where damage hides whose they are, those of all topics."""
        for condition in (f'WHERE topic_id IN ({_listed(names)})', ''):
            try:
                yield from [number for number, in database.execute(
                    f'SELECT id FROM messages {condition} ORDER BY timestamp')]
                return
            except sqlite3.DatabaseError as error:
                damage = error
        on_error(InputError(f'{self.name}: the recording cannot be read: {damage}'))

    def _connect(self) -> sqlite3.Connection:
        # A write-ahead log beside it, as a crash leaves, belongs to it; else nothing is touched.
        mode = 'mode=ro' + ('' if Path(f'{self.path}-wal').exists() else '&immutable=1')
        database = sqlite3.connect(f'{self.path.resolve().as_uri()}?{mode}', uri=True)
        database.text_factory = lambda text: text.decode(errors='replace')
        return database


def _listed(names: Mapping[int, str]) -> str:
    return ', '.join(map(str, map(int, names)))


class McapFile:
    """An MCAP file, by its index, or from front to back where that was never written."""

    def __init__(self, path: Path, keep: Any = None) -> None:
        """
        List the topics.

        :raises Exception: if it is no such file.
        """
        self.path, self.name, self._keep = path, path, keep
        self._summary = self._read_summary()
        schemas, channels, counts = self._contents()
        self._names = {number: channel.topic for number, channel in channels.items()}
        self.topics: dict[str, Topic] = {}
        for number, channel in channels.items():
            kind = schemas[channel.schema_id].name if channel.schema_id in schemas else ''
            before = self.topics.get(channel.topic, Topic('', '', 0)).count
            self.topics[channel.topic] = Topic(ros2_kind(kind), channel.message_encoding,
                                               before + counts.get(number, 0))

    def messages(self, topics: Collection[str], on_error: OnError) -> Iterator[Recorded]:
        """See :class:`BagFile`; a chunk that cannot be read is told."""
        from mcap.records import Message

        numbers = {number for number, name in self._names.items() if name in topics}
        for records in self._parts(numbers, on_error):
            found = [record for record in records
                     if isinstance(record, Message) and record.channel_id in numbers]
            for message in sorted(found, key=lambda message: message.log_time):
                yield Recorded(self._names[message.channel_id], message.log_time,
                               unpacked(message.data))

    def _read_summary(self) -> Any:
        """Read the index of chunks at the file's end; None if there is none or it is damaged."""
        from mcap.reader import SeekingReader

        with self.path.open('rb') as stream:
            reader = SeekingReader(stream)
            try:
                summary = reader.get_summary()
                return summary if summary and summary.chunk_indexes else None
            except Exception:  # Damage can make anything of a reader.
                return None

    def _contents(self) -> tuple[dict[int, Any], dict[int, Any], dict[int, int]]:
        """Tell schemas, channels and the number of each channel's messages."""
        from mcap.records import Channel, Message, Schema

        if self._summary and self._summary.statistics and self._summary.channels:
            return (self._summary.schemas, self._summary.channels,
                    self._summary.statistics.channel_message_counts)
        schemas: dict[int, Any] = {}
        channels: dict[int, Any] = {}
        counts: dict[int, int] = {}
        for records in self._parts(None, lambda error: None):
            for record in records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, Message):
                    counts[record.channel_id] = counts.get(record.channel_id, 0) + 1
        return schemas, channels, counts

    def _parts(self, numbers: set[int] | None, on_error: OnError) -> Iterator[list[Any]]:
        """Yield the records of each chunk that may hold messages of some channels."""
        from mcap.records import Chunk
        from mcap.stream_reader import breakup_chunk

        with self.path.open('rb') as stream:
            chunks = self._by_index(stream, numbers, on_error) if self._summary else \
                self._from_the_start(stream, on_error)
            for chunk in chunks:
                try:
                    yield breakup_chunk(chunk, True) if isinstance(chunk, Chunk) else [chunk]
                except Exception as error:
                    on_error(InputError(f'{self.name}: a part of the recording is damaged: '
                                        f'{_said(error)}'))

    def _by_index(self, stream: Any, numbers: set[int] | None, on_error: OnError) -> Iterator[Any]:
        from mcap.data_stream import ReadDataStream
        from mcap.records import Chunk

        for index in sorted(self._summary.chunk_indexes,
                            key=lambda index: index.message_start_time):
            inside = index.message_index_offsets  # None at all: what is in it is not known.
            if numbers is None or not inside or not numbers.isdisjoint(inside):
                try:
                    stream.seek(index.chunk_start_offset + RECORD_HEAD)
                    chunk = Chunk.read(ReadDataStream(stream))
                except Exception as error:
                    on_error(InputError(f'{self.name}: a part of the recording is not there: '
                                        f'{_said(error)}'))
                    continue
                yield chunk

    def _from_the_start(self, stream: Any, on_error: OnError) -> Iterator[Any]:
        from mcap.records import DataEnd
        from mcap.stream_reader import StreamReader

        try:
            for record in StreamReader(stream, emit_chunks=True).records:
                if isinstance(record, DataEnd):
                    return
                yield record
        except Exception as error:
            on_error(InputError(f'{self.name}: the recording breaks off: {_said(error)}'))


class Rosbag1File:
    """A file of ROS 1."""

    def __init__(self, path: Path, keep: Any = None) -> None:
        """
        List the topics.

        :raises Exception: if it is no such file.
        """
        self.path, self.name, self._keep = path, path, keep
        with _reader_of_ros1()(path) as reader:
            self.topics: dict[str, Topic] = {}
            for item in reader.connections:
                before = self.topics.get(item.topic, Topic('', '', 0)).count
                self.topics[item.topic] = Topic(item.msgtype, 'ros1', before + item.msgcount)

    def messages(self, topics: Collection[str], on_error: OnError) -> Iterator[Recorded]:
        """See :class:`BagFile`; a chunk that cannot be read is told."""
        with _reader_of_ros1()(self.path) as reader:
            chosen = [item for item in reader.connections if item.topic in topics]
            chunks: dict[int, dict[int, list[Any]]] = {}
            for item in chosen:
                for entry in reader.indexes[item.id]:
                    of_chunk = chunks.setdefault(entry.chunk_pos, {each.id: [] for each in chosen})
                    of_chunk[item.id].append(entry)
            for position in sorted(chunks):
                reader.indexes = chunks[position]
                try:
                    for item, recorded_ns, data in reader.messages(chosen):
                        yield Recorded(item.topic, recorded_ns, data)
                except Exception as error:
                    on_error(InputError(f'{self.name}: a part of the recording is damaged: '
                                        f'{_said(error)}'))


def _reader_of_ros1() -> type:
    """Make a reader that does not look at definitions, in which comments are of any encoding."""
    from rosbags.interfaces import (
        Connection,
        ConnectionExtRosbag1,
        MessageDefinition,
        MessageDefinitionFormat,
    )
    from rosbags.rosbag1 import Reader
    from rosbags.rosbag1.reader import Header, normalize, RecordType

    class ReaderOfRos1(Reader):
        """Reads everything but definitions."""

        def read_connection(self) -> Connection:
            head, about = Header.read(self.bio, RecordType.CONNECTION), Header.read(self.bio)
            return Connection(
                head.get_uint32('conn'), normalize(head.get_string('topic')),
                ros2_kind(about.get_string('type')),
                MessageDefinition(MessageDefinitionFormat.NONE, ''), '', 0,
                ConnectionExtRosbag1(None, None), self)

    return ReaderOfRos1


def unpacked(data: bytes) -> bytes:
    """Decompress a message that rosbag2 has compressed."""
    if not data.startswith(ZSTD_START):
        return data
    from zstandard import ZstdDecompressor, ZstdError

    try:
        return ZstdDecompressor().decompressobj().decompress(data)
    except ZstdError:  # Read as a message it will turn out to be none.
        return data


def ros2_kind(name: str) -> str:
    """Write a type as ROS 2 does."""
    parts = name.split('/')
    return f'{parts[0]}/msg/{parts[1]}' if len(parts) == 2 else name
