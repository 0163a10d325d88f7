# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the loops of the program run as kernels of Triton: where these do what they should."""

from __future__ import annotations

from functools import cache
import logging
from typing import TYPE_CHECKING

from metricseg_ros.device_program.connected import connected_parts, no_runs
from metricseg_ros.device_program.seeds import distance_form, pick
import torch

if TYPE_CHECKING:  # Triton is not everywhere.
    from metricseg_ros.device_program.kernels import Kernels


@cache
def triton_kernels(device: torch.device) -> type[Kernels] | None:
    """
    Compile the kernels and try them.

    :param device: where they are to run.
    :return: what makes them for a size; None where torch's operators have to do: on a CPU, without
        Triton, and, as the log then says, where they fail.
    """
    if device.type != 'cuda':
        return None
    try:
        from metricseg_ros.device_program.kernels import Kernels
        rehearse(Kernels, device)
    except ModuleNotFoundError:
        return None
    except Exception as error:  # Whatever it is, torch's operators do the same.
        logging.getLogger(__name__).warning(
            'torch does what kernels of Triton should (backend.device_program: operators asks for '
            'that): %s', error)
        return None
    return Kernels


def rehearse(kernels: type[Kernels], device: torch.device) -> None:
    """
    Compare kernels with torch's operators where it is hard: with ties and in a maze.

    :param kernels: what makes them.
    :param device: where to run.
    :raises RuntimeError: if they differ.
    """
    size, count = (7, 40), 5
    pixels = size[0] * size[1]
    generator = torch.Generator().manual_seed(0)
    halves = torch.rand(4, pixels // 2, generator=generator)
    weights, *points = halves.repeat(1, 2).to(device)  # Of two equal pixels the first is picked.
    points, weights = torch.stack(points), weights.double()
    made = kernels(pixels, count, device)
    picked = made.pick(points, weights, count)
    expected = pick(torch.cat([torch.ones_like(points[:1]), points]), weights, count,
                    distance_form(len(points), device))
    if not torch.equal(picked, expected):
        raise RuntimeError(f'pixels {picked.tolist()} are picked in place of {expected.tolist()}')
    margins = torch.ones(count, *size)
    margins[0, 1::4, 1:] = margins[0, 3::4, :-1] = margins[1:] = -1
    margins[1:][torch.rand(count - 1, *size, generator=generator) < 0.45] = 0.5
    margins = margins.to(device).flatten(1).scatter(1, picked[:, None], 0.0).view_as(margins)
    at_seeds = torch.zeros(count, pixels, device=device).scatter(1, picked[:, None], 1.0)
    part, _ = connected_parts(margins, (margins >= 0).float(), at_seeds.view_as(margins), 20,
                              no_runs(count, size, device))
    kept, found = made.part_at_seed(margins, picked, 2.0)
    if not (torch.equal(found, part) and torch.equal(
            kept, torch.where((margins >= 0) & (part == 0), margins - 2, margins))):
        raise RuntimeError('the parts of masks at their seeds are others')
