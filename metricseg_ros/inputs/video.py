# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Videos, as far as OpenCV's build reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import math
from pathlib import Path

import cv2
from metricseg_ros.atomic_files import is_utf8
from metricseg_ros.inputs.frame import Frame, InputError, OnError, raise_error

LARGEST_GAP = 250
"""Damaged frames in a row after which nothing more is expected."""

FASTEST = 1000.0
"""Images a second above which the rate is that of a clock and not of a camera."""

REGULAR = 0.9
"""Share of frames that come one interval after the one before, if they come at one rate."""


class Video:
    """The frames of a video file."""

    def __init__(self, path: Path, on_error: OnError = raise_error) -> None:
        """
        Open the video once to see that it can be read.

        :param on_error: what to do about frames that cannot be decoded.
        :raises InputError: if OpenCV cannot read it.
        """
        self.path, self._on_error = path, on_error
        with self._opened() as capture:
            if not capture.grab():
                raise InputError(f'{path}: not an image, a video or a bag that can be read')
            self._frames = int(_finite(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
            rate = _finite(capture.get(cv2.CAP_PROP_FPS))
            self.frame_rate = rate if rate <= FASTEST else 0.0  # A raw stream has no times.

    def __len__(self) -> int:
        """
        Return the number of frames that the file says it has.

        :raises TypeError: if it does not say.
        """
        if self._frames <= 0:
            raise TypeError(f'{self.path} does not say how many frames it has')
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        """Decode the frames one by one; those that are damaged are left out and told."""
        number = damaged = lost = 0
        shown: list[int] = []
        with self._opened() as capture:
            while damaged < LARGEST_GAP and (not damaged or number < self._frames):
                read, image = capture.read()
                number += 1
                if not read:
                    damaged += 1
                    continue
                if damaged:
                    self._tell(f'{_frames(number - 1 - damaged, damaged)} cannot be decoded')
                    lost, damaged = lost + damaged, 0
                time = self._time(capture, number - 1)
                shown.append(round(time * self.frame_rate))
                yield Frame(f'{self.path.stem}_{number - 1:06d}', str(self.path),
                            round(time * 1e9) if self.frame_rate > 0 else None,
                            cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        # The number of frames may be an estimate by the duration: then the time tells the end.
        seen = max([number - damaged, *(step + 1 for step in shown[-1:])]) - _holes(shown, lost)
        if seen < self._frames:
            self._tell(f'{self._frames - seen} of {self._frames} frames are missing: it is '
                       'damaged, or breaks off')

    def _time(self, capture: cv2.VideoCapture, number: int) -> float:
        """Tell when the frame just read is shown, in seconds."""
        told = _finite(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1e3
        return told if told > 0 or self.frame_rate <= 0 else number / self.frame_rate

    def _tell(self, what: str) -> None:
        self._on_error(InputError(f'{self.path}: {what}'))

    @contextmanager
    def _opened(self) -> Iterator[cv2.VideoCapture]:
        if not is_utf8(self.path):
            raise InputError(f'{self.path}: the name of a video must be UTF-8: rename it')
        capture = cv2.VideoCapture(str(self.path))
        try:
            yield capture
        finally:
            capture.release()


def _frames(first: int, count: int) -> str:
    return f'frame {first}' if count == 1 else f'frames {first} to {first + count - 1}'


def _holes(numbers: list[int], known: int) -> int:
    """Count the frames that were passed over unseen, where frames come at one rate."""
    steps = [after - before for before, after in zip(numbers, numbers[1:])]
    if steps.count(1) < REGULAR * len(steps):
        return 0
    return max(0, sum(step - 1 for step in steps if step > 1) - known)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
