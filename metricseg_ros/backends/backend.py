# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every backend does, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # The process that builds an engine has no need of torch.
    from metricseg_ros.preprocess import DepthTensors
    from metricseg_ros.structures import NetworkOutput
    from torch import Tensor


class BackendError(RuntimeError):
    """A backend that cannot run the network as asked; the text names the remedy."""


@dataclass(frozen=True)
class ExecutionReport:
    """
    What really runs the network; never what was only asked for.

    :param provider: what does the work inside it, such as CPUExecutionProvider.
    :param device: cpu, or cuda and the GPU's name.
    :param precision: fp32 or fp16.
    :param note: why it is not what was preferred, or empty.
    :param masks: how masks are made beside the network; empty where they are made on the CPU.
    """

    backend: str
    provider: str
    device: str
    precision: str
    note: str = ''
    masks: str = ''

    def __str__(self) -> str:
        line = f'{self.backend} ({self.provider}) on {self.device}, {self.precision}'
        line = f'{line}, masks by {self.masks}' if self.masks else line
        return f'{line}; {self.note}' if self.note else line


Output = TypeVar('Output')

DeviceNetwork = Callable[..., 'tuple[Tensor, ...]']
"""
The network as a step of other work on its device.

Takes what the network takes, (1,3,h,w) and perhaps depth (1,1,h,w) and camera (1,5), gives what it
gives, embeddings (1,D,h',w'), class logits (1,T,C+1,h',w') and perhaps name logits (1,M,h'',w''),
and does not wait for it. The next run may overwrite what it gave.
"""


class Backend(Protocol):
    """Runs the network."""

    report: ExecutionReport
    largest_batch: int = 1
    """Images that it gains by taking at once; 1 where it gains nothing."""
    progress: str = ''
    """What is under way to run faster, in one line; empty where nothing is."""

    def run(self, tensor: Tensor, depth: DepthTensors | None = None) -> NetworkOutput:
        """
        Run the network on one image.

        :param tensor: (1,3,h,w) float32, from :func:`metricseg_ros.preprocess.preprocess`.
        :param depth: of the image, for a model that takes it; None where it is not known.
        :return: what it says, on the device it ran on; a later run leaves it as it is.
        """

    def run_batch(self, tensors: Tensor, depths: DepthTensors | None = None
                  ) -> list[NetworkOutput]:
        """
        Run the network on images of one size; where nothing is gained, on one after the other.

        :param tensors: (B,3,h,w) float32, B up to :attr:`largest_batch`.
        :return: what it says of each.
        """
        singles = tensors.split(1)
        seen = [None] * len(singles) if depths is None else map(
            type(depths), *(part.split(1) for part in depths))
        return [self.run(*inputs) for inputs in zip(singles, seen, strict=True)]

    def on_device(self, input_size: tuple[int, int]) -> DeviceNetwork | None:
        """
        Make the network a step of other work on its device, on the stream that is current.

        :param input_size: (height, width) of its input.
        :return: the step; None where the network cannot be one.
        """
        return None

    def by_the_best(self, work: Callable[[Backend], Output]) -> Output:
        """Let the backend work that runs now; where a better one has become ready, that one."""
        return work(self)

    def close(self) -> None:
        """Give back memory and device."""
