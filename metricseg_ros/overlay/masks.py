# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks over an image: a film of the instance's colour, and its outline."""

from __future__ import annotations

import cv2
from metricseg_ros.overlay.palette import instance_color
from metricseg_ros.structures import Instances
import numpy as np

LINE_SHARE = 0.0034
"""Thickness of an outline as a share of the image's shorter side."""
SMOOTHING = 1.0
"""How far an outline may leave the mask's border, in pixels, to cut its steps."""


def fill_masks(image: np.ndarray, instances: Instances, opacity: float) -> None:
    """
    Lay each mask over the image, those of highest score on top.

    :param image: (H,W,3) uint8 RGB, drawn upon.
    :param opacity: in [0,1].
    """
    for index in reversed(range(len(instances))):
        left, top, right, bottom = instances.boxes[index]
        region = image[top:bottom, left:right]
        color = np.multiply(instance_color(instances.ids[index]), opacity)
        film = cv2.add(cv2.convertScaleAbs(region, alpha=1 - opacity), (*color.tolist(), 0.0))
        cv2.copyTo(film, instances.crops[index].view(np.uint8), region)


def draw_contours(image: np.ndarray, instances: Instances) -> None:
    """
    Draw the outline of each mask and of its holes, those of the smallest masks on top.

    :param image: (H,W,3) uint8 RGB, drawn upon.
    """
    thickness = max(1, round(LINE_SHARE * min(instances.image_size)))
    for index in np.argsort(-instances.areas, kind='stable'):
        left, top, _, _ = instances.boxes[index].tolist()
        contours, _ = cv2.findContours(instances.crops[index].view(np.uint8), cv2.RETR_CCOMP,
                                       cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
        smooth = [cv2.approxPolyDP(contour, SMOOTHING, closed=True) for contour in contours]
        color = instance_color(instances.ids[index])
        cv2.polylines(image, smooth, True, color, thickness, cv2.LINE_AA)
