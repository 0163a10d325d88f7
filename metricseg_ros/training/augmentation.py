# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random changes of an image and its label map that leave the scene believable."""

from __future__ import annotations

import cv2
from metricseg_ros.config import IGNORE_LABEL
import numpy as np

SCALES = (0.6, 1.4)
GAINS = (0.6, 1.4)
GAMMAS = (0.7, 1.4)
NOISE = 8.0


def augment(image: np.ndarray, label_map: np.ndarray, size: tuple[int, int],
            rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """
    Crop, scale, mirror and recolour.

    :param image: (H,W,3) uint8 RGB.
    :param label_map: (H,W) uint16.
    :param size: (height, width) of the result.
    :param rng: source of randomness.
    :return: (h,w,3) uint8 and (h,w) uint16; what lies outside the image is ignored.
    """
    image, label_map = random_crop(image, label_map, size, rng)
    if rng.random() < 0.5:
        image, label_map = image[:, ::-1], label_map[:, ::-1]
    return recolour(image, rng), np.ascontiguousarray(label_map)


def random_crop(image: np.ndarray, label_map: np.ndarray, size: tuple[int, int],
                rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """
    Take a window of random scale and place.

    :param image: (H,W,3) uint8.
    :param label_map: (H,W) uint16.
    :param size: (height, width) of the result.
    :param rng: source of randomness.
    :return: (h,w,3) uint8 and (h,w) uint16.
    """
    height, width = size
    fit = min(height / image.shape[0], width / image.shape[1])
    scale = fit * rng.uniform(*SCALES)
    slack = np.array([width, height]) - scale * np.array([image.shape[1], image.shape[0]])
    matrix = np.hstack([np.eye(2) * scale, (slack * rng.random(2))[:, None]])
    # Where the window is larger than the image, mirroring continues it as a scene would go on.
    image = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REFLECT_101)
    label_map = cv2.warpAffine(label_map, matrix, (width, height), flags=cv2.INTER_NEAREST,
                               borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORE_LABEL)
    return image, label_map


def recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Change exposure, colour balance, sharpness and noise, as cameras differ.

    :param image: (h,w,3) uint8.
    :param rng: source of randomness.
    :return: (h,w,3) uint8.
    """
    gains = rng.uniform(*GAINS) * rng.uniform(0.85, 1.15, 3)
    levels = (np.arange(256)[:, None] / 255) ** rng.uniform(*GAMMAS) * gains * 255
    table = np.clip(levels, 0, 255).astype(np.uint8)
    image = np.stack([cv2.LUT(image[..., c], table[:, c]) for c in range(3)], axis=-1)
    if rng.random() < 0.15:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(0, NOISE), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(image)
