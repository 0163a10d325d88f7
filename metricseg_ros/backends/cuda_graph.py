# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
CUDA graphs through the driver itself: what was enqueued once is launched again as one.

torch.cuda.graph tells torch's allocator of a capture, and where the capture fails never tells it
that it ended: every later allocation of the process would go wrong. An engine allocates nothing
with torch while it runs, so torch need not know. The driver's library is on every machine with a
GPU, and the functions used are those of CUDA 11.4 to 13.

Not tried on a GPU yet.
"""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from functools import cache
from typing import Any

DRIVER = 'libcuda.so.1'
OF_THIS_THREAD = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: another backend may serve on the GPU meanwhile."""

Pointer = ctypes.c_void_p
FUNCTIONS = {
    'cuStreamBeginCapture_v2': (Pointer, ctypes.c_int),
    'cuStreamEndCapture': (Pointer, ctypes.POINTER(Pointer)),
    'cuGraphInstantiateWithFlags': (ctypes.POINTER(Pointer), Pointer, ctypes.c_ulonglong),
    'cuGraphLaunch': (Pointer, Pointer),
    'cuGraphDestroy': (Pointer,),
    'cuGraphExecDestroy': (Pointer,),
    'cuGetErrorName': (ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)),
}
"""Name -> types of what it takes; all give an error code, 0 for none."""


class CudaGraphError(RuntimeError):
    """Work that cannot be captured; it runs all the same, piece by piece."""


@cache
def driver(path: str = DRIVER) -> Any:
    """
    Load the CUDA driver's library.

    :raises CudaGraphError: if it is not there or lacks a function.
    """
    try:
        library = ctypes.CDLL(path)
        for name, arguments in FUNCTIONS.items():
            getattr(library, name).argtypes = arguments
    except (OSError, AttributeError) as error:
        raise CudaGraphError(f'no CUDA graphs: {error}') from error
    return library


class CudaGraph:
    """Work on a stream, captured."""

    def __init__(self, stream: int, enqueue: Callable[[], None], library: Any = None) -> None:
        """
        Capture it; nothing of it runs.

        :param stream: the CUStream, on which nothing else is being enqueued.
        :param enqueue: enqueues the work, and neither allocates nor waits.
        :param library: the CUDA driver, or None to load it.
        :raises CudaGraphError: if it cannot be captured. The stream is then as it was before.
        """
        self._driver = library or driver()
        self._graph, self._executable = Pointer(), Pointer()
        self._call('cuStreamBeginCapture_v2', stream, OF_THIS_THREAD)
        try:
            enqueue()
        except Exception as error:  # Whatever it is, it happened only because of the capture.
            raise CudaGraphError(f'no CUDA graph: {error}') from error
        finally:  # Or the stream would stay in capture.
            ended = self._driver.cuStreamEndCapture(stream, ctypes.byref(self._graph))
        self._check('cuStreamEndCapture', ended)
        self._call('cuGraphInstantiateWithFlags', ctypes.byref(self._executable), self._graph, 0)

    def launch(self, stream: int) -> None:
        """
        Enqueue the work again.

        :raises CudaGraphError: if the driver refuses.
        """
        self._call('cuGraphLaunch', self._executable, stream)

    def __del__(self) -> None:
        """Give it back; the driver waits for what still runs."""
        if self._executable:
            self._driver.cuGraphExecDestroy(self._executable)
        if self._graph:
            self._driver.cuGraphDestroy(self._graph)

    def _call(self, name: str, *arguments: Any) -> None:
        self._check(name, getattr(self._driver, name)(*arguments))

    def _check(self, name: str, code: int) -> None:
        if code:
            told = ctypes.c_char_p()
            self._driver.cuGetErrorName(code, ctypes.byref(told))
            raise CudaGraphError(f'no CUDA graph: {name}: '
                                 f'{told.value.decode() if told.value else code}')
