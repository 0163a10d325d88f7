# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The cache gives the right engine, whole, or none and the reason, whatever befell its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from metricseg_ros.atomic_files import write_with_checksum
from metricseg_ros.backends.tensorrt import engine_cache
from metricseg_ros.backends.tensorrt.engine_cache import default_folder, EngineCache
from metricseg_ros.backends.tensorrt.engine_key import EngineKey, input_sizes
from metricseg_ros.cli.main import main
import pytest

KEY = EngineKey('0' * 64, 'tensorrt', '10.7.0', 'Orin', '8.7', 16, 'fp16',
                '32x32 256x320 320x320')
PLAN = bytes(range(256)) * 40


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    """Give a cache that holds one engine."""
    made = EngineCache(tmp_path / 'engines')
    made.store(KEY, PLAN, 1.5)
    return made


def plan_path(cache: EngineCache) -> Path:
    return cache.folder / f'{KEY.digest}.plan'


def test_an_engine_comes_out_as_it_went_in(cache: EngineCache) -> None:
    assert cache.load(KEY).plan == PLAN
    assert {path.suffix for path in cache.folder.iterdir()} == {'.plan', '.json'}


@pytest.mark.parametrize(('field', 'value'), [
    ('onnx_sha256', '1' * 64), ('library', 'tensorrt_rtx'), ('version', '10.3.0'),
    ('gpu', 'NVIDIA GeForce RTX 4090'), ('compute_capability', '8.9'), ('multiprocessors', 8),
    ('precision', 'fp32'),
    ('input_sizes', '32x32 480x640 640x640')])
def test_whatever_differs_is_another_engine(cache: EngineCache, field: str, value: str) -> None:
    wanted = replace(KEY, **{field: value})
    plan, reason = cache.load(wanted)
    assert plan is None and wanted.digest != KEY.digest
    if field != 'onnx_sha256':
        assert f'{field} {value} (but for {getattr(KEY, field)})' in reason


def test_an_empty_cache_says_so(tmp_path: Path) -> None:
    assert EngineCache(tmp_path / 'none').load(KEY) == (None, 'there is none yet')


def flip(cache: EngineCache) -> None:
    """Change one bit in the middle."""
    content = bytearray(PLAN)
    content[len(content) // 2] ^= 1
    plan_path(cache).write_bytes(content)


def truncate(cache: EngineCache) -> None:
    """Cut the end off."""
    plan_path(cache).write_bytes(PLAN[:-1])


def edit(cache: EngineCache, **values: Any) -> None:
    """Change the description."""
    path = plan_path(cache).with_suffix('.json')
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(('damage', 'reason'), [
    (flip, 'its checksum differs'), (truncate, 'it is cut short'),
    (lambda cache: plan_path(cache).unlink(), 'cannot be read'),
    (lambda cache: plan_path(cache).with_suffix('.json').write_text('{'), 'cannot be read'),
    (lambda cache: plan_path(cache).with_suffix('.json').write_text('{}'), 'lacks'),
    (lambda cache: edit(cache, format_version=99), 'format_version is 99'),
    (lambda cache: edit(cache, key={**KEY.__dict__, 'gpu': 'Xavier'}), 'something else')])
def test_a_damaged_engine_is_not_used_and_a_new_one_mends_it(cache: EngineCache, damage: Any,
                                                             reason: str) -> None:
    damage(cache)
    plan, told = cache.load(KEY)
    assert plan is None and reason in told and str(plan_path(cache)) in told
    assert cache.entries(checksums=True)[0].fault
    cache.store(KEY, PLAN, 1)
    assert cache.load(KEY).plan == PLAN


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path, limit_mib=1)
    keys = [replace(KEY, gpu=f'GPU {number}') for number in range(4)]
    for age, key in enumerate(keys[:3]):
        cache.store(key, bytes(300_000), 1)
        os.utime(tmp_path / f'{key.digest}.json', (1000 + age, 1000 + age))
    assert cache.load(keys[0]).plan is not None  # Used just now.
    cache.store(keys[3], bytes(300_000), 1)
    kept = {entry.key for entry in cache.entries()}
    assert kept == {keys[0], keys[2], keys[3]}


def test_an_engine_larger_than_the_limit_is_kept_alone(cache: EngineCache) -> None:
    small = EngineCache(cache.folder, limit_mib=1)
    other = replace(KEY, gpu='Thor')
    small.store(other, bytes(2_000_000), 1)
    assert [entry.key for entry in small.entries()] == [other]


def test_a_folder_that_cannot_be_made_is_an_os_error_and_leaves_loading_alone(
        tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    cache = EngineCache(tmp_path / 'file' / 'engines')
    assert cache.load(KEY).plan is None
    with pytest.raises(OSError, match='Not a directory'):
        cache.store(KEY, PLAN, 1)


@pytest.fixture
def read_only(cache: EngineCache) -> Iterator[EngineCache]:
    """Give a cache that can be read and not written, not by root either."""
    public = Path(tempfile.mkdtemp(dir='/tmp'))
    public.chmod(0o755)
    folder = Path(shutil.copytree(cache.folder, public / 'engines'))
    folder.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        yield EngineCache(folder)
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
        shutil.rmtree(public)


def test_a_cache_that_is_read_only_serves_and_says_what_it_cannot_do(
        read_only: EngineCache) -> None:
    assert read_only.load(KEY).plan == PLAN
    assert 'cannot be removed: ' in read_only.forget(KEY.digest)
    (problem,) = read_only.prune(0)
    assert problem.startswith(KEY.digest[:12]) and 'Permission denied' in problem
    assert read_only.load(KEY).plan == PLAN
    with pytest.raises(PermissionError):
        read_only.store(replace(KEY, gpu='Thor'), PLAN, 1)


def test_what_cannot_be_pruned_is_told_on_the_command_line(
        read_only: EngineCache, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(engine_cache, 'default_folder', lambda: read_only.folder)
    assert main(['engines', 'prune', '--keep-mib', '0']) == 1
    printed = capsys.readouterr()
    assert 'cannot be removed: ' in printed.err and '1 engines' in printed.out


def test_timings_go_with_the_last_engine_of_their_builder(cache: EngineCache) -> None:
    other = replace(KEY, onnx_sha256='1' * 64, precision='fp32')
    assert cache.timings_path(other) == cache.timings_path(KEY)
    gone = cache.timings_path(replace(KEY, version='8.5.2'))
    for path in (cache.timings_path(KEY), gone):
        write_with_checksum(path, b'measured')
    cache.prune(float('inf'))
    assert cache.timings_path(KEY).exists() and not gone.exists()
    cache.prune(0)
    assert list(cache.folder.iterdir()) == []


def test_locks_of_failed_builds_are_pruned_unless_they_are_held(cache: EngineCache) -> None:
    held, failed = (cache.lock(replace(KEY, gpu=gpu)) for gpu in ('Thor', 'Xavier'))
    with failed:
        pass
    Path(failed.lock_file).touch()
    with held:
        cache.prune(float('inf'))
        assert Path(held.lock_file).exists() and not Path(failed.lock_file).exists()


FULL_DISK = """
import resource, sys
from pathlib import Path
from metricseg_ros.backends.tensorrt.engine_cache import EngineCache
from metricseg_ros.backends.tensorrt.engine_key import EngineKey
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
key = EngineKey(*sys.argv[2:])
try:
    EngineCache(Path(sys.argv[1])).store(key, bytes(20000), 1)
except OSError as error:
    print(type(error).__name__)
"""


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    words = [str(value) for value in KEY.__dict__.values()]
    ended = subprocess.run([sys.executable, '-c', FULL_DISK, tmp_path, *words], check=True,
                           capture_output=True, text=True)
    assert ended.stdout.strip() == 'OSError'
    assert list(tmp_path.iterdir()) == []
    assert EngineCache(tmp_path).load(KEY).plan is None


def test_the_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert default_folder() == tmp_path / 'metricseg_ros' / 'engines'
    monkeypatch.delenv('XDG_CACHE_HOME')
    assert default_folder() == Path.home() / '.cache' / 'metricseg_ros' / 'engines'


def test_sizes_hold_every_proportion() -> None:
    sizes = input_sizes((240, 320), 32)
    assert sizes == ((32, 32), (256, 320), (320, 320))
    assert str(sizes) == '32x32 256x320 320x320'


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EngineCache:
    """Give the cache that the command line looks into, with a whole and a damaged engine."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    cache = EngineCache()
    cache.store(KEY, PLAN, 1)
    cache.store(replace(KEY, gpu='Thor'), PLAN, 1)
    flip(cache)
    return cache


def test_verify_fails_for_a_damaged_engine_and_prune_removes_it(
        shared: EngineCache, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['engines', 'list']) == 0
    assert 'BROKEN' not in capsys.readouterr().out  # Only its bytes tell.
    assert main(['engines', 'verify']) == 1
    out = capsys.readouterr().out
    assert out.count('BROKEN: its checksum differs') == 1 and '2 engines' in out
    assert main(['engines', 'prune']) == 0
    assert [entry.key.gpu for entry in shared.entries()] == ['Thor']
    assert main(['engines', 'prune', '--keep-mib', '0']) == 0
    assert shared.entries() == []
    assert main(['engines', 'list', '--keep-mib', '3']) == 2
