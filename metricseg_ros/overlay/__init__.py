# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Instances drawn over their image, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import OverlayConfig
from metricseg_ros.overlay.labels import draw_labels
from metricseg_ros.overlay.masks import draw_contours, fill_masks
from metricseg_ros.overlay.palette import instance_color
from metricseg_ros.structures import Instances
import numpy as np

__all__ = ['draw_overlay', 'instance_color']


def draw_overlay(image: np.ndarray, instances: Instances, class_names: Sequence[str],
                 config: OverlayConfig | None = None) -> np.ndarray:
    """
    Draw masks, outlines and labels over an image.

    :param image: (H,W,3) uint8 RGB; it is not changed.
    :param class_names: names of the classes; class id i is `class_names[i - 1]`.
    :return: (H,W,3) uint8 RGB.
    :raises ValueError: if the image is of another size than the instances', or not RGB uint8.
    """
    if image.shape != (*instances.image_size, 3) or image.dtype != np.uint8:
        raise ValueError(f'image must be {(*instances.image_size, 3)} uint8 like its instances, '
                         f'got {image.shape} {image.dtype}')
    config = config or OverlayConfig()
    drawn = np.array(image, order='C')
    fill_masks(drawn, instances, config.opacity)
    if config.contours:
        draw_contours(drawn, instances)
    if config.labels:
        draw_labels(drawn, instances, class_names)
    return drawn
