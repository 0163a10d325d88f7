# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures of identity against cases worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.ids.identity import (
    FrameIdentities,
    hota,
    id_switches,
    identity_f1,
    match_identities,
)
from metricseg_ros.config import IGNORE_LABEL
import numpy as np
import pytest


def frame(predicted: dict[int, int], true: Sequence[int] = (1, 2), iou: float = 1.0
          ) -> FrameIdentities:
    """
    Make an image in which every truth is one mask or none.

    :param predicted: truth -> id of its mask.
    :param true: the truths.
    :param iou: of truth and mask.
    :return: the image.
    """
    ious = np.zeros((len(true), len(predicted)))
    for column, truth in enumerate(predicted):
        ious[list(true).index(truth), column] = iou
    return FrameIdentities(np.array(true), np.array(list(predicted.values()), np.int64), ious)


def test_a_perfect_tracker_makes_no_switch_and_scores_one() -> None:
    frames = [frame({1: 7, 2: 8})] * 3
    assert (id_switches(frames), identity_f1(frames)) == (0, 1.0)
    assert hota(frames) == pytest.approx(1)


def test_an_id_that_changes_half_way_is_one_switch() -> None:
    frames = [frame({1: predicted}, true=[1]) for predicted in (7, 7, 8, 8)]
    assert id_switches(frames) == 1
    # Of 4 truths and 4 finds the best single id explains 2.
    assert identity_f1(frames) == 2 * 2 / (4 + 4)
    # All is detected; each find shares 2 of 4 images with its truth.
    assert hota(frames) == pytest.approx(np.sqrt(2 / 4))


def test_ids_that_are_swapped_half_way_are_two_switches() -> None:
    frames = [frame({1: 7, 2: 8})] * 2 + [frame({1: 8, 2: 7})] * 2
    assert (id_switches(frames), identity_f1(frames)) == (2, 0.5)
    # 2 images together, 2 of the truth and 2 of the id without the other.
    assert hota(frames) == pytest.approx(np.sqrt(2 / 6))


def test_what_is_missed_costs_detection_but_is_no_switch() -> None:
    frames = [frame({1: 7}, true=[1]), frame({}, true=[1])] * 2
    assert id_switches(frames) == 0
    assert identity_f1(frames) == pytest.approx(2 * 2 / (4 + 2))
    assert hota(frames) == pytest.approx(np.sqrt(2 / 4 * 2 / 4))


def test_another_id_after_a_gap_is_a_switch() -> None:
    assert id_switches([frame({1: 7}), frame({}), frame({1: 8})]) == 1


def test_an_id_taken_over_from_a_neighbour_is_a_switch_of_the_one_found() -> None:
    assert id_switches([frame({1: 7}), frame({2: 7})]) == 0
    assert id_switches([frame({1: 7, 2: 8}), frame({2: 7})]) == 1


def test_a_pair_stays_together_while_it_overlaps_enough() -> None:
    both = FrameIdentities(np.array([1]), np.array([7, 8]), np.array([[0.5, 0.8]]))
    assert id_switches([frame({1: 7}, true=[1]), both]) == 0
    less = FrameIdentities(np.array([1]), np.array([7, 8]), np.array([[0.49, 0.8]]))
    assert id_switches([frame({1: 7}, true=[1]), less]) == 1


def test_hota_is_a_mean_over_ious() -> None:
    # 0.6 passes 12 of the 19 thresholds 0.05 ... 0.95.
    assert hota([frame({1: 7}, true=[1], iou=0.6)]) == pytest.approx(12 / 19)


def test_nothing_said_of_nothing_is_right_and_something_is_wrong() -> None:
    nothing = FrameIdentities(np.array([]), np.array([]), np.zeros((0, 0)))
    assert (id_switches([nothing]), identity_f1([nothing]), hota([nothing])) == (0, 1.0, 1.0)
    invented = FrameIdentities(np.array([]), np.array([3]), np.zeros((0, 1)))
    assert (identity_f1([invented]), hota([invented])) == (0.0, 0.0)


def test_label_maps_are_compared_by_the_iou_of_every_pair() -> None:
    truth, predicted = np.zeros((2, 6), np.uint16), np.zeros((2, 6), np.uint16)
    truth[:, :2], truth[:, 4:] = 5, 9
    predicted[:, 1:3] = 300
    found = match_identities(truth, predicted)
    assert (found.true_ids.tolist(), found.predicted_ids.tolist()) == ([5, 9], [300])
    np.testing.assert_allclose(found.ious, [[2 / 6], [0]])


def test_ignored_pixels_count_for_nothing() -> None:
    truth = np.array([[5, 5, IGNORE_LABEL]], np.uint16)
    found = match_identities(truth, np.array([[1, 1, 1]], np.uint16))
    np.testing.assert_allclose(found.ious, [[1]])
    hidden = match_identities(truth, np.array([[0, 0, 2]], np.uint16))
    assert hidden.ious.shape == (1, 0)


def test_ious_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r'ious must be \(1, 2\), got \(2, 1\)'):
        FrameIdentities(np.array([1]), np.array([1, 2]), np.zeros((2, 1)))
