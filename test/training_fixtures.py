# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A training that takes seconds: a small network, and scenes of two rectangles on disk."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from metricseg_ros.datasets.label_folder import write_pair
import numpy as np

TRAINING = {
    'network': {'backbone': 'resnet18', 'embedding_dim': 4, 'decoder_channels': 8},
    'pretrained': 'none', 'steps': 2, 'batch_size': 2, 'height': 32, 'width': 64,
    'background_samples': 10}


def write_scenes(root: Path, count: int) -> Path:
    """Write images of two rectangles, with a stripe that is to be ignored."""
    for part in ('images', 'labels'):
        (root / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        image, labels = np.full((64, 96, 3), 90, np.uint8), np.zeros((64, 96), np.uint16)
        for label, left in ((1, 6), (2, 54)):
            top, right = 8 + 6 * index, left + 20 + 7 * label
            image[top:top + 30, left:right] = rng.integers(0, 255, 3)
            labels[top:top + 30, left:right] = label
        labels[:, 47:49] = 65535
        write_pair(root, f'scene{index}', image, labels)
    return root


def write_wall(root: Path, stem: str, size: tuple[int, int]) -> None:
    """Write the depth of a wall of 50 m, 1 m away, beside an image."""
    (root / 'depth').mkdir(exist_ok=True)
    cv2.imwrite(str(root / 'depth' / f'{stem}.png'), np.full(size, 1000, np.uint16))
    height, width = size
    (root / 'camera.json').write_text(json.dumps(
        {'fx': width / 50, 'fy': width / 50, 'cx': width / 2, 'cy': height / 2}))
