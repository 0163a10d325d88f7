# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every backend does, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TYPE_CHECKING

if TYPE_CHECKING:  # The process that builds an engine has no need of torch.
    from metricseg_ros.structures import NetworkOutput
    from torch import Tensor

INPUT = 'image'
OUTPUTS = ('embeddings', 'class_logits')
"""Names in the ONNX file and in the engine."""


class BackendError(RuntimeError):
    """A backend that cannot run the network as asked; the text names the remedy."""


@dataclass(frozen=True)
class ExecutionReport:
    """
    What really runs the network; never what was only asked for.

    :param backend: name of the backend.
    :param provider: what does the work inside it, such as CPUExecutionProvider.
    :param device: cpu, or cuda and the GPU's name.
    :param precision: fp32 or fp16.
    :param note: why it is not what was preferred, or empty.
    """

    backend: str
    provider: str
    device: str
    precision: str
    note: str = ''

    def __str__(self) -> str:
        """Return one line for people."""
        line = f'{self.backend} ({self.provider}) on {self.device}, {self.precision}'
        return f'{line}; {self.note}' if self.note else line


class Backend(Protocol):
    """
    Runs the network.

    A backend that gains by taking several images at once says how many as `largest_batch`, and has
    `run_batch`, of (B,3,h,w) to B outputs.
    """

    report: ExecutionReport
    progress: str
    """What is under way to run faster, in one line; empty where nothing is."""

    def run(self, tensor: Tensor) -> NetworkOutput:
        """
        Run the network on one image.

        :param tensor: (1,3,h,w) float32, from :func:`metricseg_ros.preprocess.preprocess`.
        :return: what it says, on the device it ran on; a later run leaves it as it is.
        """

    def close(self) -> None:
        """Give back memory and device."""
