# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A click takes what looks alike, and never from an object that it did not point at."""

from __future__ import annotations

from labelled_bands import columns, image, SIZE, WITHOUT_OUTLINES
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.labelling.labels import LabelError, Labels
from metricseg_ros.labelling.pointing import added, anchor, cut, extended, part_at, presegmented
from metricseg_ros.structures import Instances
import numpy as np
import pytest

THREE = image(0, 10, 20)
IN_LEFT, IN_MIDDLE, IN_RIGHT = (12.0, 6.0), (12.0, 22.0), (12.0, 40.0)
NEAR = 2  # Pixels that an edge may be off, as masks are interpolated within a cell.


def empty() -> Labels:
    return Labels(np.zeros(SIZE, np.uint16))


def with_band(left: int, right: int, label: int = 1, of: Labels | None = None) -> Labels:
    label_map = (of or empty()).label_map.copy()
    label_map[:, left:right] = label
    return Labels(label_map, ('cup', 'book'))


def near(found: tuple[int, int], left: int, right: int) -> bool:
    return abs(found[0] - left) <= NEAR and abs(found[1] - right) <= NEAR


def test_a_click_adds_the_object_under_it() -> None:
    result, object_id = added(empty(), THREE, WITHOUT_OUTLINES, IN_MIDDLE, 'cup')
    assert near(columns(result.mask(object_id)), 16, 32)
    assert result.names[object_id - 1] == 'cup'


def test_adding_beside_an_object_leaves_it_whole() -> None:
    before = with_band(16, 24)  # Half of the middle band is taken.
    result, object_id = added(before, THREE, WITHOUT_OUTLINES, (12.0, 28.0), 'book')
    assert (result.mask(1) == before.mask(1)).all()
    assert near(columns(result.mask(object_id)), 24, 32)


def test_adding_where_pixels_are_ignored_takes_them() -> None:
    before = with_band(16, 32, IGNORE_LABEL)
    result, object_id = added(before, THREE, WITHOUT_OUTLINES, IN_MIDDLE, 'cup')
    assert near(columns(result.mask(object_id)), 16, 32)


def test_extending_takes_the_ground_alone_unless_an_object_is_clicked_on() -> None:
    before = with_band(32, 40, 2, with_band(0, 16))
    on_ground = extended(before, THREE, WITHOUT_OUTLINES, 1, (12.0, 44.0))
    assert (on_ground.mask(2) == before.mask(2)).all()
    assert on_ground.mask(1)[:, 44:].all()
    on_object = extended(before, THREE, WITHOUT_OUTLINES, 1, (12.0, 36.0))
    assert on_object.mask(1)[:, 36:].all()
    assert 2 not in on_object.ids


def test_cutting_takes_what_looks_like_the_click_and_not_like_the_middle() -> None:
    before = with_band(0, 32)
    after = cut(before, THREE, WITHOUT_OUTLINES, 1, IN_MIDDLE)
    assert near(columns(after.mask(1)), 0, 16)
    # Whichever side is clicked, the other stays.
    assert near(columns(cut(before, THREE, WITHOUT_OUTLINES, 1, IN_LEFT).mask(1)), 16, 32)


def test_a_part_is_split_off_where_one_clicks() -> None:
    part = part_at(with_band(0, 32), THREE, WITHOUT_OUTLINES, 1, IN_MIDDLE)
    assert near(columns(part), 16, 32)


def test_the_anchor_is_inside_and_away_from_the_click() -> None:
    mask = np.zeros(SIZE, bool)
    mask[2:20, 4:40] = True
    for click in ((10.0, 8.0), (10.0, 36.0), (3.0, 22.0)):
        row, column = anchor(mask, click)
        assert mask[int(row), int(column)]
        assert np.hypot(row - click[0], column - click[1]) >= 6


@pytest.mark.parametrize(('do', 'reason'), [
    (lambda: cut(with_band(0, 16), THREE, WITHOUT_OUTLINES, 1, IN_RIGHT), 'not of the object'),
    (lambda: cut(with_band(0, 16), THREE, WITHOUT_OUTLINES, 3, IN_LEFT), 'there is no object 3'),
    (lambda: cut(with_band(0, 16), THREE, WITHOUT_OUTLINES, 1, IN_LEFT),
     'looks the same.*use brush and eraser'),
    (lambda: extended(with_band(0, 16), THREE, WITHOUT_OUTLINES, 1, IN_LEFT), 'has all'),
    (lambda: added(empty(), THREE, WITHOUT_OUTLINES, (12.0, 999.0), 'cup'), 'outside the image'),
    (lambda: added(empty(), THREE, WITHOUT_OUTLINES, (float('nan'), 2.0), 'cup'), 'outside')])
def test_a_click_that_cannot_be_answered_says_why(do, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        do()


def test_what_a_model_finds_becomes_labels() -> None:
    crop = np.ones((2, 3), bool)
    found = Instances((4, 6), np.array([1], np.uint16), np.array([2], np.uint16),
                      np.array([0.9], np.float32), np.array([[1, 1, 4, 3]], np.int32), (crop,),
                      np.array([[1, 1]], np.int32), np.array([0.5], np.float32))
    labels = presegmented(found, ['book'])
    assert labels.names == ('book',)
    assert labels.mask(1).sum() == 6
