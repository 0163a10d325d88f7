# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The engines that were built, on disk.

Each is two files: DIGEST.plan and DIGEST.json, which says what it was built for and the plan's
checksum, and is written last. Both are written under other names and renamed, so a reader sees
a whole file or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
import hashlib
import json
import os
from pathlib import Path
import time
from typing import NamedTuple, TYPE_CHECKING

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.backends.tensorrt.engine_key import EngineKey

if TYPE_CHECKING:
    from filelock import BaseFileLock

FORMAT_VERSION = 3
"""Of the files, and of how engines are built: those of another one are built anew."""

MIB = 2 ** 20


class Lookup(NamedTuple):
    """
    What the cache holds for a key.

    :param plan: the engine, or None.
    """

    plan: bytes | None
    reason: str = ''


@dataclass(frozen=True)
class CachedEngine:
    """
    An engine in the cache.

    :param key: what it was built for; None where that cannot be read.
    :param size: of its files, in bytes.
    :param used: when it was last used, in seconds since 1970.
    :param fault: what is wrong with it, or empty.
    """

    digest: str
    key: EngineKey | None
    size: int
    used: float
    fault: str = ''


def default_folder() -> Path:
    """Tell where engines are kept: metricseg_ros/engines in $XDG_CACHE_HOME, or in ~/.cache."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'metricseg_ros' / 'engines'


class EngineCache:
    """The engines in a folder."""

    def __init__(self, folder: Path | None = None, limit_mib: int = 0) -> None:
        """
        Remember the folder; nothing is made or read yet.

        :param folder: where; None for :func:`default_folder`.
        :param limit_mib: the least recently used are dropped above this; 0 for no limit.
        """
        self.folder = folder or default_folder()
        self.limit = limit_mib * MIB

    def load(self, key: EngineKey) -> Lookup:
        """
        Take an engine out, if it is whole and the right one.

        :return: the engine; or why there is none, which an engine for something else explains.
        """
        sidecar = self._path(key.digest, 'json')
        try:
            if not sidecar.exists():
                return Lookup(None, self._miss(key))
            plan = self._path(key.digest, 'plan').read_bytes()
            fault = _fault(json.loads(sidecar.read_text()), plan, key.digest)
        except (OSError, ValueError) as error:
            fault = f'it cannot be read ({error})'
        if fault:
            return Lookup(None, f'the engine in {sidecar.with_suffix(".plan")} is not used: '
                          f'{fault}')
        with suppress(OSError):  # A cache that cannot be written serves all the same.
            os.utime(sidecar)
        return Lookup(plan)

    def store(self, key: EngineKey, plan: bytes, seconds: float) -> None:
        """
        Keep an engine, and drop those not used for longest beyond the limit.

        :raises OSError: if it cannot be written; nothing is left behind then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        sidecar = {'format_version': FORMAT_VERSION, 'key': asdict(key), 'bytes': len(plan),
                   'sha256': hashlib.sha256(plan).hexdigest(), 'build_seconds': round(seconds, 1),
                   'built': time.strftime('%Y-%m-%dT%H:%M:%S%z')}
        self._path(key.digest, 'json').unlink(missing_ok=True)
        write_atomically(self._path(key.digest, 'plan'), plan)
        write_atomically(self._path(key.digest, 'json'), json.dumps(sidecar, indent=1).encode())
        if self.limit:
            self.prune(self.limit, keep=key.digest)

    def lock(self, key: EngineKey) -> BaseFileLock:
        """
        Give the lock that whoever builds an engine holds; it goes with its process.

        :return: the lock, not yet taken.
        :raises OSError: if the folder cannot be made.
        """
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._path(key.digest, 'lock'))

    def forget(self, digest: str) -> str:
        """
        Remove an engine.

        :return: why it is still there; empty if it is gone.
        """
        try:
            for suffix in ('json', 'plan', 'kernels', 'lock'):
                self._path(digest, suffix).unlink(missing_ok=True)
        except OSError as error:
            return f'{digest[:12]} cannot be removed: {error}'
        return ''

    def entries(self, checksums: bool = False) -> list[CachedEngine]:
        """
        List the engines, the most recently used first.

        :param checksums: whether to read every engine and compare its checksum.
        :return: one entry each; those without a sidecar, which a killed build left, too.
        """
        digests = {path.stem for suffix in ('json', 'plan')
                   for path in self.folder.glob(f'*.{suffix}')}
        found = (self._entry(digest, checksums) for digest in digests)
        return sorted(found, key=lambda entry: -entry.used)

    def prune(self, limit: float, keep: str = '', checksums: bool = False) -> list[str]:
        """
        Remove engines that are broken, then those not used for longest.

        :param limit: bytes that may stay.
        :param keep: digest of one that stays whatever its size.
        :param checksums: whether to read every engine, so that damaged ones go too.
        :return: why some are still there that should be gone.
        """
        problems, total = [], 0
        for entry in sorted(self.entries(checksums), key=lambda entry: entry.digest != keep):
            total += entry.size
            if entry.digest != keep and (entry.fault or total > limit):
                problem = self.forget(entry.digest)
                problems += [problem] if problem else []
                total -= 0 if problem else entry.size
        self._remove_leavings()
        return problems

    def kernels_path(self, key: EngineKey) -> Path:
        """Tell where TensorRT-RTX keeps the kernels it compiles at run time."""
        return self._path(key.digest, 'kernels')

    def timings_path(self, key: EngineKey) -> Path:
        """
        Tell where a builder keeps what it has measured on a GPU, for the next engine on it.

        :return: the path, one for a TensorRT version and GPU.
        """
        return self._path(key.builder_digest, 'timings')

    def _entry(self, digest: str, checksums: bool) -> CachedEngine:
        size, used, key = 0, 0.0, None
        with suppress(OSError):  # Another process may remove it meanwhile.
            for suffix in ('kernels', 'plan', 'json'):  # The last one is touched at every use.
                path = self._path(digest, suffix)
                if path.exists():
                    size, used = size + path.stat().st_size, path.stat().st_mtime
        try:
            content = json.loads(self._path(digest, 'json').read_text())
            key = EngineKey(**content['key'])
            plan = self._path(digest, 'plan')
            fault = (_fault(content, plan.read_bytes(), digest) if checksums
                     else _size_fault(content, plan.stat().st_size))
        except FileNotFoundError as error:
            fault = f'{Path(error.filename).name} is missing: its building was cut short'
        except (OSError, ValueError, KeyError, TypeError) as error:
            fault = f'it cannot be read ({error})'
        return CachedEngine(digest, key, size, used, fault)

    def _miss(self, key: EngineKey) -> str:
        others = [key.difference(other.key) for other in self.entries()
                  if other.key and other.key.onnx_sha256 == key.onnx_sha256]
        # The nearest one tells most about why there is none.
        nearest = min(others, key=lambda text: text.count(','), default='')
        return 'there is none yet' + (f' for {nearest}' if nearest else '')

    def _remove_leavings(self) -> None:
        """Remove what killed writers, failed builds and versions that are gone left behind."""
        entries = self.entries()
        digests = {entry.digest for entry in entries}
        builders = {entry.key.builder_digest for entry in entries if entry.key}
        with suppress(OSError):
            for path in self.folder.glob('.*.partial'):
                # Of a process that is gone; one that still writes would take seconds.
                if time.time() - path.stat().st_mtime > 60:
                    path.unlink(missing_ok=True)
            for path in self.folder.glob('*.timings'):
                if path.stem not in builders:
                    path.unlink(missing_ok=True)
            for path in self.folder.glob('*.lock'):
                if path.stem not in digests and not _is_held(path):
                    path.unlink(missing_ok=True)

    def _path(self, digest: str, suffix: str) -> Path:
        return self.folder / f'{digest}.{suffix}'


def _is_held(path: Path) -> bool:
    """Tell whether somebody builds the engine of a lock."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _size_fault(content: dict, size: int) -> str:
    if content['format_version'] != FORMAT_VERSION:
        return f'its format_version is {content["format_version"]}, not {FORMAT_VERSION}'
    if content['bytes'] != size:
        return f'it has {size} bytes, not {content["bytes"]}: it is cut short'
    return ''


def _fault(content: dict, plan: bytes, digest: str) -> str:
    try:
        fault = _size_fault(content, len(plan))
        if not fault and hashlib.sha256(plan).hexdigest() != content['sha256']:
            fault = 'its checksum differs: it is damaged'
        if not fault and EngineKey(**content['key']).digest != digest:
            fault = 'it was built for something else than its name says'
    except (KeyError, TypeError) as error:
        fault = f'its description lacks {error}'
    return fault


def totals(entries: Iterator[CachedEngine] | list[CachedEngine]) -> float:
    """Add up the sizes of engines: MiB."""
    return sum(entry.size for entry in entries) / MIB
