# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The frame on the device: fitted into the box, padded and normalised, to the last bit as cv2 does.

A grey level more or less moves the network's output, so sums are added up in cv2's order: each
product and each sum is an operator of its own, which no compiler fuses and rounds otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from metricseg_ros.preprocess import ImageGeometry
import numpy as np
import torch
from torch import Tensor

LEAST_SHARE = 1e-3
"""Share of a pixel below which cv2 leaves it out of an area."""
LINEAR_STEPS = 2048
"""cv2 interpolates in such parts of a pixel."""


class Taps(NamedTuple):
    """
    What n pixels along one axis are made of: of T pixels each, added up in order.

    :param where: (T,n) int64, pixels of the frame.
    :param weights: (T,n) float32; 0 where there are fewer.
    """

    where: np.ndarray
    weights: np.ndarray

    def padded(self, size: int) -> Taps:
        """Repeat the last pixel up to a size."""
        more = ((0, 0), (0, size - self.where.shape[1]))
        return Taps(np.pad(self.where, more, 'edge'), np.pad(self.weights, more, 'edge'))


def area_taps(source: int, target: int) -> Taps:
    """
    Weigh pixels by the share of their area, as cv2.INTER_AREA does.

    :param source: pixels before.
    :param target: pixels after, fewer.
    """
    if source % target == 0:  # cv2 then adds up whole numbers.
        where = np.arange(source).reshape(target, -1).T
        return Taps(where, np.ones(where.shape, np.float32))
    scale = 1 / (target / source)
    begins = np.arange(target) * scale
    lengths = np.minimum(scale, source - begins)
    lasts = np.minimum(np.floor(begins + scale), source - 1)
    firsts = np.minimum(np.ceil(begins), lasts)
    before, after = firsts - begins, begins + scale - lasts
    pixels = np.arange(-1, int(np.ceil(scale)) + 1)[:, None] + firsts
    shares = np.where(pixels < firsts, before * (before > LEAST_SHARE), pixels < lasts)
    at_end = np.minimum(np.minimum(after, 1), lengths) * (after > LEAST_SHARE)
    shares = (np.where(pixels == lasts, at_end, shares) / lengths).astype(np.float32)
    used = shares.any(axis=1)
    return Taps(pixels[used].clip(0, source - 1).astype(np.int64), shares[used])


def linear_taps(source: int, target: int) -> Taps:
    """
    Interpolate between two pixels in steps, as cv2.INTER_LINEAR does.

    :param source: pixels before.
    :param target: pixels after.
    :return: taps whose weights are whole numbers of sum 2048.
    """
    places = ((np.arange(target) + 0.5) * (1 / (target / source)) - 0.5).astype(np.float32)
    firsts = np.floor(places)
    shares = places - firsts
    weights = np.rint(np.stack([1 - shares, shares]) * LINEAR_STEPS).astype(np.float32)
    where = np.stack([firsts, firsts + 1]).clip(0, source - 1).astype(np.int64)
    return Taps(where, weights)


class FramePreparation:
    """Prepares frames of one size."""

    def __init__(self, geometry: ImageGeometry, mean: tuple[float, ...], std: tuple[float, ...],
                 device: torch.device) -> None:
        """
        Write the resizing down.

        :param geometry: how the frame lies in the network's input.
        :param mean: normalisation of each channel, of values in [0,1].
        :param std: the same.
        :param device: where frames are.
        """
        sizes = list(zip(geometry.image_size, geometry.content_size, strict=True))
        shrinks = sizes[0][1] < sizes[0][0]
        self.resize: Callable[[Tensor], Tensor] = self._by_areas if shrinks else self._linearly
        factors = [source // target if source % target == 0 else 0 for source, target in sizes]
        self.halves = factors == [2, 2]
        self.share = np.float32(1 / np.prod(factors)).item() if all(factors) else 1.0
        taps = [(area_taps if shrinks else linear_taps)(*size).padded(padded)
                for size, padded in zip(sizes, geometry.input_size, strict=True)]
        self.where = [torch.from_numpy(axis.where.ravel()).to(device) for axis in taps]
        self.weights = [torch.from_numpy(axis.weights.reshape(-1, *tail)).to(device)
                        for axis, tail in zip(taps, [(1,), ()], strict=True)]
        self.counts = [len(axis.where) for axis in taps]
        self.scale, self.shift = (torch.tensor(values, device=device)[:, None, None] for values in
                                  ([1 / (255 * s) for s in std],
                                   [-m / s for m, s in zip(mean, std, strict=True)]))

    def __call__(self, frame: Tensor) -> Tensor:
        """
        Prepare a frame, as :func:`metricseg_ros.preprocess.preprocess` does.

        :param frame: (H,W,3) uint8 RGB.
        :return: (1,3,h,w) float32.
        """
        pixels = self.resize(frame.permute(2, 0, 1))
        return (pixels * self.scale + self.shift)[None]

    def _by_areas(self, frame: Tensor) -> Tensor:
        """Return (3,h,w), means over areas: halves up where cv2 halves an image, else to even."""
        sums = self._summed(self._summed(frame, 1), 0)
        if self.halves:
            return (sums * self.share + 0.5).floor()
        return (sums * self.share if self.share < 1 else sums).round()

    def _linearly(self, frame: Tensor) -> Tensor:
        """Return (3,h,w), interpolated in cv2's whole numbers, which float64 holds exactly."""
        rows = (self._summed(frame, 1).double() / 16).floor()
        first, second = ((part / 2 ** 16).floor() for part in self._products(rows, 0))
        return ((first + second + 2) / 4).floor().float()

    def _summed(self, pixels: Tensor, axis: int) -> Tensor:
        first, *others = self._products(pixels, axis)
        for other in others:
            first = first + other
        return first

    def _products(self, pixels: Tensor, axis: int) -> tuple[Tensor, ...]:
        """Return T times (3,h,w), each of a pixel and its weight."""
        taken = pixels.index_select(1 + axis, self.where[axis]) * self.weights[axis]
        return taken.unflatten(1 + axis, (self.counts[axis], -1)).unbind(1 + axis)
