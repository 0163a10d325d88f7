# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The adapter asks every TensorRT for what that version has.

8.5 to 11 cannot be installed everywhere, and none of them builds without a GPU: these modules have
the names that NVIDIA documents for a version, and take note of what they are asked for.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from metricseg_ros.atomic_files import read_with_checksum
from metricseg_ros.backends.backend import BackendError
from metricseg_ros.backends.tensorrt import library as library_module
from metricseg_ros.backends.tensorrt.library import (
    EngineRefusedError,
    started_library,
    TensorRTLibrary,
)
import pytest

PRECISION_FLAGS = {'FP16': 0, 'INT8': 1, 'PREFER_PRECISION_CONSTRAINTS': 2}
VERSIONS = {'8.5.2': ({'EXPLICIT_BATCH': 0}, PRECISION_FLAGS),
            '8.6.1': ({'EXPLICIT_BATCH': 0}, PRECISION_FLAGS),
            '10.3.0': ({'EXPLICIT_BATCH': 0, 'STRONGLY_TYPED': 1}, PRECISION_FLAGS),
            '11.1.0': ({'STRONGLY_TYPED': 0}, {}),
            'with no flag left': ({}, {})}
"""Version -> its flags of networks, and those of precision."""
SIZES = ((32, 32), (64, 96), (96, 96))


INPUTS = [SimpleNamespace(name='image', shape=(1, 3, -1, -1)),
          SimpleNamespace(name='depth', shape=(1, 1, -1, -1)),
          SimpleNamespace(name='camera', shape=(1, 4))]
"""Those of a network that takes depth; the camera's are always as many."""


def layer(kind: str, given: str) -> SimpleNamespace:
    """Make a layer of a network."""
    return SimpleNamespace(type=kind, precision='', get_input=lambda index: SimpleNamespace(
        dtype=given))


class Recorder:
    """Builder, network, parser, configuration and timing cache in one."""

    def __init__(self) -> None:
        """Begin with nothing asked for."""
        self.network_flags: int | None = None
        self.flags: set[int] = set()
        self.features: set[str] = set()
        self.shapes: dict[str, tuple[Any, ...]] = {}
        self.pools: dict[str, int] = {}
        self.known: list[bytes] = []
        self.takes_timings = True
        self.layers = [layer('convolution', 'half'), layer('shuffle', 'single'),
                       layer('convolution', 'single')]

    def create_network(self, flags: int) -> Any:
        self.network_flags = flags
        return SimpleNamespace(num_inputs=len(INPUTS), get_input=INPUTS.__getitem__,
                               num_layers=len(self.layers), get_layer=self.layers.__getitem__)

    def create_builder_config(self) -> Recorder:
        return self

    def create_optimization_profile(self) -> Any:
        return SimpleNamespace(set_shape=lambda name, *shapes: self.shapes.update({name: shapes}))

    def add_optimization_profile(self, profile: Any) -> None:
        assert self.shapes

    def set_flag(self, flag: int) -> None:
        self.flags.add(flag)

    def set_preview_feature(self, feature: str, wanted: bool) -> None:
        assert wanted
        self.features.add(feature)

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        self.pools[pool] = size

    def create_timing_cache(self, known: bytes) -> Any:
        self.known.append(known)
        return SimpleNamespace(serialize=lambda: known + b'more')

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        return self.takes_timings or self.known[-1] == b''

    def build_serialized_network(self, network: Any, config: Any) -> bytes:
        return b'an engine'


def library(version: str, recorder: Recorder, **changes: Any) -> TensorRTLibrary:
    """Make a library of a module that has a version's names."""
    network_flags, precision_flags = VERSIONS[version]
    module = SimpleNamespace(
        __name__='tensorrt', __version__=version,
        ILogger=type('ILogger', (), {'Severity': SimpleNamespace(ERROR=1, INTERNAL_ERROR=0)}),
        NetworkDefinitionCreationFlag=SimpleNamespace(**network_flags),
        BuilderFlag=SimpleNamespace(**precision_flags),
        MemoryPoolType=SimpleNamespace(WORKSPACE='workspace'), float32='single',
        LayerType=SimpleNamespace(CONVOLUTION='convolution'),
        Builder=lambda logger: recorder,
        OnnxParser=lambda network, logger: SimpleNamespace(parse=lambda onnx: True))
    for name, value in changes.items():
        setattr(module, name, value)
    return TensorRTLibrary(module)


def built(adapter: TensorRTLibrary, precision: str = 'fp32', timings: Path | None = None) -> bytes:
    return adapter.build(b'onnx', SIZES, precision, 7, '8.7', lambda share: None, timings)


@pytest.mark.parametrize(('version', 'flags'), [
    ('8.5.2', 1), ('8.6.1', 1), ('10.3.0', 2), ('11.1.0', 1), ('with no flag left', 0)])
def test_networks_are_explicit_and_strongly_typed_where_that_is_to_be_asked_for(
        version: str, flags: int) -> None:
    recorder = Recorder()
    assert built(library(version, recorder)) == b'an engine'
    assert recorder.network_flags == flags
    assert recorder.shapes == {'image': ((1, 3, 32, 32), (1, 3, 64, 96), (1, 3, 96, 96)),
                               'depth': ((1, 1, 32, 32), (1, 1, 64, 96), (1, 1, 96, 96))}
    assert recorder.pools == {'workspace': 7 * 2 ** 20}


@pytest.mark.parametrize(('precision', 'asked'), [
    ('fp32', set()), ('fp16', {0, 2})])
@pytest.mark.parametrize('version', VERSIONS)
def test_precision_is_a_flag_until_networks_are_strongly_typed(
        version: str, precision: str, asked: set[int]) -> None:
    recorder = Recorder()
    built(library(version, recorder), precision)
    assert recorder.flags == (asked if version.startswith('8.') else set())


@pytest.mark.parametrize('version', VERSIONS)
def test_projections_in_fp32_stay_so_where_a_flag_would_lower_everything(version: str) -> None:
    recorder = Recorder()
    built(library(version, recorder), 'fp16')
    assert [item.precision for item in recorder.layers] \
        == ['', '', 'single' if version.startswith('8.') else '']


def test_there_is_one_logger_for_all_of_a_module_in_a_process(
        monkeypatch: pytest.MonkeyPatch) -> None:
    # TensorRT keeps the first, and tells it what concerns every later one.
    module = library('10.3.0', Recorder()).trt
    monkeypatch.setattr(library_module, 'import_module', lambda name: module)
    library_module.load_library.cache_clear()
    try:
        first, second = library_module.find_libraries(), library_module.find_libraries()
        assert first[0] is second[0] and first[0].logger is second[0].logger
    finally:
        library_module.load_library.cache_clear()


@pytest.mark.parametrize('message', ['', '  \n', 'what is wrong\nmore'])
def test_no_message_of_tensorrt_raises(message: str) -> None:
    adapter = library('10.3.0', Recorder())
    adapter.logger.log(1, message)
    assert adapter.complaints == (['what is wrong'] if message.strip() else [])


def runtime_of(adapter: TensorRTLibrary, complaint: str) -> None:
    """Give a library a runtime that loads no engine and says why."""
    def refuse(plan: bytes) -> None:
        adapter.logger.log(1, complaint)
    adapter.trt.Runtime = lambda logger: SimpleNamespace(deserialize_cuda_engine=refuse)


@pytest.mark.parametrize(('complaint', 'refused'), [
    ('Error Code 2: OutOfMemory (Requested size was 104857600 bytes.)', False),
    ('createCaskHardwareInfo: Requested amount of GPU memory could not be allocated', False),
    ('Serialization assertion stdVersionRead == kSERIALIZATION_VERSION failed.', True)])
def test_a_lack_of_memory_is_no_fault_of_the_engine(complaint: str, refused: bool) -> None:
    adapter = library('10.3.0', Recorder())
    runtime_of(adapter, complaint)
    with pytest.raises(BackendError, match='cannot load the engine: ') as raised:
        adapter.deserialised(b'an engine')
    assert isinstance(raised.value, EngineRefusedError) == refused


def test_where_one_tensorrt_does_not_start_the_next_is_taken() -> None:
    def fail(logger: Any) -> None:
        raise TypeError('pybind11::init(): factory function returned nullptr')

    broken = library('10.3.0', Recorder(), Runtime=fail)
    whole = library('10.3.0', Recorder(), Runtime=lambda logger: object())
    assert started_library([broken, whole], '8.9') is whole
    with pytest.raises(BackendError, match='TensorRT 10.3.0 cannot start.*; .*cannot start'):
        started_library([broken, broken], '8.9')


@pytest.mark.parametrize(('version', 'features', 'shares', 'asked'), [
    ('8.5.2', None, False, set()), ('8.5.2', ['FASTER_DYNAMIC_SHAPES_0805'], False, set()),
    ('8.6.1', ['PROFILE_SHARING_0806'], True, {'PROFILE_SHARING_0806'}),
    ('10.3.0', ['PROFILE_SHARING_0806'], True, set()), ('11.1.0', [], True, set())])
def test_contexts_share_a_profile_from_8_6_on_and_there_it_is_asked_for(
        version: str, features: list[str] | None, shares: bool, asked: set[str]) -> None:
    recorder = Recorder()
    given = {} if features is None else {
        'PreviewFeature': SimpleNamespace(**{name: name for name in features})}
    adapter = library(version, recorder, **given)
    built(adapter)
    assert adapter.shares_profiles == shares and recorder.features == asked


def test_what_one_build_measured_serves_the_next(tmp_path: Path) -> None:
    path = tmp_path / 'timings'
    for expected in (b'', b'more', b'moremore'):
        recorder = Recorder()
        built(library('10.3.0', recorder), timings=path)
        assert recorder.known == [expected]
    path.write_bytes(b'damaged' + path.read_bytes())
    recorder = Recorder()
    built(library('10.3.0', recorder), timings=path)
    assert recorder.known == [b''] and read_with_checksum(path) == b'more'


def test_timings_of_something_else_are_replaced(tmp_path: Path) -> None:
    built(library('10.3.0', Recorder()), timings=tmp_path / 'timings')
    recorder = Recorder()
    recorder.takes_timings = False
    built(library('10.3.0', recorder), timings=tmp_path / 'timings')
    assert recorder.known == [b'more', b''] and read_with_checksum(tmp_path / 'timings') == b'more'


def test_timings_that_cannot_be_kept_do_no_harm(tmp_path: Path) -> None:
    assert built(library('10.3.0', Recorder()), timings=tmp_path / 'none' / 'timings')


def test_a_builder_that_does_not_start_is_told() -> None:
    def fail(logger: Any) -> None:
        raise TypeError('pybind11::init(): factory function returned nullptr')

    adapter = library('8.5.2', Recorder(), Builder=fail, Runtime=fail)
    with pytest.raises(BackendError, match='TensorRT 8.5.2 cannot start: it gives no reason'):
        built(adapter)
    with pytest.raises(BackendError, match='cannot start'):
        adapter.deserialised(b'an engine')
