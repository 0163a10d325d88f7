# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Running programs: the frame goes up once, the answer comes back once, the host waits once.

There are two sets of buffers, so that the next frame goes up while this one is computed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from metricseg_ros.backends.backend import Backend, DeviceNetwork
from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.device_queue import DeviceQueue, Work
from metricseg_ros.device_program.loops import triton_kernels
from metricseg_ros.device_program.program import DeviceProgram, LADDER, Seen
from metricseg_ros.models import ModelDescription
from metricseg_ros.outlines import depth_guide
from metricseg_ros.preprocess import fit_geometry, ImageGeometry, preprocess_camera
from metricseg_ros.structures import DepthImage, EmbeddedImage, ImageMasks
import numpy as np
import torch
from torch import Tensor

BUFFERS = 2
MOST_PROGRAMS = 8
"""Programs kept ready: sizes of frames and sets of parameters."""


class ProgramError(RuntimeError):
    """What a configuration asks for and the program cannot do; the path on the CPU can."""


@dataclass(frozen=True)
class FrameInputs:
    """
    What goes up with a frame, in one buffer.

    :param frame: (H,W,3) uint8 RGB.
    :param depth: (H,W) metres and camera (1,5), float32, of a network that takes depth; else none.
    :param depth_guide: (h,w) float32, where outlines follow depth; else None.
    """

    frame: Tensor
    depth: tuple[Tensor, ...]
    depth_guide: Tensor | None

    @classmethod
    def size(cls, program: DeviceProgram, takes_depth: bool) -> int:
        """Tell how many bytes the buffer has."""
        pixels = int(np.prod(program.geometry.image_size))
        return 4 * (takes_depth * (5 + pixels) + _guide_pixels(program)) + 3 * pixels

    @classmethod
    def within(cls, buffer: Tensor, program: DeviceProgram) -> FrameInputs:
        """
        Find them in the buffer.

        :param buffer: (bytes,) uint8.
        """
        size, guide_pixels = program.geometry.image_size, _guide_pixels(program)
        numbers, frame = buffer.split([len(buffer) - 3 * size[0] * size[1],
                                       3 * size[0] * size[1]])
        numbers = numbers.view(torch.float32)
        guide, numbers = numbers.split([guide_pixels, len(numbers) - guide_pixels])
        return cls(frame.view(*size, 3),
                   (numbers[5:].view(*size), numbers[:5].view(1, 5)) if len(numbers) else (),
                   guide.view(*program.geometry.content_size) if guide_pixels else None)

    def fill(self, image: np.ndarray, depth: DepthImage | None, guide: np.ndarray | None,
             geometry: ImageGeometry) -> None:
        """
        Put a frame in.

        :param image: (H,W,3) uint8 RGB.
        :param depth: of it, where it is known.
        :param guide: of its depth, where outlines follow that.
        :param geometry: how the frame lies in the network's input.
        """
        self.frame.numpy()[:] = image
        if self.depth_guide is not None:
            self.depth_guide.numpy()[:] = guide
        if not self.depth:
            return
        metres, camera = self.depth
        if depth is None:
            metres.zero_()
            camera.zero_()
        else:
            camera.copy_(preprocess_camera(depth, geometry))
            metres.numpy()[:] = depth.metres


def _guide_pixels(program: DeviceProgram) -> int:
    return int(program.by_depth) * int(np.prod(program.geometry.content_size))


class Slot:
    """
    One set of buffers, and the work on them.

    :ivar answered: rungs of the ladder that the latest frame took.
    """

    def __init__(self, program: DeviceProgram, network: Callable[[], DeviceNetwork],
                 queue: DeviceQueue, takes_depth: bool) -> None:
        """
        Allocate, and make the first rung of the ladder ready.

        :param program: what runs.
        :param network: makes the network a step of it.
        :param queue: where it runs.
        """
        self.program, self.queue = program, queue
        size = FrameInputs.size(program, takes_depth)
        self.given = torch.zeros(size, dtype=torch.uint8, pin_memory=queue.on_gpu)
        self.received = torch.zeros(size, dtype=torch.uint8, device=queue.device)
        self.inputs = FrameInputs.within(self.given, program)
        with queue.current():
            self.network = network()
        self.seen: Seen
        self.packed: list[Tensor] = []
        self.rungs: list[Work] = []
        self.answered = 0
        self._rung(0)

    @property
    def says(self) -> str:
        """Return what runs, for people."""
        by = ' with Triton' if self.program.kernels else ''
        return f'one program{by}, {self.rungs[0].why_no_graph or "a CUDA graph"}'

    def submit(self, image: np.ndarray, depth: DepthImage | None,
               guide: np.ndarray | None) -> None:
        """
        Put a frame in; the host does not wait.

        :param image: (H,W,3) uint8 RGB.
        :param depth: of it, where it is known, for a network that takes it.
        :param guide: of its depth, for a program whose outlines follow that.
        """
        self.inputs.fill(image, depth, guide, self.program.geometry)
        self.queue.upload(self.received, self.given)
        self.rungs[0]()
        self.wait = self.queue.marked()

    def answer(self) -> EmbeddedImage:
        """Wait for the frame that was put in, and read what was found."""
        masks = self._masks()
        output = self.seen.output  # The next frame overwrites it.
        names = output.name_logits
        output = replace(output, embeddings=output.embeddings.clone(),
                         class_logits=output.class_logits.clone(),
                         name_logits=None if names is None else names.clone())
        return EmbeddedImage(output, self.program.geometry.image_size, self.program.to_image,
                             guide=self.seen.guides[0].clone(), masks=masks)

    def _masks(self) -> ImageMasks | None:
        """Climb the ladder; return None where even its end is not enough."""
        for rung, steps in enumerate(LADDER):
            if rung:
                self._rung(rung)()
                self.wait = self.queue.marked()
            self.wait()  # The one wait; another one only for another rung.
            answer = self.program.answer(self.packed[rung].numpy(), steps)
            self.answered = rung + 1
            if answer.enough:
                return answer.masks
        return None

    def _rung(self, rung: int) -> Work:
        """Give the work of a rung; the first one also lets the network see the frame."""
        if rung == len(self.rungs):
            self.packed.append(torch.empty(0, dtype=torch.uint8))
            self.rungs.append(Work(self.queue, lambda: self._run(rung)))
        return self.rungs[rung]

    def _run(self, rung: int) -> None:
        if rung == 0:
            received = FrameInputs.within(self.received, self.program)
            self.seen = self.program(self.network, received.frame, *received.depth,
                                     depth_guide=received.depth_guide)
        packed = self.program.masks(self.seen, LADDER[rung])
        if not len(self.packed[rung]):
            self.packed[rung] = torch.zeros_like(packed, device='cpu',
                                                 pin_memory=self.queue.on_gpu)
        self.packed[rung].copy_(packed, non_blocking=True)


class ProgramRunner:
    """
    Segments frames of any size beside a backend's network.

    :ivar failure: why it is not used any more; empty as long as it works.
    """

    def __init__(self, description: ModelDescription, box: tuple[int, int],
                 backend: Backend, with_triton: bool = True) -> None:
        """
        Remember what programs are made of.

        :param description: of the model.
        :param box: (height, width) of the box that frames are fitted into.
        :param backend: runs the network.
        :param with_triton: whether loops are its kernels, where these work.
        """
        self.description, self.box, self.backend = description, box, backend
        self.with_triton = with_triton
        self.queue = DeviceQueue(torch.device(backend.report.device.split()[0]))
        self.slots: dict[tuple[tuple[int, ...], GroupingConfig, bool], list[Slot]] = {}
        self._running = Lock()
        self.failure = ''

    @torch.inference_mode()
    def run(self, images: Sequence[np.ndarray], depths: Sequence[DepthImage | None],
            groupings: Sequence[GroupingConfig]) -> list[EmbeddedImage]:
        """
        Segment frames.

        :param images: (H,W,3) uint8 RGB each.
        :param depths: of each, where it is known.
        :param groupings: how to group each.
        :return: what the network says of each, with the masks; without where the program's steps
            were not enough.
        :raises ProgramError: if the program cannot do it.
        """
        waiting: deque[Slot] = deque()
        found = []
        with self._running:  # Two threads would share the buffers.
            for image, depth, grouping in zip(images, depths, groupings, strict=True):
                if len(waiting) == BUFFERS:
                    found.append(waiting.popleft().answer())
                guide = self.guide(image.shape[:2], depth, grouping)
                waiting.append(self.slot(image.shape[:2], grouping, guide is not None))
                waiting[-1].submit(image, depth, guide)
            found += [slot.answer() for slot in waiting]
        self._tell(waiting[-1].says)
        return found

    def give_up(self, error: Exception) -> None:
        """
        Leave everything to the other path from now on, and say so in the backend's report.

        :param error: why.
        """
        self.failure = f'masks are made on the CPU: {error or type(error).__name__}'
        self.slots.clear()
        report = self.backend.report
        self.backend.report = replace(report, masks='', note='; '.join(
            filter(None, [report.note, self.failure])))

    def _tell(self, masks: str) -> None:
        if self.backend.report.masks != masks:
            self.backend.report = replace(self.backend.report, masks=masks)

    def guide(self, image_size: tuple[int, int], depth: DepthImage | None,
              config: GroupingConfig) -> np.ndarray | None:
        """
        Make the guide of depth.

        :param image_size: (height, width) of the frame.
        :param depth: of it, where it is known.
        :param config: how to group.
        :return: (h,w) float32; None where outlines follow no depth.
        """
        size = fit_geometry(image_size, self.box, self.description.size_multiple).content_size
        if depth is None or not config.outline_radius or min(size) < 2:
            return None
        return depth_guide(depth.metres, size)

    def slot(self, image_size: tuple[int, int], config: GroupingConfig,
             by_depth: bool = False) -> Slot:
        """
        Give the buffers that are free longest.

        :param image_size: (height, width) of the frames.
        :param config: how to group.
        :param by_depth: whether outlines follow depth, too.
        :return: one of two, by turns.
        """
        key = (tuple(image_size), config, by_depth)
        if key not in self.slots:
            while len(self.slots) >= MOST_PROGRAMS:
                self.slots.pop(next(iter(self.slots)))
            self.slots[key] = self._made(*key)
        slots = self.slots[key]
        slots.append(slots.pop(0))
        return slots[-1]

    def _made(self, image_size: tuple[int, int], config: GroupingConfig,
              by_depth: bool) -> list[Slot]:
        kernels = triton_kernels(self.queue.device) if self.with_triton else None
        try:
            program = DeviceProgram(self.description, image_size, self.box, config,
                                    self.queue.device, by_depth, kernels)
        except ValueError as error:
            raise ProgramError(str(error)) from error

        def network() -> DeviceNetwork:
            step = self.backend.on_device(program.geometry.input_size)
            if step is None:
                raise RuntimeError(f'{self.backend.report} cannot be a step of one program')
            return step
        return [Slot(program, network, self.queue, self.description.takes_depth)
                for _ in range(BUFFERS)]
