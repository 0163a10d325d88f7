# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading off: masks on the grid become instances in the image."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.config import GroupingConfig, SupportConfig
from metricseg_ros.grouping import SeedMasks
from metricseg_ros.instances import (
    image_masks,
    place_mask,
    to_instances,
    without_overlaps,
)
from metricseg_ros.preprocess import fit_geometry
from metricseg_ros.structures import EmbeddedImage, NetworkOutput, Seeds
import numpy as np
import pytest
from tabletop import BLUE, rectangle, SIZE, Tabletop
import torch

SAME = np.array([[1.0, 0.0], [1.0, 0.0]])
FOUR_TIMES = np.array([[4.0, 1.5], [4.0, 1.5]])


def seed_masks(margins, scores=None):
    """Masks of given margins, with seeds of class 1 at each one's highest margin."""
    margins = torch.tensor(np.asarray(margins), dtype=torch.float32)
    count, _, width = margins.shape
    best = margins.flatten(1).argmax(1)
    scores = torch.tensor(scores) if scores else torch.linspace(0.9, 0.6, count)
    return SeedMasks(Seeds(torch.stack([best // width, best % width], 1), scores,
                           torch.ones(count, dtype=torch.int64), torch.full((count,), 0.5)),
                     margins)


def image(size, to_image, guide=None):
    """Give an image of which only its size and grid matter."""
    output = NetworkOutput(torch.zeros(1, 1, 1), torch.zeros(1, 2, 1, 1), (0.5,))
    return EmbeddedImage(output, size, to_image, guide=guide)


def made_of(masks, embedded, config=None, support=None):
    """Give the instances of masks that are numbered by their embeddings."""
    config, numbers = config or GroupingConfig(), torch.arange(len(masks.seeds))[:, None].float()
    return to_instances(image_masks(masks, numbers, embedded, config), embedded, config, support)


def drawn(size, top, left, bottom, right):
    """Give a margin of 1 inside a rectangle and -1 outside."""
    margin = np.full(size, -1.0, np.float32)
    margin[top:bottom, left:right] = 1.0
    return margin


def test_mask_on_a_grid_of_the_images_size_comes_back_exactly(rng):
    margin = rng.normal(size=(20, 30)).astype(np.float32)
    (left, top, right, bottom), crop = place_mask(margin, (20, 30), SAME)
    mask = np.zeros((20, 30), bool)
    mask[top:bottom, left:right] = crop
    np.testing.assert_array_equal(mask, margin >= 0)


@pytest.mark.parametrize('size', [(240, 320), (480, 640), (720, 1280), (1280, 720)])
def test_half_plane_is_cut_where_interpolation_says(size):
    geometry = fit_geometry(size, (240, 320), 32)
    grid = tuple(side // 4 for side in geometry.input_size)
    to_image = geometry.grid_to_image(grid)
    # A plane that is 0 at a fraction of the grid, which bilinear interpolation keeps exactly.
    edge = 20.3
    margin = np.broadcast_to(edge - np.arange(grid[1], dtype=np.float32), grid)
    (_, _, right, _), crop = place_mask(np.ascontiguousarray(margin), size, to_image)
    last = np.flatnonzero(crop[crop.shape[0] // 2])[-1]
    expected = edge * to_image[1, 0] + to_image[1, 1]
    assert abs(last - np.floor(expected)) <= 1
    assert right > last


def test_rectangle_grows_by_the_grids_stride():
    margin = drawn((10, 12), 2, 3, 6, 8)
    instances = made_of(seed_masks([margin]), image((40, 48), FOUR_TIMES))
    # Between a margin of 1 and of -1 the edge lies in the middle: at the cells' border.
    assert instances.boxes.tolist() == [[12, 8, 32, 24]]
    assert 0.9 * 16 * 20 < instances.areas[0] <= 16 * 20


def test_shared_pixels_go_to_the_better_mask():
    masks = seed_masks([drawn((9, 9), 0, 0, 9, 6), drawn((9, 9), 0, 3, 9, 9)])
    instances = made_of(masks, image((9, 9), SAME))
    assert instances.areas.tolist() == [54, 27]
    assert (instances.mask(0) & instances.mask(1)).sum() == 0
    np.testing.assert_array_equal(instances.label_map[0], [1] * 6 + [2] * 3)


def test_overlaps_are_kept_on_request():
    masks = seed_masks([drawn((9, 9), 0, 0, 9, 6), drawn((9, 9), 0, 3, 9, 9)])
    config = replace(GroupingConfig(), resolve_overlaps=False)
    instances = made_of(masks, image((9, 9), SAME), config)
    assert instances.areas.tolist() == [54, 54]
    assert (instances.mask(0) & instances.mask(1)).sum() == 27


def test_mask_left_too_small_by_a_better_one_is_dropped():
    masks = seed_masks([drawn((9, 9), 0, 0, 9, 6), drawn((9, 9), 0, 0, 9, 7)])
    config = replace(GroupingConfig(), minimum_area=10 / 81)
    assert made_of(masks, image((9, 9), SAME), config).areas.tolist() == [54]


def test_ids_count_from_one_by_decreasing_score():
    masks = seed_masks([drawn((9, 9), 0, 0, 3, 3), drawn((9, 9), 5, 5, 9, 9)], [0.8, 0.7])
    instances = made_of(masks, image((9, 9), SAME))
    assert instances.ids.tolist() == [1, 2]
    assert instances.scores.tolist() == pytest.approx([0.8, 0.7])


def test_boxes_are_the_smallest_ones():
    masks = seed_masks([drawn((9, 9), 2, 1, 7, 4)])
    found = made_of(masks, image((9, 9), SAME))
    assert found.boxes.tolist() == [[1, 2, 4, 7]]


def test_seed_is_taken_to_the_image():
    margin = drawn((10, 12), 2, 3, 6, 8)
    margin[4, 5] = 2.0
    instances = made_of(seed_masks([margin]), image((40, 48), FOUR_TIMES))
    assert instances.seeds.tolist() == [[round(4 * 4 + 1.5), round(5 * 4 + 1.5)]]


def test_no_masks_give_no_instances():
    nothing = seed_masks(np.zeros((0, 5, 6)))
    instances = made_of(nothing, image((20, 24), FOUR_TIMES))
    assert len(instances) == 0
    assert not instances.label_map.any()


def test_single_pixel_image_can_hold_an_instance():
    one = image((1, 1), np.array([[0.1, -0.4]] * 2))
    instances = made_of(seed_masks(np.ones((1, 8, 8))), one)
    assert instances.areas.tolist() == [1]


def test_without_overlaps_leaves_disjoint_masks_alone():
    placed = [((0, 0, 2, 2), np.ones((2, 2), bool)), ((2, 2, 4, 4), np.ones((2, 2), bool))]
    for before, after in zip(placed, without_overlaps(placed, (4, 4))):
        np.testing.assert_array_equal(before[1], after[1])


def test_a_mask_of_the_table_is_dropped_before_it_takes_pixels_of_what_lies_on_it():
    table = Tabletop()
    (left, top, right, bottom), crop = table.put(rectangle(60, 60, 120, 110), 0.06, BLUE)
    thing = np.full(SIZE, -1.0, np.float32)
    thing[top:bottom, left:right][crop] = 1.0
    masks = seed_masks([np.ones(SIZE), thing], [0.9, 0.6])
    seen = replace(image(SIZE, SAME), image=table.image, depth=table.seen())
    instances = made_of(masks, seen, support=SupportConfig())
    assert instances.areas.tolist() == [crop.sum()] and instances.dropped_support == 1
    assert instances.embeddings.tolist() == [[1.0]] and instances.scores[0] == pytest.approx(0.6)
    for kept in (made_of(masks, seen, support=SupportConfig(enabled=False)),
                 made_of(masks, replace(seen, depth=None), support=SupportConfig())):
        assert kept.dropped_support == 0 and kept.areas[0] == SIZE[0] * SIZE[1]
