# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Losses, their samples and targets: values derived by hand, and always finite."""

from __future__ import annotations

import math

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.similarity import squared_radius
from metricseg_ros.training.losses import classification_loss, embedding_loss, pair_weights
from metricseg_ros.training.sampling import sample_pixels
from metricseg_ros.training.targets import grown_iou, object_shares
import pytest
import torch


def test_pair_weights_sum_to_one_and_give_every_pair_of_instances_its_due():
    labels = torch.tensor([1, 1, 1, 2])
    weights = pair_weights(labels)
    # Before normalising: 6 ordered pairs inside instance 1 at 1/9, 6 between at 1/3.
    total = 6 / 9 + 6 / 3
    assert weights.sum().item() == pytest.approx(1)
    assert weights[0, 1].item() == pytest.approx(1 / 9 / total)
    assert weights[0, 3].item() == pytest.approx(1 / 3 / total)
    assert weights.diagonal().tolist() == [0, 0, 0, 0]


def test_background_pairs_can_be_switched_off():
    weights = pair_weights(torch.tensor([0, 0, 1, 1]), background_pairs=False)
    assert weights[0, 1] == 0
    assert weights[0, 2] > 0
    assert weights[2, 3] > 0


def test_pairs_within_instances_weigh_what_they_are_told_to():
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3])
    same = labels[:, None] == labels[None, :]
    plain, weights = pair_weights(labels), pair_weights(labels, same_pair_share=0.4)
    assert weights.sum().item() == pytest.approx(1)
    assert weights[same].sum().item() == pytest.approx(0.4)
    # Among themselves they keep the proportions of the paper.
    for kind in (same, ~same):
        kept = weights[kind] / weights[kind].sum()
        torch.testing.assert_close(kept, plain[kind] / plain[kind].sum())


def test_one_instance_alone_keeps_the_whole_weight():
    assert pair_weights(torch.tensor([1, 1, 1]), same_pair_share=0.4).sum().item() == (
        pytest.approx(1))


def test_embedding_loss_has_the_value_of_the_formula():
    # Two pixels of one instance at d2 = 1, one of another at d2 = 4 and 1 from them.
    embeddings = torch.tensor([[0.0], [1.0], [2.0]])
    labels = torch.tensor([1, 1, 2])

    def sigma(d2):
        return 2 / (1 + math.exp(d2))

    weights = {'same': 1 / 4, 'other': 1 / 2}
    total = 2 * weights['same'] + 4 * weights['other']
    expected = -(2 * weights['same'] * math.log(sigma(1)) + 2 * weights['other'] * (
        math.log(1 - sigma(4)) + math.log(1 - sigma(1)))) / total
    assert embedding_loss(embeddings, labels).item() == pytest.approx(expected, rel=1e-5)


def test_embedding_loss_falls_when_instances_move_apart():
    labels = torch.arange(4).repeat_interleave(5)
    near, far = (torch.eye(4)[labels] * scale for scale in (0.5, 3.0))
    assert embedding_loss(far, labels) < embedding_loss(near, labels)


@pytest.mark.parametrize('labels', [[], [1], [1, 1, 1], [0, 0], [0, 1], [1, 2, 3]])
@pytest.mark.parametrize('scale', [0.0, 1e-8, 1.0, 1e4])
def test_embedding_loss_and_gradient_are_finite_whatever_is_sampled(labels, scale):
    embeddings = (torch.ones(len(labels), 3) * scale).requires_grad_()
    loss = embedding_loss(embeddings, torch.tensor(labels, dtype=torch.int64))
    loss.backward()
    assert loss.isfinite()
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize('labels', [[0, 0, 1, 1, 2, 2], [1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5]])
def test_embedding_loss_passes_gradcheck(labels):
    embeddings = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda e: embedding_loss(e, torch.tensor(labels)),
                                    (embeddings,))


def test_embedding_loss_does_not_see_where_the_embeddings_lie_together():
    embeddings, labels = torch.randn(8, 4), torch.arange(8) // 2
    torch.testing.assert_close(embedding_loss(embeddings + 500, labels),
                               embedding_loss(embeddings, labels), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_embedding_loss_under_autocast_is_that_of_float32(dtype):
    # Squared norms of 250,000 are beyond float16.
    embeddings = (torch.randn(12, 4) * 200).to(dtype).requires_grad_()
    labels = torch.arange(12) // 3
    with torch.autocast('cpu', dtype=dtype):
        loss = embedding_loss(embeddings, labels)
    loss.backward()
    torch.testing.assert_close(loss, embedding_loss(embeddings.detach().float(), labels))
    assert embeddings.grad.isfinite().all()


def test_classification_loss_of_even_logits_is_the_log_of_the_number_of_classes():
    loss = classification_loss(torch.zeros(4, 3, 7), torch.ones(4, 7),
                               torch.ones(7, dtype=torch.int64))
    assert loss.item() == pytest.approx(math.log(3))


def test_classification_loss_has_the_value_of_the_formula():
    # Scores of background and two classes, each at one pixel.
    scores = torch.tensor([[0.5, 0.1], [0.3, 0.2], [0.2, 0.7]])
    shares, classes = torch.tensor([[0.75, 0.0]]), torch.tensor([2, 1])
    expected = -(0.75 * math.log(0.2) + 0.25 * math.log(0.5) + math.log(0.1)) / 2
    assert classification_loss(scores.log()[None], shares, classes).item() == (
        pytest.approx(expected, rel=1e-6))


def test_any_class_will_do_for_an_object_of_unknown_class():
    scores = torch.tensor([[0.1], [0.3], [0.6]])
    loss = classification_loss(scores.log()[None], torch.ones(1, 1), torch.tensor([0]))
    assert loss.item() == pytest.approx(-math.log(0.9), rel=1e-6)


def test_classification_loss_passes_gradcheck():
    logits = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    shares, classes = torch.rand(2, 5, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 3])
    assert torch.autograd.gradcheck(lambda x: classification_loss(x, shares, classes), (logits,))


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32])
def test_classification_loss_of_huge_logits_is_finite(dtype):
    logits = (torch.randn(2, 3, 6) * 2e4).to(dtype).requires_grad_()
    loss = classification_loss(logits, torch.rand(2, 6), torch.tensor([0, 0, 1, 1, 2, 2]))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


def test_classification_loss_without_pixels_is_zero_and_has_a_gradient():
    logits = torch.zeros(4, 3, 0, requires_grad=True)
    loss = classification_loss(logits, torch.zeros(4, 0), torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0


def test_sampling_takes_k_pixels_of_each_instance_and_never_an_ignored_one():
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 3 + [IGNORE_LABEL] * 20)
    labels = labels[torch.randperm(len(labels))]
    pixels, own = sample_pixels(labels, per_instance=10, of_background=15)
    assert torch.equal(labels[pixels], own)
    assert len(pixels.unique()) == len(pixels)
    counts = {label: int((own == label).sum()) for label in (0, 1, 2, IGNORE_LABEL)}
    assert counts == {0: 15, 1: 10, 2: 3, IGNORE_LABEL: 0}


def test_sampling_is_uniform_within_an_instance():
    labels = torch.ones(20, dtype=torch.int64)
    drawn = torch.cat([sample_pixels(labels, 5, 0)[0] for _ in range(400)])
    counts = torch.bincount(drawn, minlength=20)
    # 400 draws of 5 of 20: 100 each, standard deviation below 9.
    assert counts.min() > 60
    assert counts.max() < 140


def test_sampling_an_image_that_is_all_ignored_gives_nothing():
    pixels, own = sample_pixels(torch.full((9,), IGNORE_LABEL), 10, 10)
    assert len(pixels) == len(own) == 0


def test_iou_of_grown_masks_has_the_value_counted_by_hand():
    # On a line: an instance at 0, 0.1, 0.2 and another at 0.3; mask of tau reaches sqrt(r2).
    embeddings = torch.tensor([[0.0], [0.1], [0.2], [0.3], [5.0]])
    labels = torch.tensor([1, 1, 1, 2, 2])
    ignored = torch.tensor([False] * 4 + [True])
    tight = 2 / (1 + math.exp(0.15 ** 2))
    ious = grown_iou(embeddings, labels, torch.tensor([0, 3]), ignored, (0.5, tight))
    # tau 0.5 reaches 1.05: every valid pixel. The tight one reaches the next pixel only.
    torch.testing.assert_close(ious, torch.tensor([[3 / 4, 1 / 5], [2 / 3, 1 / 3]]))


def test_grown_masks_pass_no_gradient():
    embeddings = torch.randn(5, 2, requires_grad=True)
    ious = grown_iou(embeddings, torch.ones(5, dtype=torch.int64), torch.arange(5),
                     torch.zeros(5, dtype=torch.bool), (0.5,))
    assert not ious.requires_grad


def test_mask_grown_over_everything_is_no_match_for_its_instance():
    # One instance of 3 pixels among 12, all embeddings equal: IoU 3 / 12 at every threshold.
    labels = torch.tensor([1] * 3 + [0] * 9)
    ious = grown_iou(torch.zeros(12, 2), labels, torch.arange(3), labels == IGNORE_LABEL,
                     (0.25, 0.9))
    assert torch.equal(ious, torch.full((2, 3), 0.25))
    assert object_shares(ious, torch.ones(3), 0.5, soft=False).sum() == 0


def test_share_is_all_or_nothing_above_the_iou():
    ious = torch.tensor([[0.5, 0.51, 0.9], [0.2, 0.6, 0.1]])
    shares = object_shares(ious, torch.tensor([1, 2, 0]), 0.5, soft=False)
    assert shares.tolist() == [[0, 1, 0], [0, 1, 0]]


def test_soft_share_is_the_iou_itself():
    ious = torch.tensor([[0.25, 1.0, 0.75]])
    assert object_shares(ious, torch.tensor([1, 2, 0]), 0.5, soft=True).tolist() == [[0.25, 1, 0]]


def test_soft_share_rises_from_0_to_1_over_its_range():
    ious = torch.tensor([[0.2, 0.3, 0.55, 0.8, 0.9]])
    shares = object_shares(ious, torch.ones(5), 0.5, True, (0.3, 0.8))
    torch.testing.assert_close(shares, torch.tensor([[0, 0, 0.5, 1, 1]]))


@pytest.mark.parametrize('soft', [False, True])
def test_score_that_lowers_the_loss_most_is_the_share(soft):
    # The cross-entropy with a target s has its minimum where the score is s.
    share = object_shares(torch.tensor([[0.7]]), torch.tensor([1]), 0.5, soft)
    scores = torch.linspace(0.01, 0.99, 99)
    losses = [classification_loss(torch.stack([1 - p, p]).log().view(1, 2, 1), share,
                                  torch.tensor([1])) for p in scores]
    best = scores[int(torch.stack(losses).argmin())].item()
    assert best == pytest.approx(0.7 if soft else 0.99, abs=0.005)


def test_radius_of_the_tight_threshold_is_what_the_counting_assumed():
    assert squared_radius(2 / (1 + math.exp(0.15 ** 2))) == pytest.approx(0.15 ** 2)
