# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Choose frames of a recording that are worth labelling: far apart in time and in look."""

from __future__ import annotations

import cv2
import numpy as np

THUMBNAIL = (12, 16)
"""(height, width) at which frames are compared."""


def look_of(image: np.ndarray) -> np.ndarray:
    """
    Describe how an image looks.

    :param image: (H,W,3) uint8 RGB.
    :return: (F,) float32; distances are in units of Lab.
    """
    small = cv2.resize(image, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return lab.ravel() / np.sqrt(lab.shape[0] * lab.shape[1])


def far_apart(looks: np.ndarray, times: np.ndarray, count: int) -> list[int]:
    """
    Choose frames so that each is far from the others.

    Starting with the one in the middle of the looks, always the frame is taken whose distance to
    the nearest one chosen is largest. A distance is that of the looks plus that of the times, each
    in units of the largest there is.

    :param looks: (N,F) of :func:`look_of`.
    :param times: (N,) when each was taken, in any unit.
    :return: indices in the order of the frames; all where there are no more.
    """
    if len(looks) <= count:
        return list(range(len(looks)))
    away = np.linalg.norm(looks - looks.mean(axis=0), axis=1)
    spans = max(float(np.ptp(times)), 1e-9), max(2 * float(away.max()), 1e-9)
    chosen = [int(np.argmin(away))]
    nearest = np.full(len(looks), np.inf)
    while len(chosen) < count:
        last = chosen[-1]
        distance = (np.abs(times - times[last]) / spans[0]
                    + np.linalg.norm(looks - looks[last], axis=1) / spans[1])
        nearest = np.minimum(nearest, distance)
        nearest[last] = -1  # Not again, not even where all frames are the same.
        chosen.append(int(np.argmax(nearest)))
    return sorted(chosen)
