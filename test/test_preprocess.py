# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Preprocessing: the network's input, and the exact way back to the image."""

from __future__ import annotations

from metricseg_ros.preprocess import fit_geometry, MEAN, normalise, preprocess, STD
import numpy as np
import pytest
import torch

BOX = (240, 320)
SIZES = [(240, 320), (480, 640), (720, 1280), (1280, 720), (1080, 1920), (1, 1), (3, 4000),
         (2160, 3840), (37, 53), (640, 640)]


@pytest.mark.parametrize('size', SIZES)
def test_input_holds_the_content_and_is_a_multiple(size):
    geometry = fit_geometry(size, BOX, 32)
    for content, padded in zip(geometry.content_size, geometry.input_size):
        assert padded % 32 == 0
        assert content <= padded < content + 32


@pytest.mark.parametrize('size', SIZES)
def test_content_fits_the_box_upright_or_turned_and_touches_it(size):
    content = fit_geometry(size, BOX, 32).content_size
    assert max(content) <= max(BOX)
    assert min(content) <= min(BOX)
    assert max(content) == max(BOX) or min(content) == min(BOX)


@pytest.mark.parametrize('size', [size for size in SIZES if min(size) > 30])
def test_proportions_are_kept_to_a_pixel(size):
    content = fit_geometry(size, BOX, 32).content_size
    scale = max(content) / max(size)
    assert abs(content[0] - size[0] * scale) <= 1
    assert abs(content[1] - size[1] * scale) <= 1


@pytest.mark.parametrize('size', SIZES)
def test_corners_of_the_grids_content_are_those_of_the_image(size):
    geometry = fit_geometry(size, BOX, 32)
    grid = tuple(side // 4 for side in geometry.input_size)
    for axis, (scale, offset) in enumerate(geometry.grid_to_image(grid)):
        # Edges lie half a pixel outside of the outermost pixel centres.
        content_cells = geometry.content_size[axis] / 4
        assert -0.5 * scale + offset == pytest.approx(-0.5)
        assert (content_cells - 0.5) * scale + offset == pytest.approx(size[axis] - 0.5)


def test_grid_of_the_images_own_size_maps_onto_itself():
    geometry = fit_geometry((256, 320), (256, 320), 32)
    np.testing.assert_allclose(geometry.grid_to_image((256, 320)), [[1, 0], [1, 0]])


def test_grid_content_leaves_out_rows_that_show_only_padding():
    geometry = fit_geometry((240, 320), BOX, 32)
    assert geometry.input_size == (256, 320)
    assert geometry.grid_content((64, 80)) == (60, 80)
    assert geometry.grid_content((32, 40)) == (30, 40)


def test_grid_content_keeps_a_row_that_shows_part_of_the_image():
    geometry = fit_geometry((242, 320), (242, 320), 32)
    assert geometry.grid_content((64, 80))[0] == 61


def test_image_of_the_boxs_size_is_normalised_pixel_for_pixel(rng):
    image = rng.integers(0, 256, (*BOX, 3), dtype=np.uint8)
    tensor, geometry = preprocess(image, BOX, 32)
    assert tensor.shape == (1, 3, *geometry.input_size)
    expected = (image / 255 - MEAN) / STD
    np.testing.assert_allclose(tensor[0, :, :240].permute(1, 2, 0), expected, atol=1e-5)


def test_bgr_image_turned_by_a_view_is_read_as_it_looks(rng):
    image = rng.integers(0, 256, (*BOX, 3), dtype=np.uint8)
    turned, _ = preprocess(image[..., ::-1], BOX, 32)
    assert torch.equal(turned, preprocess(image[..., ::-1].copy(), BOX, 32)[0])


def test_normalise_uses_the_given_statistics():
    images = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    tensor = normalise(images, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0))
    assert tensor[0, :, 0, 0].tolist() == pytest.approx([1.0, 3.0, 1.0])


@pytest.mark.parametrize('image', [
    np.zeros((4, 5), np.uint8), np.zeros((4, 5, 4), np.uint8), np.zeros((4, 5, 3), np.float32)])
def test_what_is_no_rgb_image_is_refused_with_its_shape(image):
    with pytest.raises(ValueError, match=r'image must be \(H,W,3\) uint8, got'):
        preprocess(image, BOX, 32)


def test_empty_image_is_refused():
    with pytest.raises(ValueError, match=r'\(0, 5\)'):
        preprocess(np.zeros((0, 5, 3), np.uint8), BOX, 32)
