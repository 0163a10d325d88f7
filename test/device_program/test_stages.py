# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each stage of the device's program does what the CPU's does."""

from __future__ import annotations

import cv2
from metricseg_ros.device_program.connected import connected_parts, no_runs
from metricseg_ros.device_program.depth import DepthPreparation
from metricseg_ros.device_program.frame import FramePreparation
from metricseg_ros.device_program.masks import without_duplicates
from metricseg_ros.device_program.outlines import Outlines, places, read
from metricseg_ros.device_program.seeds import before_the_end, distance_form, pick
from metricseg_ros.grouping import select_seeds
from metricseg_ros.grouping.masks import drop_duplicates, SeedMasks
from metricseg_ros.outlines import OutlineFilter, resample
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.preprocess import (
    fit_geometry,
    MEAN,
    preprocess,
    preprocess_camera,
    preprocess_depth,
    STD,
)
from metricseg_ros.structures import DepthImage, Seeds
import numpy as np
import pytest
import torch

CPU = torch.device('cpu')


@pytest.mark.parametrize('size', [
    (720, 1280), (480, 640), (640, 480), (2160, 3840), (427, 640),  # areas of parts of pixels
    (576, 768), (864, 1152), (1152, 1536),  # of 2, 3 and 4 pixels
    (288, 384), (287, 383), (100, 90), (1, 1), (300, 7)])  # none, and enlarged
def test_frames_are_prepared_as_on_the_cpu_to_the_last_bit(size: tuple[int, int],
                                                           rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    expected, geometry = preprocess(image, (288, 384), 32)
    got = FramePreparation(geometry, MEAN, STD, CPU)(torch.from_numpy(image))
    assert torch.equal(got, expected)


@pytest.mark.parametrize('size', [(480, 640), (720, 1280), (640, 480), (100, 90), (31, 500)])
def test_depth_is_prepared_as_on_the_cpu(size: tuple[int, int], rng: np.random.Generator) -> None:
    # A slanted plane, beside it things, gaps and what no camera should say.
    metres = np.add.outer(np.linspace(1, 2, size[0]), np.zeros(size[1])).astype(np.float32)
    metres[rng.random(size) < 0.2] -= 0.3
    for value in (0, -1, np.nan, np.inf):
        metres[rng.random(size) < 0.1] = value
    metres[:size[0] // 4, :size[1] // 4] = np.nan
    geometry = fit_geometry(size, (288, 384), 32)
    depth = DepthImage(metres, Intrinsics(500.0, 500.0, size[1] / 2, size[0] / 2))
    expected = preprocess_depth(depth, geometry)
    got = DepthPreparation(geometry, CPU)(torch.from_numpy(metres))
    assert got.shape == expected.depth.shape and (expected.depth == 0).any()
    torch.testing.assert_close(got, expected.depth, rtol=1e-6, atol=0)
    # Of the host's part, only what is looked at is resized.
    camera = preprocess_camera(depth, geometry)
    assert torch.equal(camera, expected.camera) and camera[0, 1:].any()


@pytest.mark.parametrize('alpha', [0.01, 0.3, 2.0])
def test_seeds_are_those_of_the_cpu(alpha: float) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(8, 40, 50, generator=generator)
    scores = torch.rand(40, 50, generator=generator)
    scores[scores < 0.5] = 0
    picked = pick(torch.cat([torch.ones(1, 2000), points.flatten(1)]),
                  scores.flatten().double().pow(1 / alpha), 16, distance_form(8, CPU))
    expected = select_seeds(points, scores, 16, alpha)
    assert torch.equal(torch.stack([picked // 50, picked % 50], 1), expected)


@pytest.mark.parametrize(('scores', 'rest', 'wanted'), [
    ([0.9, 0.8, 0.7, 0.6, 0.0], 0, [1, 1, 0, 0]), ([0.9, 0.8, 0.7, 0.6, 0.5], 0, [1, 1, 1, 0]),
    # The third one is explained, while the last pixel is not: one may be left.
    ([0.9, 0.8, 0.7, 0.6, 0.05], 0, [1, 1, 1, 1]), ([0.9, 0.8, 0.7, 0.6, 0.05], 1, [1, 1, 0, 0]),
    ([0.0] * 5, 0, [0, 0, 0, 0])])
def test_seeds_end_where_every_candidate_is_explained(scores: list[float], rest: int,
                                                      wanted: list[float]) -> None:
    points, candidates = torch.tensor([[0.0, 0.5, 3.0, 3.0, 9.0]]), torch.tensor(scores)
    picked = pick(torch.cat([torch.ones(1, 5), points]), candidates.double().pow(1 / 0.3), 4,
                  distance_form(1, CPU))
    inside = ((points - points[0, picked][:, None]).square() <= 1).float()
    weights = torch.ones(4, 5).scatter(1, picked[:, None], 6.0)
    assert before_the_end(inside, candidates, weights, rest).tolist() == wanted


def spread(inside: torch.Tensor, seeds: torch.Tensor, sweeps: int) -> tuple[torch.Tensor, bool]:
    """Give the connected parts, and whether nothing was left beside them."""
    parts, areas = connected_parts(inside - 0.5, inside, seeds, sweeps,
                                   no_runs(len(inside), inside.shape[1:], CPU))
    return parts, bool((areas[:, 0] == parts.sum(dim=(1, 2))).all())


def test_connected_parts_are_those_that_a_flood_reaches(rng: np.random.Generator) -> None:
    inside = np.array([cv2.blur(rng.random((30, 41)), (5, 5)) > 0.5 for _ in range(20)])
    starts = np.array([rng.choice(np.argwhere(mask)) for mask in inside])
    seeds = torch.zeros(inside.shape)
    for layer, (row, column) in zip(seeds, starts, strict=True):
        layer[row, column] = 1
    parts, settled = spread(torch.from_numpy(inside).float(), seeds, 20)
    assert settled and 0 < parts.sum() < inside.sum()
    for mask, part, (row, column) in zip(inside, parts, starts, strict=True):
        flooded = mask.astype(np.uint8)
        cv2.floodFill(flooded, None, (int(column), int(row)), 2, flags=8)
        assert np.array_equal(part.numpy() > 0, flooded == 2)


def test_a_maze_takes_more_sweeps_and_is_told() -> None:
    maze = torch.ones(1, 21, 21)
    for row in range(1, 21, 2):
        maze[0, row] = 0
        maze[0, row, -1 if row % 4 == 1 else 0] = 1
    seed = torch.zeros_like(maze)
    seed[0, 0, 0] = 1
    assert not spread(maze, seed, 4)[1]
    parts, settled = spread(maze, seed, 21)
    assert settled and torch.equal(parts, maze)


def test_duplicates_are_those_of_the_cpu_and_a_long_chain_is_told(
        rng: np.random.Generator) -> None:
    # Bars, each of which overlaps the next alone: every second one is kept.
    bars = torch.zeros(12, 1, 60, dtype=torch.bool)
    for index in range(12):
        bars[index, 0, 4 * index:4 * index + 8] = True
    seeds = Seeds(torch.zeros(12, 2, dtype=torch.int64), torch.linspace(1, 0.5, 12),
                  torch.ones(12, dtype=torch.int64), torch.full((12,), 0.5))
    expected = drop_duplicates(SeedMasks(seeds, torch.where(bars, 1.0, -1.0)), 0.3).seeds.scores
    flat = bars.flatten(1).float()
    areas = flat.sum(1, keepdim=True)
    better, zero = torch.ones(12, 12).tril(-1) > 0, torch.tensor(0.0)
    kept, before = without_duplicates(flat, areas, torch.ones(12), better, 0.3, 13, zero)
    assert torch.equal(kept, before)
    assert torch.equal(seeds.scores[kept > 0], expected) and len(expected) == 6
    few = without_duplicates(flat, areas, torch.ones(12), better, 0.3, 4, zero)
    assert not torch.equal(*few)
    valid = torch.ones(12)
    valid[0] = 0  # What is dropped already drops nothing.
    kept, _ = without_duplicates(flat, areas, valid, better, 0.3, 13, zero)
    assert kept.tolist() == [0, *([1, 0] * 6)[:11]]


@pytest.mark.parametrize(('scale', 'offset'), [(0.6, -0.2), (0.25, -0.375), (1.7, 3.1)])
def test_rasters_are_read_as_cv2_reads_them(scale: float, offset: float,
                                            rng: np.random.Generator) -> None:
    raster = rng.random((40, 50)).astype(np.float32)
    to_raster = np.array([[scale, offset], [scale * 1.1, offset - 1]])
    expected = resample(raster, to_raster, (60, 70))
    got = read(torch.from_numpy(raster)[None], places(to_raster, (60, 70), (40, 50), CPU))[0]
    # Where rounding takes a place to the next 32nd of a pixel.
    differs = abs(got.numpy() - expected) > 1e-4
    assert differs.mean() < 0.1 and abs(got.numpy() - expected).max() < 2 / 32


@pytest.mark.parametrize('count', [1, 2])
def test_outlines_are_those_of_the_cpu(count: int, rng: np.random.Generator) -> None:
    guides = [cv2.blur(rng.random((96, 128)).astype(np.float32), (9, 9)) * 4
              for _ in range(count)]
    grid, geometry = (24, 32), fit_geometry((240, 320), (96, 128), 32)
    to_image = geometry.grid_to_image(grid)
    margins = np.array([cv2.blur(rng.standard_normal(grid).astype(np.float32), (9, 9))
                        for _ in range(6)])
    draw = OutlineFilter(guides, (240, 320), 3)
    outlines = Outlines((96, 128), (240, 320), grid, to_image, 3, (0.0,) * count, CPU)
    drawn, as_it_was = outlines(torch.from_numpy(margins), torch.from_numpy(np.array(guides)))
    in_image = read(drawn, outlines.to_fine).numpy() >= 0
    for margin, mask, same in zip(margins, in_image, as_it_was, strict=True):
        fine, moved = draw(margin, to_image)
        assert bool(same) == (fine is margin)
        if not same:
            to_fine = np.stack([1 / moved[:, 0], -moved[:, 1] / moved[:, 0]], axis=1)
            expected = resample(fine, to_fine, (240, 320)) >= 0
            assert (mask != expected).mean() < 1e-3
