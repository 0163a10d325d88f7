# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Seeds: the lazy choice is the paper's, pixel for pixel."""

from __future__ import annotations

from grouping.plain import plain_seeds
from metricseg_ros.grouping import lazy_seeds
from metricseg_ros.grouping.dense_seeds import dense_picks
from metricseg_ros.grouping.seeds import select_seeds
from metricseg_ros.similarity import squared_radius
import pytest
import torch

SIZES = [(1, 1), (1, 7), (9, 1), (13, 17), (24, 130), (60, 80)]


@pytest.fixture(autouse=True, params=['a small active set', 'every pixel'])
def active_set(request, monkeypatch):
    """Let every test see both ways: an active set that is often renewed, and every pixel."""
    if request.param == 'a small active set':
        monkeypatch.setattr(lazy_seeds, 'ACTIVE', 24)
        monkeypatch.setattr(lazy_seeds, 'SAMPLE_STEP', 3)


def random_scene(height, width, dim=8, seed=0):
    """Random embeddings and seediness."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(dim, height, width, generator=generator),
            torch.rand(height, width, generator=generator))


def scene_of_objects(height, width, objects=6, spread=0.05, dim=8, seed=0):
    """Vertical bars of equal embeddings but for noise, and seediness; and which bar is where."""
    generator = torch.Generator().manual_seed(seed)
    bar = torch.arange(width) * objects // width
    centres = 3 * torch.randn(objects, dim, generator=generator)
    embeddings = centres[bar].t()[:, None].expand(dim, height, width).clone()
    embeddings += spread * torch.randn(dim, height, width, generator=generator)
    scores = 0.6 + 0.4 * torch.rand(height, width, generator=generator)
    return embeddings, scores, bar.expand(height, width)


def as_list(positions):
    """Turn (K,2) into a list of pairs."""
    return [tuple(position) for position in positions.tolist()]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('weight', [0.0, 0.3, 3.0])
def test_seeds_are_those_of_the_plain_rule_on_random_embeddings(size, weight):
    embeddings, scores = random_scene(*size)
    assert as_list(select_seeds(embeddings, scores, 40, weight)) == plain_seeds(
        embeddings, scores, 40, weight)


@pytest.mark.parametrize('size', SIZES[3:])
@pytest.mark.parametrize('spread', [0.0, 1e-4, 0.05])
def test_seeds_are_those_of_the_plain_rule_on_objects(size, spread):
    embeddings, scores, _ = scene_of_objects(*size, spread=spread)
    assert as_list(select_seeds(embeddings, scores, 40, 0.3)) == plain_seeds(
        embeddings, scores, 40, 0.3)


def test_seeds_are_those_of_the_plain_rule_far_from_the_origin():
    # |p|^2 is then a million times |p - q|^2, and float32 distances are mostly rounding.
    embeddings, scores, _ = scene_of_objects(20, 70)
    embeddings += 100
    assert as_list(select_seeds(embeddings, scores, 30, 0.3)) == plain_seeds(
        embeddings, scores, 30, 0.3)


@pytest.mark.parametrize('levels', [2, 5])
def test_of_equal_values_the_first_pixel_is_taken(levels):
    embeddings, scores, _ = scene_of_objects(20, 130, spread=0.0)
    scores = (scores * levels).round() / levels
    assert as_list(select_seeds(embeddings, scores, 40, 0.3)) == plain_seeds(
        embeddings, scores, 40, 0.3)


def test_minimum_score_leaves_the_others_in_their_order():
    embeddings, scores = random_scene(20, 30)
    assert as_list(select_seeds(embeddings, scores, 30, 0.3, 0.4)) == plain_seeds(
        embeddings, scores, 30, 0.3, 0.4)


def test_dense_picks_for_gpus_are_the_lazy_ones():
    embeddings, scores = random_scene(20, 30)
    picked = dense_picks(embeddings.flatten(1), scores.flatten(), 25, 0.3)
    assert [divmod(index, 30) for index in picked] == as_list(
        select_seeds(embeddings, scores, 25, 0.3))


@pytest.mark.parametrize('rest', [0, 1, 30, 10_000])
@pytest.mark.parametrize('most', [1, 16, 50])
@pytest.mark.parametrize('tau', [0.1, 0.5, 0.95])
def test_dense_picks_end_where_the_lazy_ones_do(rest, most, tau):
    for embeddings, scores in (random_scene(20, 30, dim=2),
                               scene_of_objects(12, 60, spread=0.3)[:2],
                               scene_of_objects(12, 60, objects=1)[:2]):
        radii = torch.full_like(scores, squared_radius(tau))
        scores = torch.where(scores > 0.3, scores, 0)
        picked = dense_picks(embeddings.flatten(1), scores.flatten(), most, 0.3, radii.flatten(),
                             rest)
        assert [divmod(index, scores.shape[1]) for index in picked] == as_list(
            select_seeds(embeddings, scores, most, 0.3, 0.0, radii, rest))


@pytest.mark.parametrize('value', [torch.nan, torch.inf, 1e30])
def test_dense_picks_leave_unusable_embeddings_out(value):
    embeddings, scores = random_scene(20, 30)
    embeddings[1, 3, 4], scores[3, 4] = value, 1.5
    picked = dense_picks(embeddings.flatten(1), scores.flatten(), 10, 0.3)
    assert [divmod(index, 30) for index in picked] == as_list(
        select_seeds(embeddings, scores, 10, 0.3))


def test_dense_picks_end_when_candidates_run_out():
    embeddings, scores, _ = scene_of_objects(2, 12, objects=3, spread=0.0)
    assert len(list(dense_picks(embeddings.flatten(1), scores.flatten(), 5, 0.3))) == 3


def test_first_seed_is_the_most_seedy_pixel():
    embeddings, scores = random_scene(9, 11)
    scores[4, 5] = 1.5
    assert as_list(select_seeds(embeddings, scores, 1, 0.3)) == [(4, 5)]


def test_second_seed_lies_on_another_instance():
    embeddings, scores, bar = scene_of_objects(12, 40, objects=2)
    (first, second) = as_list(select_seeds(embeddings, scores, 2, 0.3))
    assert bar[first] != bar[second]


def test_as_many_seeds_as_objects_find_every_object():
    embeddings, scores, bar = scene_of_objects(12, 60, objects=6)
    rows, columns = select_seeds(embeddings, scores, 6, 0.3).unbind(1)
    assert sorted(bar[rows, columns].tolist()) == list(range(6))


def test_picking_ends_when_masks_explain_everything():
    embeddings, scores, bar = scene_of_objects(12, 60, objects=6)
    radii = torch.full_like(scores, squared_radius(0.5))
    picked = select_seeds(embeddings, scores, 50, 0.3, squared_radii=radii)
    assert len(picked) == 6
    assert as_list(picked) == plain_seeds(embeddings, scores, 6, 0.3)


def test_picking_goes_on_while_more_candidates_than_allowed_are_unexplained():
    embeddings = torch.zeros(1, 4, 10)
    embeddings[0, :, 5:] = 10.0
    embeddings[0, 1, 2] = 0.3
    scores = torch.full((4, 10), 0.9)
    # Hardly seedy and not far, but outside the masks of both sides.
    embeddings[0, 3, 3], scores[3, 3] = -1.2, 0.01
    radii = torch.full_like(scores, squared_radius(0.5))
    for rest, last in ((0, (3, 3)), (1, (0, 5))):
        picked = as_list(select_seeds(embeddings, scores, 50, 0.3, squared_radii=radii,
                                      unexplained_rest=rest))
        assert picked[-1] == last


def test_equal_embeddings_give_one_seed():
    picked = select_seeds(torch.ones(4, 5, 6), torch.full((5, 6), 0.5), 10, 0.3)
    assert as_list(picked) == [(0, 0)]


def test_no_candidates_give_no_seeds():
    embeddings, scores = random_scene(4, 5)
    assert select_seeds(embeddings, scores * 0, 10, 0.3).shape == (0, 2)
    assert select_seeds(embeddings, scores, 10, 0.3, minimum_score=2.0).shape == (0, 2)


@pytest.mark.parametrize('scale', [1e-20, 1e-6, 1e4, 1e17])
def test_seeds_are_those_of_the_plain_rule_whatever_the_scale(scale):
    embeddings, scores = random_scene(20, 70)
    assert as_list(select_seeds(embeddings * scale, scores, 30, 0.3)) == plain_seeds(
        embeddings * scale, scores, 30, 0.3)


def test_seeds_are_those_of_the_plain_rule_where_few_pixels_differ():
    embeddings, scores = torch.zeros(4, 30, 40), torch.full((30, 40), 0.75)
    embeddings[:, 7, 3], embeddings[:, 29, 39], embeddings[:, 0, 0] = 1e-3, 2.0, 1e3
    assert as_list(select_seeds(embeddings, scores, 10, 0.3)) == plain_seeds(
        embeddings, scores, 10, 0.3)


@pytest.mark.parametrize('value', [torch.nan, torch.inf, 1e30])
def test_pixel_of_unusable_embedding_is_no_candidate(value):
    embeddings, scores = random_scene(20, 30)
    embeddings[1, 3, 4], scores[3, 4] = value, 1.5
    usable = scores.clone()
    usable[3, 4] = 0
    assert as_list(select_seeds(embeddings, scores, 10, 0.3)) == plain_seeds(
        embeddings.where(embeddings.isfinite(), 0), usable, 10, 0.3)
