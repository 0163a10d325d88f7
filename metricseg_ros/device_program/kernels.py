# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The loops of the program as kernels of Triton: what torch's operators do, in fewer launches.

A pick is one launch of many small programs, whose ends are the only waits for each other; a
single program for all picks would read every embedding through one multiprocessor. The part of a
mask at its seed is found by one program for each mask, on rows of bits, until nothing changes.
**Compiled for GPUs, but run in Triton's interpreter alone: not tried on a GPU yet.**
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
import triton
from triton import language as tl

BLOCK = 128
"""Pixels of one program."""
WORD = 32
"""Pixels of a row whose bits are one number."""
CHUNK = 32
"""Such numbers that are packed at once."""


@triton.jit(do_not_specialize=['step'])
def pick_kernel(points, weights, distances, tops, places, picked, step, pixels, programs,
                dimension, block: tl.constexpr, most_programs: tl.constexpr,
                most_rows: tl.constexpr):
    """
    Choose the pick of the step before, measure to it, and find the best pixel of each block.

    :param points: (D,N) float32; weights (N,) float64.
    :param distances: (N,) float64, to the nearest pick so far.
    :param tops: (K+1,P) float64, the highest value of each block in each step; places (K+1,P)
        int32, its first pixel.
    :param picked: (K,) int64.
    """
    where = tl.program_id(0) * block + tl.arange(0, block)
    there = where < pixels
    values = tl.load(weights + where, mask=there, other=0.0)
    if step > 0:
        blocks = (step - 1) * programs + tl.arange(0, most_programs)
        known = tl.arange(0, most_programs) < programs
        highest = tl.load(tops + blocks, mask=known, other=-1.0)
        firsts = tl.load(places + blocks, mask=known, other=0)
        # Of equal values the first pixel; where no value is a number, any.
        pick = tl.min(tl.where(highest == tl.max(highest, axis=0), firsts, pixels - 1), axis=0)
        if tl.program_id(0) == 0:
            tl.store(picked + step - 1, pick.to(tl.int64))
        row = tl.arange(0, most_rows)[:, None]
        own = tl.load(points + row * pixels + where[None, :], other=0.0,
                      mask=(row < dimension) & there[None, :])
        seed = tl.load(points + row * pixels + pick, mask=row < dimension, other=0.0)
        offset = own.to(tl.float64) - seed.to(tl.float64)
        distance = tl.sum(offset * offset, axis=0)
        if step > 1:
            distance = tl.minimum(distance, tl.load(distances + where, mask=there, other=0.0))
        tl.store(distances + where, distance, mask=there)
        values = values * distance
    values = tl.where(there, values, -1.0)
    top = tl.max(values, axis=0)
    own_block = step * programs + tl.program_id(0)
    tl.store(tops + own_block, top)
    tl.store(places + own_block, tl.min(tl.where(values == top, where, pixels - 1), axis=0))


@triton.jit
def pack_mask(margins, inside, width, words, row_words, word_size: tl.constexpr,
              chunk: tl.constexpr):
    """
    Write down as bits where margins are not negative.

    :param margins: (h,w) float32; inside (h,words of a row) int64, which is written.
    """
    bits = tl.arange(0, word_size)[None, :]
    for start in range(0, words, chunk):
        word = start + tl.arange(0, chunk)
        column = (word % row_words)[:, None] * word_size + bits
        there = (word < words)[:, None] & (column < width)
        margin = tl.load(margins + (word // row_words)[:, None] * width + column, mask=there,
                         other=-1.0)
        tl.store(inside + word, tl.sum((margin >= 0).to(tl.int64) << bits.to(tl.int64), axis=1),
                 mask=word < words)
    tl.debug_barrier()


@triton.jit
def near_words(flooded, reached, word, column, words, row_words, word_size: tl.constexpr):
    """Return what is flooded or beside it, through sides and corners, as bits of each word."""
    near = reached
    for row in tl.static_range(-1, 2):
        other = word + row * row_words
        known = (word < words) & (other >= 0) & (other < words)
        middle = tl.load(flooded + other, mask=known, other=0)
        before = tl.load(flooded + other - 1, mask=known & (column > 0), other=0)
        after = tl.load(flooded + other + 1, mask=known & (column < row_words - 1), other=0)
        near |= middle | (middle << 1) | (middle >> 1)
        near |= (before >> (word_size - 1)) | ((after & 1) << (word_size - 1))
    return near


@triton.jit
def flood(inside_words, flooded, seed, width, words, row_words, word_size: tl.constexpr,
          most_words: tl.constexpr):
    """
    Flood a mask from its seed until nothing changes.

    :param inside_words: the mask as bits; flooded the same for the part, which is written.
    :param seed: its pixel.
    """
    word = tl.arange(0, most_words)
    there, column, seed_column = word < words, word % row_words, seed % width
    inside = tl.load(inside_words + word, mask=there, other=0)
    at_seed = word == seed // width * row_words + seed_column // word_size
    reached = inside & (at_seed.to(tl.int64) << (seed_column % word_size))
    tl.store(flooded + word, reached, mask=there)
    tl.debug_barrier()
    changed = tl.sum((reached != 0).to(tl.int32), axis=0)
    while changed > 0:
        near = near_words(flooded, reached, word, column, words, row_words, word_size)
        # What is near, and all that is beside it in the same run of the mask.
        spread, up, down = near & inside, inside, inside
        for power in tl.static_range(5):
            shift = 1 << power
            spread |= (up & (spread << shift)) | (down & (spread >> shift))
            up &= up << shift
            down &= down >> shift
        changed = tl.sum((spread != reached).to(tl.int32), axis=0)
        reached = spread
        # Others may read this before or after: a bit that is set stays so.
        tl.store(flooded + word, reached, mask=there)
        tl.debug_barrier()


@triton.jit
def part_kernel(margins, seeds, insides, flooded, parts, kept, height, width, row_words, cut,
                word_size: tl.constexpr, chunk: tl.constexpr, most_words: tl.constexpr,
                block: tl.constexpr):
    """
    Keep of one mask what is connected to its seed.

    :param margins: (K,h,w) float32, not negative in the mask.
    :param seeds: (K,) int64, a pixel of each.
    :param insides: (K,h,words) int64, room for the mask as bits; flooded the same for the part.
    :param parts: (K,h,w) float32, 1 in the part and 0 elsewhere.
    :param kept: (K,h,w) float32, the margins, less `cut` where the mask is not the part.
    """
    mask = tl.program_id(0).to(tl.int64)
    words, pixels = height * row_words, height * width
    margins += mask * pixels
    parts += mask * pixels
    kept += mask * pixels
    insides += mask * words
    flooded += mask * words
    pack_mask(margins, insides, width, words, row_words, word_size, chunk)
    flood(insides, flooded, tl.load(seeds + mask), width, words, row_words, word_size, most_words)
    for start in range(0, pixels, block):
        pixel = start + tl.arange(0, block)
        bit_row, bit_column = pixel // width, pixel % width
        bit = tl.load(flooded + bit_row * row_words + bit_column // word_size,
                      mask=pixel < pixels, other=0) >> (bit_column % word_size) & 1
        margin = tl.load(margins + pixel, mask=pixel < pixels, other=-1.0)
        tl.store(parts + pixel, bit.to(tl.float32), mask=pixel < pixels)
        tl.store(kept + pixel, tl.where((margin >= 0) & (bit == 0), margin - cut, margin),
                 mask=pixel < pixels)


@torch.library.custom_op('metricseg_ros::pick_step', mutates_args=(
    'distances', 'tops', 'places', 'picked'), schema='(Tensor points, Tensor weights, Tensor(a!) '
    'distances, Tensor(b!) tops, Tensor(c!) places, Tensor(d!) picked, int step) -> ()')
def pick_step(points: Tensor, weights: Tensor, distances: Tensor, tops: Tensor, places: Tensor,
              picked: Tensor, step: int) -> None:
    """Launch :func:`pick_kernel`."""
    (dimension, pixels), programs = points.shape, tops.shape[1]
    pick_kernel[(programs,)](points, weights, distances, tops, places, picked, step, pixels,
                             programs, dimension, BLOCK, triton.next_power_of_2(programs),
                             triton.next_power_of_2(dimension), num_stages=1)


@torch.library.custom_op('metricseg_ros::part_at_seed', mutates_args=(), schema=(
    '(Tensor margins, Tensor picked, float cut) -> (Tensor, Tensor)'))
def part_at_seed(margins: Tensor, picked: Tensor, cut: float) -> tuple[Tensor, Tensor]:
    """Launch :func:`part_kernel`."""
    count, height, width = margins.shape
    row_words = triton.cdiv(width, WORD)
    words = torch.empty(2, count, height * row_words, dtype=torch.int64, device=margins.device)
    kept, parts = torch.empty_like(margins), torch.empty_like(margins)
    part_kernel[(count,)](margins, picked, words[0], words[1], parts, kept, height, width,
                          row_words, cut, WORD, CHUNK, triton.next_power_of_2(words.shape[2]),
                          8 * BLOCK, num_stages=1)
    return kept, parts


@pick_step.register_fake
def _(*_: Any) -> None:
    pass


@part_at_seed.register_fake
def _(margins: Tensor, picked: Tensor, cut: float) -> tuple[Tensor, Tensor]:
    return torch.empty_like(margins), torch.empty_like(margins)


class Kernels:
    """The loops, for frames of one size."""

    def __init__(self, pixels: int, most_seeds: int, device: torch.device) -> None:
        """
        Make room.

        :param pixels: N of the grid.
        :param most_seeds: that are ever picked.
        :param device: where the program runs.
        """
        blocks = most_seeds + 1, triton.cdiv(pixels, BLOCK)
        self.distances = torch.empty(pixels, dtype=torch.float64, device=device)
        self.tops = torch.empty(blocks, dtype=torch.float64, device=device)
        self.places = torch.empty(blocks, dtype=torch.int32, device=device)
        self.picked = torch.zeros(most_seeds + 1, dtype=torch.int64, device=device)

    def pick(self, points: Tensor, weights: Tensor, count: int) -> Tensor:
        """
        Pick seeds one by one, as :func:`metricseg_ros.device_program.seeds.pick` does.

        :param points: (D,N) float32, contiguous.
        :param weights: (N,) float64.
        :param count: K.
        :return: (K,) int64; the next call overwrites it.
        """
        for step in range(count + 1):
            pick_step(points, weights, self.distances, self.tops, self.places, self.picked, step)
        return self.picked[:count]

    @staticmethod
    def part_at_seed(margins: Tensor, picked: Tensor, cut: float) -> tuple[Tensor, Tensor]:
        """
        Keep of each mask what is connected to its seed through sides or corners.

        :param margins: (K,h,w) float32, contiguous, not negative inside.
        :param picked: (K,) int64, a pixel of each.
        :param cut: is taken from the margins of the rest.
        :return: (K,h,w) float32 each: the margins, and 1 in the part and 0 elsewhere.
        """
        return part_at_seed(margins, picked, cut)
