# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a network makes of a scene."""

from __future__ import annotations

import cv2
from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping import group, seediness
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.overlay.palette import instance_color
from metricseg_ros.preprocess import normalise
from metricseg_ros.structures import NetworkOutput
import numpy as np
import torch
from torch import Tensor


@torch.no_grad()
def scene_picture(network: MetricSegmentationNetwork, image: Tensor,
                  depth: tuple[Tensor, ...] = ()) -> np.ndarray:
    """
    Draw image, embeddings, seediness and masks beside each other.

    :param image: (h,w,3) uint8 RGB.
    :param depth: (1,h,w) metres and (5,) camera, for a network that takes them.
    :return: (h,4w,3) uint8 RGB.
    """
    training, device = network.training, next(network.parameters()).device
    embeddings, class_logits = network.eval()(
        normalise(image[None].to(device)), *(part[None].to(device) for part in depth))[:2]
    network.train(training)
    output = NetworkOutput(embeddings[0].float().cpu(), class_logits[0].float().cpu(),
                           network.config.similarity_thresholds)
    grey = (seediness(output).scores.nan_to_num(0).numpy() * 255).astype(np.uint8)
    panels = (embedding_colours(output.embeddings), np.repeat(grey[..., None], 3, -1),
              mask_colours(output))
    size = image.shape[1::-1]
    return np.hstack([image.cpu().numpy(), *(
        cv2.resize(panel, size, interpolation=cv2.INTER_NEAREST) for panel in panels)])


def embedding_colours(embeddings: Tensor) -> np.ndarray:
    """
    Show embeddings as colours: their first three principal components.

    :param embeddings: (D,h,w); what is not finite is drawn as 0.
    :return: (h,w,3) uint8.
    """
    points = embeddings.flatten(1).t().double().nan_to_num(0, posinf=0, neginf=0)
    points = points - points.mean(0)
    _, directions = torch.linalg.eigh(points.t() @ points)
    parts = points @ directions.flip(1)[:, :3]
    low, high = parts.min(0).values, parts.max(0).values
    colours = ((parts - low) / (high - low).clamp_min(1e-12) * 255).to(torch.uint8)
    missing = 3 - colours.shape[1]
    return torch.nn.functional.pad(colours, (0, missing)).view(*embeddings.shape[1:], 3).numpy()


def mask_colours(output: NetworkOutput) -> np.ndarray:
    """Show the instances that grouping finds in colours, (h,w,3) uint8, on black."""
    canvas = np.zeros((*output.grid_size, 3), np.uint8)
    masks = group(output, GroupingConfig()).masks.numpy()
    for number in reversed(range(len(masks))):
        canvas[masks[number]] = instance_color(number + 1)
    return canvas
