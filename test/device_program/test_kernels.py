# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The kernels do what torch's operators do, in Triton's interpreter, and compile for GPUs."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.loops import rehearse, triton_kernels
from metricseg_ros.device_program.masks import DeviceGrouping, Steps
from metricseg_ros.similarity import squared_radii
import pytest
import torch

Kernels = pytest.importorskip('metricseg_ros.device_program.kernels',
                              reason='the kernels are not tested: no triton here').Kernels
DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
GRID = (6, 40)
"""Two blocks of pixels and two numbers a row, both filled in part."""

COMPILED = """
import sys
from metricseg_ros.device_program import kernels
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile

def made(kernel, architecture, types, sizes):
    names = [name for name in kernel.arg_names if name not in sizes]
    signature = dict(zip(names, types.split(), strict=True))
    return compile(ASTSource(kernel, {**signature, **dict.fromkeys(sizes, 'constexpr')}, sizes),
                   GPUTarget('cuda', architecture, 32), {'num_stages': 1}).asm['cubin']

for architecture in map(int, sys.argv[1:]):
    assert made(kernels.pick_kernel, architecture,
                '*fp32 *fp64 *fp64 *fp64 *i32 *i64 i32 i32 i32 i32',
                {'block': 128, 'most_programs': 64, 'most_rows': 32})
    assert made(kernels.part_kernel, architecture,
                '*fp32 *i64 *i64 *i64 *fp32 *fp32 i32 i32 i32 fp32',
                {'word_size': 32, 'chunk': 32, 'most_words': 256, 'block': 1024})
"""


def test_they_do_what_torch_does_with_ties_and_in_a_maze() -> None:
    rehearse(Kernels, DEVICE)


def scene(rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give embeddings of a few things and noise, class logits of two thresholds, and names."""
    things = torch.randn(9, 5, generator=rng)
    shown = torch.randint(9, (GRID[0] // 2, GRID[1] // 4), generator=rng)
    shown = shown.repeat_interleave(2, 0).repeat_interleave(4, 1)
    embeddings = things[shown].permute(2, 0, 1) + 0.2 * torch.randn(5, *GRID, generator=rng)
    logits = 3 * torch.randn(2, 2, *GRID, generator=rng)
    return embeddings, logits, torch.randn(4, GRID[0] * GRID[1], generator=rng)


@pytest.mark.parametrize(('seeds', 'score'), [(16, 0.5), (32, 0.01), (64, 0.01), (16, 1.0)])
def test_grouping_finds_the_same_to_the_last_bit(seeds: int, score: float) -> None:
    given = [part.to(DEVICE) for part in scene(torch.Generator().manual_seed(seeds))]
    config = GroupingConfig(minimum_score=score, minimum_area=0.01)
    by_torch, by_kernels = (
        DeviceGrouping(GRID, 5, squared_radii(torch.tensor([0.4, 0.7])).to(DEVICE), config, seeds,
                       kernels)
        for kernels in (None, Kernels(GRID[0] * GRID[1], seeds, DEVICE)))
    steps = Steps(seeds, 20, 8)
    expected = by_torch(*given, True, steps)
    found = by_kernels(*given, True, steps)
    assert (expected.kept.sum() > 3) == (score < 1)
    for name, one, other in zip(expected._fields, expected, found, strict=True):
        # Once there are no candidates left, any are picked.
        wanted = expected.wanted.flatten() > 0
        assert torch.equal(one[wanted], other[wanted]), name
    assert torch.equal(expected.wanted, found.wanted) and torch.equal(expected.kept, found.kept)


def test_kernels_that_err_are_told_and_left_to_torch(caplog: pytest.LogCaptureFixture) -> None:
    class Erring(Kernels):

        def pick(self, *given: object) -> torch.Tensor:
            return super().pick(*given).flip(0)

    with pytest.raises(RuntimeError, match='are picked in place of'):
        rehearse(Erring, DEVICE)
    assert triton_kernels(torch.device('cpu')) is None and not caplog.records
    if DEVICE.type == 'cpu':  # A GPU that is not there can run none.
        with caplog.at_level(logging.WARNING):
            assert triton_kernels.__wrapped__(torch.device('cuda')) is None
        assert 'torch does what kernels of Triton should' in caplog.text


def test_they_compile_for_the_gpus_that_torch_knows() -> None:
    # Turing, Ampere, Orin, Hopper, Blackwell; the interpreter takes what the compiler does not.
    subprocess.run([sys.executable, '-c', COMPILED, '75', '80', '87', '90', '120'], check=True,
                   env={**os.environ, 'TRITON_INTERPRET': '0'}, timeout=300)
