# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A capture that fails leaves stream and process as they were.

There is no GPU here: a library with the driver's functions and their real signatures is compiled,
so that what ctypes passes is what C gets. It writes down its calls, and fails where it is told to.
"""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from pathlib import Path
import shutil
import subprocess

from metricseg_ros.backends.cuda_graph import CudaGraph, CudaGraphError, driver
import pytest

STREAM, GRAPH, EXECUTABLE = 0x7000000010, 0x7000000020, 0x7000000030
"""Addresses that do not fit into 32 bits."""

SOURCE = r"""
#include <stdio.h>
#include <string.h>
char told[4096]; char fails[64];
static int tell(const char* name, void* first, void* second) {
  char line[128];
  snprintf(line, sizeof line, "%s %p %p\n", name, first, second);
  strcat(told, line);
  return strcmp(fails, name) ? 0 : 901;
}
int cuStreamBeginCapture_v2(void* stream, int mode) {
  return tell("begin", stream, (void*)(long)mode); }
int cuStreamEndCapture(void* stream, void** graph) {
  int code = tell("end", stream, 0); *graph = code ? 0 : (void*)0x7000000020; return code; }
int cuGraphInstantiateWithFlags(void** made, void* graph, unsigned long long flags) {
  int code = tell("instantiate", graph, (void*)flags);
  if (!code) *made = (void*)0x7000000030;
  return code; }
int cuGraphLaunch(void* made, void* stream) { return tell("launch", made, stream); }
int cuGraphDestroy(void* graph) { return tell("destroy", graph, 0); }
int cuGraphExecDestroy(void* made) { return tell("discard", made, 0); }
int cuGetErrorName(int code, const char** name) {
  *name = code == 901 ? "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED" : "unknown"; return 0; }
"""


@pytest.fixture(scope='module')
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Compile the stand-in."""
    compiler = shutil.which('cc') or shutil.which('gcc')
    if compiler is None:
        pytest.skip('no C compiler')
    folder = tmp_path_factory.mktemp('driver')
    (folder / 'cuda.c').write_text(SOURCE)
    subprocess.run([compiler, '-shared', '-fPIC', '-o', folder / 'libcuda.so', folder / 'cuda.c'],
                   check=True)
    return driver(str(folder / 'libcuda.so'))


@pytest.fixture
def told(library: ctypes.CDLL) -> Callable[[], list[list[str]]]:
    """Begin with nothing told and nothing failing; give what is told."""
    buffers = [(ctypes.c_char * size).in_dll(library, name)
               for name, size in (('told', 4096), ('fails', 64))]
    for buffer in buffers:
        buffer.value = b''
    return lambda: [line.split() for line in buffers[0].value.decode().splitlines()]


def fail_at(library: ctypes.CDLL, name: str) -> None:
    (ctypes.c_char * 64).in_dll(library, 'fails').value = name.encode()


def test_work_is_captured_once_and_launched_as_one(library: ctypes.CDLL,
                                                   told: Callable[[], list[list[str]]]) -> None:
    enqueued: list[int] = []
    graph = CudaGraph(STREAM, lambda: enqueued.append(1), library)
    graph.launch(STREAM)
    graph.launch(STREAM)
    del graph
    assert enqueued == [1]
    assert told() == [['begin', hex(STREAM), '0x1'], ['end', hex(STREAM), '(nil)'],
                      ['instantiate', hex(GRAPH), '(nil)'],
                      *[['launch', hex(EXECUTABLE), hex(STREAM)]] * 2,
                      ['discard', hex(EXECUTABLE), '(nil)'], ['destroy', hex(GRAPH), '(nil)']]


def test_a_capture_ends_though_the_work_fails(library: ctypes.CDLL,
                                              told: Callable[[], list[list[str]]]) -> None:
    def fail() -> None:
        raise ValueError('the engine allocates')
    with pytest.raises(CudaGraphError, match='no CUDA graph: the engine allocates'):
        CudaGraph(STREAM, fail, library)
    assert [line[0] for line in told()] == ['begin', 'end', 'destroy']


@pytest.mark.parametrize(('name', 'calls'), [
    ('begin', ['begin']), ('end', ['begin', 'end']),
    ('instantiate', ['begin', 'end', 'instantiate', 'destroy'])])
def test_what_the_driver_refuses_is_told_and_given_back(
        library: ctypes.CDLL, told: Callable[[], list[list[str]]], name: str,
        calls: list[str]) -> None:
    fail_at(library, name)
    with pytest.raises(CudaGraphError, match='CAPTURE_INVALIDATED'):
        CudaGraph(STREAM, lambda: None, library)
    assert [line[0] for line in told()] == calls


def test_without_a_driver_there_is_no_graph() -> None:
    with pytest.raises(CudaGraphError, match='no CUDA graphs: .*no-such-library'):
        driver('no-such-library.so')


def test_torch_is_not_told_of_a_capture() -> None:
    # Its allocator would be left in one that fails, for the rest of the process.
    from metricseg_ros.backends.tensorrt import engine_backend

    assert 'cuda.graph(' not in Path(engine_backend.__file__).read_text()
