# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network in PyTorch: the reference the other backends are compared with."""

from __future__ import annotations

from metricseg_ros.backends.backend import (
    Backend,
    BackendError,
    DeviceNetwork,
    ExecutionReport,
)
from metricseg_ros.config import BackendConfig
from metricseg_ros.models import ModelDescription
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import load_weights, read_weights
from metricseg_ros.preprocess import DepthTensors
from metricseg_ros.structures import NetworkOutput
import torch
from torch import Tensor

LARGEST_BATCH = 8
"""Images that go through a GPU at once; a robot has hardly more cameras."""


class TorchBackend(Backend):
    """Runs a model's weights.safetensors."""

    def __init__(self, description: ModelDescription, config: BackendConfig) -> None:
        """
        Build the network and load its weights.

        :param config: whether a GPU is wanted.
        :raises BackendError: if a GPU is required and there is none.
        :raises ModelError: if the weights are missing or damaged.
        :raises CheckpointError: if they are not this network's.
        """
        on_gpu = config.device_policy == 'require_gpu'
        if on_gpu and not torch.cuda.is_available():
            raise BackendError(f'torch {torch.__version__} finds no CUDA GPU: install a driver '
                               'and a CUDA build of torch to use one')
        self.device = 'cuda' if on_gpu else 'cpu'
        # Two cores are busy with one image; a GPU is not.
        self.largest_batch = LARGEST_BATCH if on_gpu else 1
        path = description.checked_file('weights.safetensors')
        network = MetricSegmentationNetwork(description.network)
        load_weights(network, read_weights(path), str(path))
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self.thresholds = description.similarity_thresholds
        if config.threads and self.device == 'cpu':
            torch.set_num_threads(config.threads)
        device = f'cuda ({torch.cuda.get_device_name()})' if on_gpu else 'cpu'
        self.report = ExecutionReport('torch', f'torch {torch.__version__}', device, 'fp32')

    def run(self, tensor: Tensor, depth: DepthTensors | None = None) -> NetworkOutput:
        """Run the network on one image."""
        return self.run_batch(tensor, depth)[0]

    @torch.inference_mode()
    def run_batch(self, tensors: Tensor, depths: DepthTensors | None = None
                  ) -> list[NetworkOutput]:
        """
        Run the network on images of one size.

        :param depths: of the images, where it is known; of the others it is 0.
        """
        given = [part.to(self.device) for part in (tensors, *(depths or ()))]
        outputs = [NetworkOutput.of([part.contiguous() for part in parts], self.thresholds)
                   for parts in zip(*self._said(*given), strict=True)]
        if self.device == 'cuda':  # So that its time is not counted as that of grouping.
            torch.cuda.current_stream().synchronize()
        return outputs

    def on_device(self, input_size: tuple[int, int]) -> DeviceNetwork:
        """Make the network a step of other work on its device."""
        return self._said

    def _said(self, tensors: Tensor, *depths: Tensor) -> tuple[Tensor, ...]:
        return self.network(tensors.to(memory_format=torch.channels_last), *depths)

    def close(self) -> None:
        """Give the network's memory back."""
        self.network = None
        if self.device == 'cuda':
            torch.cuda.empty_cache()
