# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What changes from step to step: the learning rate and the weight of the classification loss."""

from __future__ import annotations

import math

from metricseg_ros.config import TrainingConfig

POLY_POWER = 0.9


def rate_factor(step: int, config: TrainingConfig) -> float:
    """
    Compute the share of the highest learning rate.

    :param step: from 0.
    :return: rising over the warm-up, then falling to 0 by half a cosine, DeepLab's power, or
        evenly over the last steps.
    """
    warm = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    if config.schedule == 'constant':
        return warm * min(1.0, (config.steps - step) / max(config.cooldown_steps, 1))
    done = step / config.steps
    if config.schedule == 'poly':
        return warm * (1 - done) ** POLY_POWER
    return warm * 0.5 * (1 + math.cos(math.pi * done))


def classification_weight(step: int, config: TrainingConfig) -> float:
    """Compute lambda, which rises from 0 at step 0 while the embedding settles."""
    ramp = config.classification_ramp * config.steps
    return config.classification_weight * (min(1.0, step / ramp) if ramp else 1.0)
