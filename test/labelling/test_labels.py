# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person does to labels changes the pixels meant, and no others."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.labelling.history import History
from metricseg_ros.labelling.labels import (
    LabelError,
    Labels,
    merged,
    painted,
    renamed,
    split,
    stroke,
    with_object,
)
import numpy as np
import pytest


def labels(*rows: str, names: tuple[str, ...] = ('cup', 'book', 'pen')) -> Labels:
    digits = {'.': 0, '#': IGNORE_LABEL}
    return Labels(np.array([[digits.get(letter) if letter in digits else int(letter)
                             for letter in row] for row in rows], np.uint16), names)


def rows(result: Labels) -> list[str]:
    return [''.join({0: '.', IGNORE_LABEL: '#'}.get(int(value), str(value)) for value in row)
            for row in result.label_map]


def mask(*rows: str) -> np.ndarray:
    return np.array([[letter == 'x' for letter in row] for row in rows])


def test_a_new_object_takes_the_smallest_free_id_and_its_class() -> None:
    result, object_id = with_object(labels('1.3.'), mask('.x.x'), 'box')
    assert (rows(result), object_id) == (['1232'], 2)
    assert result.names == ('cup', 'box', 'pen')


def test_the_first_object_of_an_image_without_names_has_a_name() -> None:
    result, object_id = with_object(labels('....', names=()), mask('x...'), 'cup')
    assert (object_id, result.names) == (1, ('cup',))


def test_labels_are_not_changed_in_place() -> None:
    before = labels('1.')
    painted(before, mask('xx'), 2)
    assert rows(before) == ['1.']


def test_merging_keeps_the_first_one_chosen() -> None:
    result = merged(labels('1223'), [2, 3])
    assert (rows(result), result.names[1]) == (['1222'], 'book')


def test_splitting_by_a_part_and_by_pieces() -> None:
    assert rows(split(labels('1111'), 1, mask('..xx'))) == ['1122']
    pieces = split(labels('111..1.1'), 1)
    assert rows(pieces) == ['111..2.3']
    assert pieces.names == ('cup', 'cup', 'cup')


@pytest.mark.parametrize(('change', 'reason'), [
    (lambda: merged(labels('12'), [1, 1]), 'choose two objects'),
    (lambda: merged(labels('12'), [1, 7]), 'there is no object 7'),
    (lambda: split(labels('11.'), 1), 'cannot be split'),
    (lambda: split(labels('11.'), 1, mask('xx.')), 'cannot be split'),
    (lambda: with_object(labels('1'), mask('.'), 'cup'), 'nothing under the click'),
    (lambda: labels('#1').mask(IGNORE_LABEL), 'there is no object'),
    (lambda: stroke((4, 4), np.zeros((1, 2)), 0), r'radius must be in \(0, 500\]'),
    (lambda: stroke((4, 4), np.zeros((1, 2)), float('nan')), 'radius must be')])
def test_what_cannot_be_done_is_told(change, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        change()


@pytest.mark.parametrize('radius', [1.0, 3.5, 10.0])
def test_a_brush_covers_what_lies_within_its_radius_of_its_way(radius: float) -> None:
    way = np.array([[20.0, 15.0], [20.0, 60.0], [40.0, 60.0]])
    drawn = stroke((60, 80), way, radius)
    grid_rows, grid_columns = np.mgrid[:60, :80]
    distance = np.min([_distance(grid_rows, grid_columns, *ends) for ends in zip(way, way[1:])],
                      axis=0)
    assert drawn[distance < radius - 0.8].all()
    assert not drawn[distance > radius + 1.2].any()


def _distance(rows: np.ndarray, columns: np.ndarray, start: np.ndarray,
              end: np.ndarray) -> np.ndarray:
    along = (end - start) / np.hypot(*(end - start))
    relative = np.stack([rows - start[0], columns - start[1]], axis=-1)
    place = np.clip(relative @ along, 0, np.hypot(*(end - start)))
    return np.linalg.norm(relative - place[..., None] * along, axis=-1)


def test_a_brush_may_leave_the_image() -> None:
    drawn = stroke((10, 10), np.array([[5.0, -1e12], [5.0, 1e12]]), 1)
    assert drawn[5].all()
    assert not drawn[:3].any()


def test_undo_and_redo_go_back_and_forth_and_a_change_forgets_what_was_undone() -> None:
    history = History(labels('1.'))
    history = history.changed(renamed(labels('12'), 2, 'tin')).changed(labels('11')).undone()
    assert rows(history.present) == ['12']
    assert history.present.names[1] == 'tin'
    history = history.undone().undone()  # There is nothing before the first.
    assert rows(history.present) == ['1.']
    history = history.redone()
    assert rows(history.present) == ['12']
    history = history.changed(labels('..')).redone()
    assert rows(history.present) == ['..']
