# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks of a table are told from those of things on it, in scenes whose depth is known."""

from __future__ import annotations

from metricseg_ros.config import SupportConfig
from metricseg_ros.planes import fit_dominant_plane, Plane
from metricseg_ros.structures import DepthImage
from metricseg_ros.support import are_supports, support_planes
import numpy as np
import pytest
from tabletop import (
    BLUE,
    CAMERA,
    depth_of,
    PAPER,
    placed,
    PlacedMask,
    plane,
    polygon,
    rectangle,
    SIZE,
    Tabletop,
)


def lying(table: Tabletop, *masks: PlacedMask, depth: DepthImage | None = None,
          **config: float) -> list[bool]:
    return are_supports(masks, table.image, depth or table.seen(),
                        SupportConfig(**config)).tolist()


def everything_but(*masks: PlacedMask) -> PlacedMask:
    rest = np.ones(SIZE, bool)
    for (left, top, right, bottom), crop in masks:
        rest[top:bottom, left:right] &= ~crop
    return placed(rest)


def test_a_piece_of_the_table_lies_in_it_and_so_does_the_whole() -> None:
    table = Tabletop()
    box = table.put(rectangle(60, 60, 120, 110), 0.06, BLUE)
    piece = placed(polygon([(150, 60), (260, 80), (240, 180), (170, 160)]))
    assert lying(table, piece, everything_but(box), box) == [True, True, False]


def test_a_mask_of_no_depth_is_left_alone() -> None:
    table = Tabletop()
    piece = placed(polygon(rectangle(150, 60, 260, 160)))
    depth = table.seen()
    depth.metres[50:170, 140:270] = 0
    assert lying(table, piece, depth=depth) == [False]
    depth.metres[:] = 0
    assert lying(table, piece, depth=depth) == [False]


@pytest.mark.parametrize('colour', [PAPER, BLUE])
def test_a_card_of_another_colour_stands_out_though_it_has_no_height(
        colour: tuple[int, int, int]) -> None:
    table = Tabletop()
    card = table.put([(150, 60), (230, 75), (215, 150), (140, 130)], 0.0, colour)
    assert lying(table, card) == [False]


def test_a_tile_of_the_colour_of_the_table_stands_out_by_its_height() -> None:
    table = Tabletop()
    tile = table.put([(150, 60), (230, 75), (215, 150), (140, 130)], 0.007)
    assert lying(table, tile) == [False]


def test_a_shadow_lies_in_the_table() -> None:
    table = Tabletop()
    columns, rows = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    dark = 1 - 0.5 / (1 + np.exp((np.hypot(columns - 190, rows - 110) - 40) / 6))
    table.image[:] = table.image * dark[..., None]
    assert lying(table, placed(np.hypot(columns - 190, rows - 110) < 40)) == [True]


def test_a_pattern_of_the_table_makes_no_object_of_a_piece() -> None:
    table = Tabletop()
    table.image[:, ::12] = PAPER
    table.image[::12] = PAPER
    piece = placed(polygon([(153, 61), (262, 83), (247, 178), (171, 161)]))
    assert lying(table, piece) == [True]


def test_noise_far_away_is_allowed_for() -> None:
    table = Tabletop(plane(2.2))
    box = table.put(rectangle(60, 60, 90, 90), 0.15, BLUE)
    piece = placed(polygon(rectangle(150, 120, 230, 200)))
    assert lying(table, piece, box, depth=table.seen(noise=0.003)) == [True, False]


def test_what_is_longer_than_any_object_lies_in_the_table_whatever_its_colour() -> None:
    table = Tabletop()
    cloth = table.put(rectangle(20, 40, 300, 220), 0.0, BLUE)
    assert lying(table, cloth) == [True]
    assert lying(table, cloth, largest_object=2.0) == [False]


def test_the_lid_of_a_box_that_fills_the_image_is_no_support() -> None:
    table = Tabletop(plane(0.5))
    lid = table.put(rectangle(40, 30, 290, 215), 0.25, BLUE)
    depth = table.seen()
    assert fit_dominant_plane(depth.metres, CAMERA).offset == pytest.approx(0.25, abs=0.005)
    assert lying(table, lid, depth=depth) == [False]
    found, = support_planes(depth, SupportConfig())
    assert found.offset == pytest.approx(0.5, abs=0.005)


def test_a_table_that_ends_in_the_image_is_a_support() -> None:
    table = Tabletop()
    floor = depth_of(plane(1.5))
    table.metres[:70] = floor[:70]
    piece = placed(polygon([(150, 110), (260, 120), (240, 180), (170, 160)]))
    assert lying(table, piece) == [True]


def test_a_box_of_which_alone_depth_is_known_stays() -> None:
    table = Tabletop()
    box = table.put(rectangle(60, 60, 160, 140), 0.06, BLUE)
    depth = table.seen()
    (left, top, right, bottom), crop = box
    kept = np.zeros(SIZE, bool)
    kept[top:bottom, left:right] = crop
    depth.metres[~kept] = 0
    assert support_planes(depth, SupportConfig())
    assert lying(table, box, depth=depth) == [False]


def test_boxes_side_by_side_under_one_plane_stand_out_by_their_gaps() -> None:
    table = Tabletop(plane(0.8, (0.0, -0.1, -1.0)))
    table.image[:] = (40, 35, 30)
    boxes = [table.put(rectangle(left, top, left + 36, top + 36), 0.0, (170, 130, 90))
             for left in range(0, 320, 40) for top in range(0, 240, 40)]
    assert not any(lying(table, *boxes))


def test_slanted_sides_and_the_bottom_of_a_bin_are_supports() -> None:
    table = Tabletop(plane(0.8, (0.0, -0.1, -1.0)))
    left, right = plane(0.6, (0.9, 0.0, -0.45)), plane(0.6, (-0.85, 0.1, -0.5))
    surfaces = np.stack([table.metres, depth_of(left), depth_of(right)])
    nearest = surfaces.argmin(axis=0)
    table.metres = surfaces.min(axis=0)
    thing = table.put(rectangle(140, 90, 180, 120), 0.05, BLUE)
    sides = [placed((nearest == side) & polygon(rectangle(0, 30, 319, 200))) for side in (1, 2)]
    bottom = placed((nearest == 0) & polygon(rectangle(0, 130, 319, 200)))
    assert lying(table, *sides, bottom, thing) == [True, True, True, False]


def test_a_coplanar_face_of_a_heap_is_no_support() -> None:
    table = Tabletop(plane(0.6))
    tops = [table.put(rectangle(left, top, left + 55, top + 45), 0.12, (170, 130, 90))
            for left in (60, 118, 176) for top in (60, 108)]
    piece = placed(polygon(rectangle(250, 60, 310, 200)))
    assert lying(table, *tops, piece) == [False] * 6 + [True]


def test_without_masks_there_is_nothing_to_tell() -> None:
    table = Tabletop()
    assert are_supports([], table.image, table.seen(), SupportConfig()).shape == (0,)


def test_planes_know_where_they_are() -> None:
    table = Tabletop()
    found, = support_planes(table.seen(), SupportConfig())
    assert isinstance(found, Plane) and found.offset == pytest.approx(0.7, abs=0.002)
