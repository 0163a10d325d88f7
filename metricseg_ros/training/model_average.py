# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The running average of a network's weights."""

from __future__ import annotations

import torch
from torch import nn, Tensor


class ModelAverage:
    """Exponential moving average of a module's state dict; it generalises better than the last."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        """
        Start from the module's weights.

        :param decay: weight of the average so far, in [0,1).
        """
        self.decay = decay
        self.state = {name: tensor.detach().clone()
                      for name, tensor in module.state_dict().items()}
        self.updates = 0

    def load(self, state: dict[str, Tensor], updates: int) -> None:
        """Go on from an average that was saved, after so many updates."""
        for name, tensor in self.state.items():
            tensor.copy_(state[name])
        self.updates = updates

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take the module's weights into the average."""
        self.updates += 1
        # Early on the average would remember the start for too long.
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in module.state_dict().items():
            average: Tensor = self.state[name]
            if average.dtype.is_floating_point:
                average.lerp_(tensor, 1 - decay)
            else:
                average.copy_(tensor)
