# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Text at any small size, smooth.

OpenCV's strokes are drawn large and brought down by area, character by character and each once.
"""

from __future__ import annotations

from functools import lru_cache
import unicodedata

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_DUPLEX
OVERSAMPLING = 6
CAPITAL_SHARE, BASELINE_SHARE = 0.52, 0.74
"""Height of a capital letter, and where it stands, as a share of the line's height."""
SPACE_SHARE = 0.28
"""Width of a space as a share of the line's height; the font's own is too wide."""


def text_mask(text: str, height: int) -> np.ndarray:
    """
    Draw one line of text.

    :param text: what to write; letters with marks lose them, what the font lacks becomes '?'.
    :param height: height of the line in pixels.
    :return: (height, width) float32, share of each pixel that is ink.
    """
    glyphs = [_glyph(character, height) for character in _plain(text)]
    return np.concatenate(glyphs, axis=1) if glyphs else np.zeros((height, 0), np.float32)


def _plain(text: str) -> str:
    unmarked = ''.join(character for character in unicodedata.normalize('NFKD', text)
                       if not unicodedata.combining(character))
    return ''.join(character if ' ' <= character <= '~' else '?' for character in unmarked)


@lru_cache(maxsize=2048)
def _glyph(character: str, height: int) -> np.ndarray:
    (_, capital), _ = cv2.getTextSize('H', FONT, 1.0, 1)
    large = OVERSAMPLING * height
    scale = CAPITAL_SHARE * large / capital
    stroke = max(1, round(scale * 1.6))
    (width, _), _ = cv2.getTextSize(character, FONT, scale, 1)
    if character == ' ':
        width = round(SPACE_SHARE * large)
    canvas = np.zeros((large, max(1, width)), np.uint8)
    baseline = round(BASELINE_SHARE * large)
    cv2.putText(canvas, character, (0, baseline), FONT, scale, 255, stroke, cv2.LINE_AA)
    size = (max(1, round(canvas.shape[1] / OVERSAMPLING)), height)
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
