# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Running the program: the frame goes up once, the answer comes back once, the host waits once.

On a GPU upload, program and download are one CUDA graph for each size of frames and each of two
sets of buffers, so that the next frame can be put in while this one is computed. **Not tried on a
GPU yet.** On the CPU the same steps run one by one.
"""

from __future__ import annotations

from metricseg_ros.backends.tensorrt.cuda_graph import CudaGraph, CudaGraphError
from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.program import (
    Answer,
    DeviceProgram,
    LADDER,
    Network,
    runs_on_device,
)
from metricseg_ros.models import ModelDescription
from metricseg_ros.structures import Instances
import numpy as np
import torch

BUFFERS = 2
MOST_PROGRAMS = 8
"""Programs kept ready: sizes of frames, sets of parameters and rungs of the ladder."""


class Slot:
    """One set of buffers, and the work on them."""

    def __init__(self, program: DeviceProgram, network: Network) -> None:
        """
        Allocate, run twice so that everything has settled, and capture where that can be done.

        :param program: what runs.
        :param network: runs the network on the program's device.
        """
        self.program, self.network = program, network
        self.on_gpu = program.device.type == 'cuda'
        size = (*program.geometry.image_size, 3)
        self.given = torch.zeros(size, dtype=torch.uint8, pin_memory=self.on_gpu)
        self.frame = torch.zeros(size, dtype=torch.uint8, device=program.device)
        self.packed = torch.zeros_like(self._run(), device='cpu', pin_memory=self.on_gpu)
        self.graph: CudaGraph | None = None
        self.why_no_graph = 'no CUDA graph on the CPU'
        if self.on_gpu:
            self._capture()

    def submit(self, image: np.ndarray) -> None:
        """
        Put a frame in; the host does not wait.

        :param image: (H,W,3) uint8 RGB.
        """
        self.given.numpy()[:] = image
        if not self.on_gpu:
            self._work()
            return
        with torch.cuda.stream(self.stream):
            if self.graph is None:
                self._work()
            else:
                self.graph.launch(self.stream.cuda_stream)
            self.done.record()

    def answer(self) -> Answer:
        """Wait for the frame that was put in, and read what was found."""
        if self.on_gpu:
            self.done.synchronize()  # The one wait.
        return self.program.answer(self.packed.numpy())

    def _run(self) -> torch.Tensor:
        return self.program(self.frame, self.network)

    def _work(self) -> None:
        self.frame.copy_(self.given, non_blocking=True)
        self.packed.copy_(self._run(), non_blocking=True)

    def _capture(self) -> None:
        self.stream, self.done = torch.cuda.Stream(), torch.cuda.Event()
        # What the graph writes to must stay its own.
        self.pool = torch.cuda.MemPool()
        with torch.cuda.use_mem_pool(self.pool), torch.cuda.stream(self.stream):
            self._work()
            self.stream.synchronize()
            try:
                self.graph = CudaGraph(self.stream.cuda_stream, self._work)
                self.why_no_graph = ''
            except CudaGraphError as error:
                self.why_no_graph = str(error)


class ProgramRunner:
    """Segments frames of any size on a device."""

    def __init__(self, description: ModelDescription, box: tuple[int, int], network: Network,
                 device: torch.device) -> None:
        """
        Remember what programs are made of.

        :param description: of the model.
        :param box: (height, width) of the box that frames are fitted into.
        :param network: runs the network on the device, without a wait.
        :param device: where.
        """
        self.description, self.box = description, box
        self.network, self.device = network, device
        self.slots: dict[tuple[tuple[int, ...], GroupingConfig, int], list[Slot]] = {}

    @torch.inference_mode()
    def segment(self, image: np.ndarray, config: GroupingConfig) -> Instances | None:
        """
        Segment a frame.

        :param image: (H,W,3) uint8 RGB.
        :param config: how to group.
        :return: its instances; None where only the CPU's path can tell.
        """
        if not runs_on_device(config):
            return None
        for rung in range(len(LADDER)):
            slot = self.slot(image.shape[:2], config, rung)
            slot.submit(image)
            answer = slot.answer()
            if answer.enough:
                return answer.instances
        return None

    def slot(self, image_size: tuple[int, int], config: GroupingConfig, rung: int = 0) -> Slot:
        """
        Give the buffers that are free longest.

        :param image_size: (height, width) of the frames.
        :param config: how to group.
        :param rung: of the ladder.
        :return: one of two, by turns.
        """
        key = (tuple(image_size), config, rung)
        if key not in self.slots:
            while len(self.slots) >= MOST_PROGRAMS:
                self.slots.pop(next(iter(self.slots)))
            program = DeviceProgram(self.description, key[0], self.box, config, LADDER[rung],
                                    self.device)
            self.slots[key] = [Slot(program, self.network)
                               for _ in range(BUFFERS if self.device.type == 'cuda' else 1)]
        slots = self.slots[key]
        slots.append(slots.pop(0))
        return slots[-1]
