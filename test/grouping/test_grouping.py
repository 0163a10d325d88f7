# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Grouping: masks of seeds, and what is dropped of them."""

from __future__ import annotations

from dataclasses import replace
import math

from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping import group, seediness, SeedMasks
from metricseg_ros.grouping.masks import (
    drop_duplicates,
    drop_small,
    drop_unlikely,
    grow_masks,
    keep_connected,
    mask_iou,
    mean_names,
    mean_scores,
    name_masks,
    vote_classes,
)
from metricseg_ros.grouping.rehearsal import rehearse
from metricseg_ros.similarity import similarity
from metricseg_ros.structures import NetworkOutput, Seeds
import pytest
import torch

THRESHOLDS = (0.25, 0.5, 0.75, 0.9)


def seeds_at(*positions, scores=None, threshold=0.5):
    """Seeds of class 1 at these (row, col)."""
    count = len(positions)
    return Seeds(torch.tensor(positions).reshape(-1, 2),
                 torch.tensor(scores or [0.9] * count),
                 torch.ones(count, dtype=torch.int64), torch.full((count,), threshold))


def masks_of(*masks, scores=None):
    """Masks drawn by hand, each with its seed at its first pixel."""
    drawn = torch.tensor(masks, dtype=torch.bool)
    positions = [tuple(mask.nonzero()[0].tolist()) for mask in drawn]
    return SeedMasks(seeds_at(*positions, scores=scores),
                     torch.where(drawn, 1.0, -1.0))


def output_of(label_map, score_logit=4.0):
    """Make a network's output for a label map: distinct embeddings, objects seedy."""
    count = int(label_map.max()) + 1
    embeddings = 3.0 * torch.eye(count)[label_map].permute(2, 0, 1)
    logits = torch.zeros(len(THRESHOLDS), 2, *label_map.shape)
    logits[:, 1] = torch.where(label_map > 0, score_logit, -score_logit)
    return NetworkOutput(embeddings.contiguous(), logits, THRESHOLDS)


@pytest.fixture
def label_map():
    """Three objects on background, 20x30."""
    label_map = torch.zeros(20, 30, dtype=torch.int64)
    label_map[2:8, 3:12] = 1
    label_map[10:18, 5:15] = 2
    label_map[4:16, 18:27] = 3
    return label_map


@pytest.mark.parametrize('classes', [1, 5])
def test_seediness_is_the_best_score_over_thresholds_and_classes(classes):
    logits = torch.randn(4, classes + 1, 5, 7)
    output = NetworkOutput(torch.zeros(3, 5, 7), logits, THRESHOLDS)
    best = seediness(output)
    scores = logits.softmax(1)[:, 1:]
    for row, column in ((0, 0), (2, 3), (4, 6)):
        here = scores[:, :, row, column]
        threshold, klass = divmod(int(here.argmax()), classes)
        assert best.scores[row, column] == pytest.approx(float(here.max()))
        assert best.class_ids[row, column] == klass + 1
        assert best.similarity_thresholds[row, column] == pytest.approx(THRESHOLDS[threshold])


def test_mask_holds_just_the_pixels_of_at_least_the_threshold():
    embeddings = torch.randn(4, 9, 11) * 0.4
    grown = grow_masks(embeddings, seeds_at((3, 4), threshold=0.75))
    distances = (embeddings - embeddings[:, 3:4, 4:5]).square().sum(0)
    assert torch.equal(grown.masks[0], similarity(distances) >= 0.75)


def test_masks_of_one_seed_nest_with_the_threshold():
    embeddings = torch.randn(4, 9, 11) * 0.4
    loose, tight = (grow_masks(embeddings, seeds_at((3, 4), threshold=t)).masks
                    for t in (0.25, 0.9))
    assert (tight & ~loose).sum() == 0
    assert tight.sum() < loose.sum()


def test_seed_is_in_its_own_mask_even_at_threshold_one():
    embeddings = torch.randn(16, 9, 11) * 1000
    assert grow_masks(embeddings, seeds_at((3, 4), threshold=1.0)).masks[0, 3, 4]


def test_masks_come_by_decreasing_score():
    seeds = seeds_at((0, 0), (1, 1), (2, 2), scores=[0.2, 0.9, 0.5])
    grown = grow_masks(torch.randn(4, 3, 3), seeds)
    assert grown.seeds.positions.tolist() == [[1, 1], [2, 2], [0, 0]]


def test_connected_part_is_the_seeds_own():
    both = masks_of([[1, 1, 0, 1], [1, 0, 0, 1]])
    kept = keep_connected(both).masks[0]
    assert kept.tolist() == [[True, True, False, False], [True, False, False, False]]


def test_pixels_that_touch_at_a_corner_are_connected():
    corner = masks_of([[1, 0], [0, 1]])
    assert keep_connected(corner).masks.sum() == 2


def test_mask_smaller_than_the_minimum_is_dropped_and_one_as_large_is_kept():
    masks = masks_of([[1, 1, 1]], [[1, 1, 0]])
    assert len(drop_small(masks, 3).seeds) == 1
    assert len(drop_small(masks, 2).seeds) == 2


def test_iou_of_masks_has_the_value_counted_by_hand():
    masks = torch.tensor([[[1, 1, 0, 0]], [[0, 1, 1, 0]], [[0, 0, 0, 1]], [[0, 0, 0, 0]]],
                         dtype=torch.bool)
    iou = mask_iou(masks)
    assert iou[0, 1] == pytest.approx(1 / 3)
    assert iou[0, 2] == iou[3, 3] == 0
    assert iou[0, 0] == 1


def test_duplicate_of_a_better_mask_is_dropped():
    masks = masks_of([[1, 1, 1, 0]], [[1, 1, 0, 0]], [[0, 0, 0, 1]], scores=[0.9, 0.8, 0.7])
    assert drop_duplicates(masks, 0.5).seeds.scores.tolist() == pytest.approx([0.9, 0.7])
    assert len(drop_duplicates(masks, 0.7).seeds) == 3


def test_mask_whose_pixels_take_themselves_for_background_is_dropped():
    masks = masks_of([[1, 1, 1, 1, 0, 0]], [[0, 0, 0, 0, 1, 1]])
    scores = torch.tensor([[0.9, 0.1, 0, 0, 0.2, 0.4]])
    assert mean_scores(scores, masks.masks).tolist() == pytest.approx([0.25, 0.3])
    assert drop_unlikely(masks, scores, 0.24) is masks
    assert drop_unlikely(masks, scores, 0.26).masks[:, 0].int().tolist() == [[0, 0, 0, 0, 1, 1]]


def test_grouping_drops_what_only_its_seed_takes_for_an_object(label_map):
    output = output_of(label_map)
    sure = torch.where(label_map == 2, -9.0, output.class_logits[:, 1])
    row, column = (label_map == 2).nonzero()[0].tolist()
    sure[:, row, column] = 9.0
    output.class_logits[:, 1] = sure
    found = {least: len(group(output, replace(GroupingConfig(), minimum_mean_score=least)).seeds)
             for least in (0.0, 0.15)}
    assert found == {0.0: 3, 0.15: 2}


@pytest.mark.parametrize('spoiled', [None, -torch.inf, torch.inf, torch.nan])
def test_class_of_a_mask_is_voted_by_its_pixels_at_its_own_threshold(spoiled):
    masks = masks_of([[1, 1, 1, 0]], [[0, 0, 0, 1]])
    logits = torch.zeros(len(THRESHOLDS), 3, 1, 4)
    # At tau = 0.5 the seed is for class 1, and the others of its mask for class 2.
    logits[1, 1, 0] = torch.tensor([3.0, 0.0, 0.0, 1.0])
    logits[1, 2, 0] = torch.tensor([0.0, 2.0, 2.0, 0.0])
    logits[0, 1] = logits[2:, 1] = 9.0
    if spoiled is not None:
        logits[1, 1, 0, 3] = spoiled  # Of no pixel of the first mask.
    voted = vote_classes(masks, NetworkOutput(torch.zeros(2, 1, 4), logits, THRESHOLDS))
    # The second mask has no other pixel: its class is the spoiled one or the other.
    assert voted.seeds.class_ids.tolist() == [2, 1 if spoiled in (None, torch.inf) else 2]
    assert voted.margins is masks.margins


@pytest.mark.parametrize('spoiled', [-torch.inf, torch.inf, torch.nan])
def test_name_of_a_mask_is_that_of_the_mean_over_its_pixels_on_a_coarser_map(spoiled):
    # Cells of 2x2 pixels, and a last column and row of cells that are half outside.
    masks = masks_of([[1, 1, 1, 0, 0]], [[0, 0, 0, 1, 1]])
    names = torch.zeros(3, 1, 3)
    names[0, 0], names[1, 0] = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 5.0, 0.0])
    output = NetworkOutput(torch.zeros(2, 1, 5), torch.zeros(len(THRESHOLDS), 2, 1, 5), THRESHOLDS,
                           names, 2)
    # The first mask has two pixels of the first cell and one of the second: (6, 5, 0) / 3.
    assert mean_names(masks.masks, names, 2)[0].tolist() == pytest.approx([2, 5 / 3, 0])
    assert name_masks(masks, output).seeds.class_ids.tolist() == [1, 2]
    names[2, 0, 2] = spoiled  # Of no pixel of the first mask.
    assert name_masks(masks, output).seeds.class_ids[0] == 1


def test_mask_that_overlaps_only_a_dropped_one_is_kept():
    masks = masks_of([[1, 1, 1, 0, 0]], [[0, 1, 1, 0, 0]], [[0, 0, 1, 1, 0]])
    kept = drop_duplicates(masks, 0.3)
    assert kept.masks[:, 0].int().tolist() == [[1, 1, 1, 0, 0], [0, 0, 1, 1, 0]]


def test_every_object_becomes_one_mask_exactly(label_map):
    masks = group(output_of(label_map), GroupingConfig())
    found = {tuple(mask.flatten().tolist()) for mask in masks.masks}
    assert found == {tuple((label_map == label).flatten().tolist()) for label in (1, 2, 3)}


def test_score_is_that_of_the_class_head(label_map):
    masks = group(output_of(label_map, score_logit=2.0), GroupingConfig())
    assert masks.seeds.scores.tolist() == pytest.approx([1 / (1 + math.exp(-2.0))] * 3)


def test_minimum_score_above_all_scores_gives_nothing(label_map):
    config = replace(GroupingConfig(), minimum_score=0.999)
    assert len(group(output_of(label_map), config).seeds) == 0


def test_minimum_area_is_a_share_of_the_image(label_map):
    config = replace(GroupingConfig(), minimum_area=60 / label_map.numel())
    masks = group(output_of(label_map), config)
    assert sorted(masks.masks.sum((1, 2)).tolist()) == [80, 108]


def test_background_alone_gives_nothing():
    masks = group(output_of(torch.zeros(8, 9, dtype=torch.int64)), GroupingConfig())
    assert masks.margins.shape == (0, 8, 9)


def test_masks_of_which_none_is_left_out_are_not_copied():
    masks = masks_of([[1, 1, 1]], [[1, 1, 0]])
    assert drop_small(masks, 1) is masks
    assert drop_duplicates(masks, 1.0) is masks


def test_fixed_threshold_is_that_of_every_mask_scored_by_the_nearest_trained_one(label_map):
    output = output_of(label_map)
    output.class_logits[2, 1] = torch.where(label_map > 0, 1.0, -4.0)
    config = replace(GroupingConfig(), similarity_threshold=0.7)
    seeds = group(output, config).seeds
    assert seeds.similarity_thresholds.tolist() == pytest.approx([0.7] * 3)
    assert seeds.scores.tolist() == pytest.approx([1 / (1 + math.exp(-1.0))] * 3)


def test_grouping_takes_the_mean_shift_steps_it_is_told():
    embeddings = torch.tensor([0, 0.5, 1, 1.5, 5]).view(1, 1, 5)
    logits = torch.tensor([0.0, -9.0]).view(1, 2, 1, 1).repeat(1, 1, 1, 5)
    logits[0, 1, 0, 0] = 9.0
    output = NetworkOutput(embeddings, logits, (0.5,))
    grown = [group(output, replace(GroupingConfig(), mean_shift_steps=steps)).masks.sum().item()
             for steps in (0, 1)]
    assert grown == [3, 4]


@pytest.mark.parametrize('classes', [1, 3])
@pytest.mark.parametrize('size', [(8, 12), (72, 96), (9, 7)])
def test_a_rehearsal_finds_four_objects_where_a_network_sees_nothing(size, classes):
    nothing = NetworkOutput(torch.zeros(4, *size), torch.zeros(4, classes + 1, *size), THRESHOLDS)
    nothing.class_logits[:, 0] = 9.0
    assert len(group(nothing, GroupingConfig()).seeds) == 0
    masks = rehearse(nothing)
    assert len(masks.seeds) == 4
    assert masks.masks.sum(0).eq(1).all()
