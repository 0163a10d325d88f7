# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Names are judged under the true masks, and the shares are those worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from benchmarks.command import main
from benchmarks.names import named_as, named_things, NamedThing, share_rows
from metricseg_ros.cli.exit_codes import BAD_USAGE
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.structures import EmbeddedImage, NetworkOutput
import numpy as np
import pytest
import torch

TO_IMAGE = np.array([[8.0, 3.5], [8.0, 3.5]])
"""A grid of 2x4 cells in an image of 16x32 pixels: cell i has its centre at pixel 8 i + 3.5."""


def segmenter(output: NetworkOutput, classes: Sequence[str]) -> SimpleNamespace:
    """Stand in for a segmenter whose network says the same of every image."""
    return SimpleNamespace(
        description=SimpleNamespace(classes=tuple(classes)),
        embed=lambda image, depth: EmbeddedImage(output, image.shape[:2], TO_IMAGE))


def sample(class_ids: Sequence[int]) -> LabelledImage:
    """Label three things: the two cells at the top left, the two beside them, one pixel."""
    labels = np.zeros((16, 32), np.uint16)
    labels[:8, :16], labels[:8, 16:], labels[15, 31] = 1, 2, 3
    return LabelledImage(np.zeros((16, 32, 3), np.uint8), labels, np.array(class_ids, np.uint16))


def output(**names: torch.Tensor | int) -> NetworkOutput:
    return NetworkOutput(torch.zeros(1, 2, 4), torch.zeros(1, 2, 2, 4), (0.5,), **names)


def test_the_mean_under_the_true_mask_names_a_thing() -> None:
    # Of the first thing's two cells one says a cup by 1, the other a ball by 3, which is more.
    # The second thing's say a cup by 2 and by 0. What lies under neither says a ball by 9.
    cup = torch.tensor([[1.0, 0, 2, 0], [0, 0, 0, 0]])
    ball = torch.tensor([[0.0, 3, 0, 0], [9, 9, 9, 9]])
    found = list(named_things(sample([0, 2, 1, 2]), ('ball', 'cup'), segmenter(
        output(name_logits=torch.stack([cup, ball])), ('cup', 'ball'))))
    # The pixel at the corner is the centre of no cell.
    assert found == [NamedThing('cup', 'ball', 128), NamedThing('ball', 'cup', 128), None]


def test_names_of_a_coarser_map_count_by_what_the_mask_covers() -> None:
    # A cell of the names covers 2x2 of the grid: each thing lies in one of them.
    logits = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    found = list(named_things(sample([0, 1, 2, 0]), ('cup', 'ball'), segmenter(
        output(name_logits=logits, name_stride=2), ('cup', 'ball'))))
    # The third is of unknown class, and asked for nothing.
    assert found == [NamedThing('cup', 'cup', 128), NamedThing('ball', 'ball', 128)]


def test_without_an_output_of_names_the_classes_of_all_thresholds_name() -> None:
    logits = torch.zeros(2, 3, 2, 4)  # Thresholds, background and two classes.
    logits[0, 1], logits[1, 2], logits[:, 0] = 1, 3, 99
    found = list(named_things(sample([0, 1, 2, 0]), ('cup', 'ball'), segmenter(
        NetworkOutput(torch.zeros(1, 2, 4), logits, (0.5, 0.9)), ('cup', 'ball'))))
    assert [thing.given for thing in found] == ['ball', 'ball']


def test_an_image_without_things_names_none() -> None:
    empty = LabelledImage(np.zeros((16, 32, 3), np.uint8), np.zeros((16, 32), np.uint16),
                          np.zeros(1, np.uint16))
    assert list(named_things(empty, (), segmenter(
        output(name_logits=torch.zeros(2, 2, 4)), ('cup', 'ball')))) == []


def test_shares_are_told_of_all_of_large_ones_and_by_class() -> None:
    things = [NamedThing('cup', 'cup', 1024), NamedThing('cup', 'bowl', 1023),
              NamedThing('cup', 'object', 5000), NamedThing('object', 'object', 10)]
    rows = {row['things']: (row['count'], row['right']) for row in share_rows(things)}
    assert rows == {'all': (4, 0.5), 'large': (2, 0.5), 'all but object': (3, 0.333),
                    'cup': (3, 0.333), 'object': (1, 1.0)}


def test_classes_that_the_model_does_not_have_mean_household_ones() -> None:
    data = SimpleNamespace(classes=('wine glass', 'sofa'))
    assert named_as(data, HOUSEHOLD_CLASSES).classes == HOUSEHOLD_CLASSES
    own = SimpleNamespace(classes=('screw',))
    assert named_as(own, ('screw', 'nut')) is own
    with pytest.raises(ValueError, match='none of which'):
        named_as(data, ('screw', 'nut'))


def test_a_call_without_a_data_set_is_refused() -> None:
    assert main('names', ['grouping.minimum_score=0.5']) == BAD_USAGE
