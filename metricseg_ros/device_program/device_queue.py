# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Work on a device that is done again and again, one after the other, without the host waiting.

On a GPU it is enqueued on one stream, beside which another one uploads, and each work is captured
as a CUDA graph. **Not tried on a GPU yet.** On the CPU everything is done when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from metricseg_ros.backends.cuda_graph import CudaGraph, CudaGraphError
import torch
from torch import Tensor


class DeviceQueue:
    """What a device has to do, in order."""

    def __init__(self, device: torch.device) -> None:
        """
        Begin with nothing.

        :param device: who does it.
        """
        self.device = device
        self.on_gpu = device.type == 'cuda'
        if self.on_gpu:
            self.stream, self.uploads = torch.cuda.Stream(device), torch.cuda.Stream(device)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Let what is called be enqueued here, after what the caller has enqueued elsewhere."""
        if not self.on_gpu:
            yield
            return
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            yield

    def upload(self, target: Tensor, source: Tensor) -> None:
        """
        Copy from the host, beside what is being computed; what is enqueued next waits for it.

        :param target: on the device; nothing that is enqueued uses it.
        :param source: on the host, pinned.
        """
        if not self.on_gpu:
            target.copy_(source)
            return
        with torch.cuda.stream(self.uploads):
            target.copy_(source, non_blocking=True)
        self.stream.wait_stream(self.uploads)

    def marked(self) -> Callable[[], None]:
        """Mark what has been enqueued by now; return what waits for it."""
        if not self.on_gpu:
            return lambda: None
        return self.stream.record_event().synchronize


class Work:
    """Something that is enqueued again and again."""

    def __init__(self, queue: DeviceQueue, enqueue: Callable[[], None]) -> None:
        """
        Do it once, so that everything has settled, and capture it if that can be done.

        :param queue: where.
        :param enqueue: enqueues it, and waits for nothing.
        """
        self.queue, self.enqueue = queue, enqueue
        self.graph: CudaGraph | None = None
        self.why_no_graph = 'the CPU has no CUDA graphs'
        with queue.current():
            enqueue()
            if queue.on_gpu:
                self._capture()

    def __call__(self) -> None:
        """Enqueue it."""
        with self.queue.current():
            if self.graph is None:
                self.enqueue()
            else:
                self.graph.launch(self.queue.stream.cuda_stream)

    def _capture(self) -> None:
        # What the graph writes to must stay its own.
        self.pool, stream = torch.cuda.MemPool(), self.queue.stream
        with torch.cuda.use_mem_pool(self.pool, self.queue.device):
            self.enqueue()
            stream.synchronize()
            try:
                self.graph = CudaGraph(stream.cuda_stream, self.enqueue)
                self.why_no_graph = ''
            except CudaGraphError as error:
                self.why_no_graph = str(error)
