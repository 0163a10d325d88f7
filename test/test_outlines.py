# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines follow the edges of the image."""

from __future__ import annotations

from metricseg_ros.outlines import DEPTH_EDGE, depth_guide, OutlineFilter, pixel_map, resample
import numpy as np
import pytest

GRID, INPUT, IMAGE = (24, 32), (96, 128), (192, 256)
TO_IMAGE = pixel_map(GRID, IMAGE)


def half_dark(edge: int) -> np.ndarray:
    """Give a guide that is dark left of a column."""
    guide = np.ones(INPUT, np.float32)
    guide[:, :edge] = -1
    return guide


def left_of(edge: float) -> np.ndarray:
    """Give the margin of a mask left of a place on the grid."""
    return np.broadcast_to(edge - 0.5 - np.arange(GRID[1]), GRID).astype(np.float32)


def last_column(margin: np.ndarray, to_image: np.ndarray) -> np.ndarray:
    """Give the mask's last column of each row, as a place in the image between columns."""
    last = (margin >= 0).sum(axis=1) - 1
    return (last + 0.5) * to_image[1, 0] + to_image[1, 1] + 0.5


@pytest.mark.parametrize('drawn', [15.0, 15.4, 16.6, 17.0])
def test_an_outline_beside_an_edge_moves_onto_it(drawn: float) -> None:
    margin, to_image = OutlineFilter([half_dark(64)], IMAGE, 3)(left_of(drawn), TO_IMAGE)
    # Column 64 of the guide is where cell 16 of the grid and column 128 of the image begin.
    np.testing.assert_allclose(last_column(margin, to_image), 128, atol=2)


def test_depth_draws_an_outline_where_the_image_is_even() -> None:
    even, nearer = np.zeros(INPUT, np.float32), DEPTH_EDGE * 0.1 * half_dark(64)
    margin, to_image = OutlineFilter([even, nearer], IMAGE, 3)(left_of(15.4), TO_IMAGE)
    np.testing.assert_allclose(last_column(margin, to_image), 128, atol=2)


def test_an_outline_on_an_edge_of_depth_is_not_drawn_to_print_beside_it() -> None:
    printed, nearer = half_dark(56), DEPTH_EDGE * 0.1 * half_dark(64)
    by_print, to_image = OutlineFilter([printed], IMAGE, 3)(left_of(15.0), TO_IMAGE)
    np.testing.assert_allclose(last_column(by_print, to_image), 112, atol=2)
    margin, to_image = OutlineFilter([printed, nearer], IMAGE, 3)(left_of(16.0), TO_IMAGE)
    np.testing.assert_allclose(last_column(margin, to_image), 128, atol=2)


def test_even_depth_changes_nothing() -> None:
    alone = OutlineFilter([half_dark(64)], IMAGE, 3)(left_of(15.4), TO_IMAGE)
    flat = np.ones(INPUT, np.float32)
    both = OutlineFilter([half_dark(64), flat], IMAGE, 3)(left_of(15.4), TO_IMAGE)
    np.testing.assert_allclose(both[0], alone[0], atol=1e-4)


def test_unknown_depth_is_that_of_the_nearest_pixel() -> None:
    metres = np.full((4, 6), 1.0, np.float32)
    metres[:, 4:] = np.e
    metres[:, 2:4] = 0, np.nan
    guide = depth_guide(metres, (4, 6))
    np.testing.assert_allclose(guide, np.repeat([[0, 0, 0, 1, 1, 1]], 4, 0) * DEPTH_EDGE,
                               atol=1e-6)


def test_depth_that_is_known_nowhere_guides_nothing() -> None:
    assert depth_guide(np.zeros((4, 6), np.float32), (4, 6)) is None


def test_an_outline_far_from_any_edge_stays() -> None:
    margin, to_image = OutlineFilter([half_dark(64)], IMAGE, 3)(left_of(26.0), TO_IMAGE)
    np.testing.assert_allclose(last_column(margin, to_image), 208, atol=2)


@pytest.mark.parametrize('input_size', [INPUT, (95, 127), (72, 96)])
def test_an_outline_in_an_even_image_stays(input_size: tuple[int, int]) -> None:
    draw = OutlineFilter([np.zeros(input_size, np.float32)], IMAGE, 3)
    margin, to_image = draw(left_of(16.0), TO_IMAGE)
    np.testing.assert_allclose(last_column(margin, to_image), 128, atol=3)


def test_a_margin_comes_back_finer_and_around_the_mask_alone() -> None:
    margin = np.full(GRID, -1, np.float32)
    margin[8:14, 20:26] = 1
    fine, to_image = OutlineFilter([np.zeros(INPUT, np.float32)], IMAGE, 2)(margin, TO_IMAGE)
    assert to_image[0, 0] == TO_IMAGE[0, 0] / 4
    assert fine.shape < INPUT
    inside = np.argwhere(fine >= 0) * to_image[:, 0] + to_image[:, 1]
    np.testing.assert_allclose(inside.mean(axis=0), [10.5 * 8 + 3.5, 22.5 * 8 + 3.5], atol=1)
    # Nothing of the mask touches the border of what came back, so that nothing is drawn beyond it.
    assert (fine[[0, -1]] < 0).all() and (fine[:, [0, -1]] < 0).all()


def test_a_mask_too_thin_for_the_filter_stays_as_it_was() -> None:
    margin = np.full(GRID, -1, np.float32)
    margin[10] = 1
    assert OutlineFilter([np.zeros(INPUT, np.float32)], IMAGE, 6)(margin, TO_IMAGE)[0] is margin


def test_an_empty_mask_stays_empty() -> None:
    margin = np.full(GRID, -1, np.float32)
    assert OutlineFilter([half_dark(64)], IMAGE, 3)(margin, TO_IMAGE)[0] is margin


def test_maps_between_rasters_keep_corners() -> None:
    (scale, offset), _ = pixel_map((10, 20), (25, 20))
    # Corners lie half a pixel outside the centres of the first and the last pixel.
    assert scale * -0.5 + offset == -0.5
    assert scale * 9.5 + offset == 24.5


def test_resampling_interpolates_between_pixel_centres() -> None:
    raster = np.arange(12, dtype=np.float32).reshape(3, 4)
    read = resample(raster, np.array([[1, 0.5], [1, 0.5]]), (2, 3))
    np.testing.assert_allclose(read, raster[:2, :3] + 2.5)
