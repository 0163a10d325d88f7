# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What depth tells the network, and that without it the network is that of colour alone."""

from __future__ import annotations

from metricseg_ros.config import NetworkConfig
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.depth import depth_channels, HEIGHT, masked_mean
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.preprocess import (
    camera_vector,
    fit_geometry,
    no_depth,
    preprocess_depth,
    resize_depth,
)
from metricseg_ros.structures import DepthImage
import numpy as np
import pytest
import torch

CONFIG = NetworkConfig(embedding_dim=4, decoder_channels=8, class_count=3, name_backbone='shared',
                       depth=True)
SIZE = (96, 128)
CAMERA = Intrinsics(110.0, 110.0, 63.5, 47.5)


def trained() -> MetricSegmentationNetwork:
    """Build a network whose depth branch says something."""
    torch.manual_seed(0)
    network = MetricSegmentationNetwork(CONFIG).eval()
    for layer in network.depth.project:
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias)
    return network


def plane(camera: Intrinsics = CAMERA, size: tuple[int, int] = SIZE,
          slope: float = 0.5) -> np.ndarray:
    """Return the depth of z = 1 + slope Y, seen by a camera: z = 1 / (1 - slope y)."""
    rows = (np.arange(size[0]) - camera.cy) / camera.fy
    return np.repeat((1 / (1 - slope * rows))[:, None], size[1], 1).astype(np.float32)


def channels(metres: np.ndarray, camera: Intrinsics = CAMERA) -> torch.Tensor:
    vector = torch.from_numpy(camera_vector(metres, camera))[None]
    return depth_channels(torch.from_numpy(metres)[None, None], vector)[0]


@pytest.mark.parametrize('training', [False, True])
def test_no_depth_is_the_network_of_colour_alone(training: bool) -> None:
    network, image = trained().train(training), torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        for with_zeros, without in zip(network(image, *no_depth(image)), network(image),
                                       strict=True):
            assert torch.equal(with_zeros, without)


def test_a_new_branch_changes_nothing_and_learns() -> None:
    network, image = MetricSegmentationNetwork(CONFIG).eval(), torch.randn(1, 3, 64, 96)
    depth, camera = torch.rand(1, 1, 64, 96) + 0.5, torch.tensor([[80.0, 0, 0.4, -0.9, 1.0]])
    for seen, unseen in zip(network(image, depth, camera), network(image), strict=True):
        assert torch.equal(seen, unseen)
    network(image, depth, camera)[0].square().sum().backward()
    assert network.depth.project[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize('training', [False, True])
def test_an_image_without_depth_in_a_batch_is_as_if_alone(training: bool) -> None:
    network = trained().train(training)
    depth, camera = torch.rand(3, 1, 64, 96) + 0.5, torch.tensor([[80.0, 0, 0.4, -0.9, 1.0]] * 3)
    depth[1] = 0
    added = network.depth(depth, camera)
    assert all((features[1] == 0).all() and features[0].abs().sum() > 0 for features in added)
    together = network.depth(depth[[0, 2]], camera[[0, 2]])
    for some, both in zip(added, together, strict=True):
        torch.testing.assert_close(some[[0, 2]], both)


def test_channels_are_those_of_the_scene_at_any_scale_of_it() -> None:
    metres = plane() + np.random.default_rng(0).uniform(0, 0.02, SIZE).astype(np.float32)
    metres[30:60, 40:70] -= 0.1
    # Far from the tolerance of the plane's fit, which is in metres.
    torch.testing.assert_close(channels(metres)[:5], channels(metres * 2)[:5], atol=1e-4, rtol=0)


def test_slope_is_that_of_the_surface_at_any_size_of_the_input() -> None:
    # z = 1 / (1 - s y), and so d(ln z)/dy = s z, which is dz/dY = s on the optical axis.
    for factor in (1, 2):
        size = (SIZE[0] * factor, SIZE[1] * factor)
        camera = CAMERA.scaled(factor, factor)
        across, down = channels(plane(camera, size), camera)[2:4, 4:-4, 4:-4]
        assert across.abs().max() < 1e-3
        slope = torch.from_numpy(0.5 * plane(camera, size)[::2, ::2][4:-4, 4:-4])
        torch.testing.assert_close(down, slope / (1 + slope), atol=5e-3, rtol=0)


def test_height_is_that_above_the_plane_as_a_share_of_the_distance() -> None:
    metres = plane()
    metres[40:56, 60:76] -= 0.1 * metres[40:56, 60:76]  # A tenth of the way to the camera.
    height, near = channels(metres)[5:]
    on_plane = np.ones((48, 64), bool)
    on_plane[19:29, 29:39] = False
    # Of four pixels the nearest is taken, and so up to half a pixel's way along the plane.
    assert height[on_plane].abs().max() < 0.05 and near[on_plane].min() > 0.9
    # The camera is d above the plane, and a tenth of it is the height of what is a tenth nearer:
    # as a share of the distance 0.9 z it is 0.1 d / 0.9 z.
    distance = 1 / np.sqrt(1 + 0.5 ** 2)
    share = 0.1 * distance / metres[48, 68]
    assert height[24, 34] == pytest.approx(share / (share + HEIGHT), abs=0.02)
    assert near[24, 34] < 0.1


def test_what_is_not_known_is_zero_in_all_channels() -> None:
    metres = plane()
    metres[20:60, 30:90] = 0
    assert (channels(metres)[:, 10:30, 15:45] == 0).all()
    assert (channels(np.zeros(SIZE, np.float32)) == 0).all()


def test_masked_mean_is_that_of_what_is_known() -> None:
    values, valid = torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    values[0, 0, 2, 1], values[0, 0, 2, 3], valid[0, 0, 2, 1], valid[0, 0, 2, 3] = 2.0, 4.0, 1, 1
    mean = masked_mean(values, valid, 3)
    assert mean[0, 0, 2].tolist() == pytest.approx([2, 2, 3, 4, 4]) and mean[0, 0, 0, 0] == 0


def test_resized_depth_mixes_no_surfaces() -> None:
    metres = np.full((40, 60), 2.0, np.float32)
    metres[:, 31:] = 1.0
    metres[:, :5] = np.nan
    resized = resize_depth(metres, (20, 30))
    assert set(np.unique(resized)) == {0.0, 1.0, 2.0}
    assert (resized[:, 15:] == 1).all()  # Of the two pixels the nearer.
    near = resize_depth(np.tile([[1.0, 1.01]], (10, 10)).astype(np.float32), (5, 10))
    assert near == pytest.approx(1.005)


def test_depth_and_camera_follow_the_image_into_the_input() -> None:
    geometry = fit_geometry((192, 256), (100, 128), 32)
    doubled = CAMERA.scaled(2, 2)
    depth, camera = preprocess_depth(DepthImage(plane(doubled, (192, 256)), doubled), geometry)
    assert geometry.input_size == depth.shape[2:] == (96, 128)
    np.testing.assert_allclose(depth[0, 0], plane(), rtol=0.01)
    np.testing.assert_allclose(camera[0], camera_vector(plane(), CAMERA), atol=0.02)
    with pytest.raises(ValueError, match='size of the image'):
        preprocess_depth(DepthImage(plane(), CAMERA), geometry)


def test_parts_that_do_not_go_together_are_refused() -> None:
    for wrong in ({'pyramid_scales': (0.5, 1.0)}, {'decoder_channels': 0},
                  {'decoder_stride': 2}):
        with pytest.raises(ValueError, match='depth needs'):
            MetricSegmentationNetwork(NetworkConfig(**{'depth': True, **wrong}))
