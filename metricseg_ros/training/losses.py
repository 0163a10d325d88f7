# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The paper's losses (arXiv 1703.10277, sections 3.1 and 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.similarity import (
    at_least_float32,
    log_dissimilarity,
    log_similarity,
    similarity,
    squared_distances,
)
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate, log_softmax


def pair_weights(labels: Tensor, background_pairs: bool = True, same_pair_share: float = 0.0,
                 factors: Tensor | None = None) -> Tensor:
    """
    Weigh pairs so that every pair of instances counts the same, whatever their sizes.

    In a scene of N instances only one in N of the paper's pairs of instances is one with itself,
    so that the more there are the less keeps a large one together.

    :param labels: (P,) int64, label of each sampled pixel.
    :param background_pairs: whether two background pixels make a pair.
    :param same_pair_share: what pairs within an instance weigh together; 0 leaves it to their
        number, as in the paper.
    :param factors: (P,P) what the weight of each pair is multiplied by before; 1 where None.
    :return: (P,P) float32, w_pq = 1 / (n_p n_q), of sum 1; 0 on the diagonal. All 0 if there is
        no pair.
    """
    same = labels[:, None] == labels[None, :]
    weights = 1.0 / same.sum(1).float()
    weights = weights[:, None] * weights[None, :]
    if factors is not None:
        weights = weights * factors
    weights.fill_diagonal_(0)
    if not background_pairs:
        background = labels == BACKGROUND
        weights = weights.masked_fill(background[:, None] & background[None, :], 0)
    if same_pair_share:
        parts = ((weights * same, same_pair_share), (weights * ~same, 1 - same_pair_share))
        weights = sum(share * part / part.sum().clamp_min(torch.finfo(part.dtype).tiny)
                      for part, share in parts)
    return weights / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)


def embedding_loss(embeddings: Tensor, labels: Tensor, background_pairs: bool = True,
                   same_pair_share: float = 0.0, factors: Tensor | None = None) -> Tensor:
    """
    Compute L_e: pixels of one instance shall be similar, of two instances dissimilar.

    L_e = - sum w_pq [ same log sigma(p,q) + different log(1 - sigma(p,q)) ]

    :param embeddings: (P,D) embeddings of the sampled pixels.
    :param labels: (P,) int64, their labels.
    :param background_pairs: whether two background pixels make a pair.
    :param same_pair_share: what pairs within an instance weigh together; 0 as in the paper.
    :param factors: (P,P), as for :func:`pair_weights`.
    :return: scalar, at least 0, with finite gradients.
    """
    embeddings = at_least_float32(embeddings)
    # Only differences count; without their mean they are rounded less.
    embeddings = embeddings - embeddings.detach().mean(0)
    with torch.autocast(embeddings.device.type, enabled=False):
        distances = squared_distances(embeddings, embeddings)
    same = labels[:, None] == labels[None, :]
    log_likelihood = torch.where(same, log_similarity(distances), log_dissimilarity(distances))
    weights = pair_weights(labels, background_pairs, same_pair_share, factors)
    return -(weights * log_likelihood).sum()


def classification_loss(class_logits: Tensor, shares: Tensor, class_ids: Tensor) -> Tensor:
    """
    Compute L_cls: softmax cross-entropy of the class head at every similarity threshold.

    A target is `share` of the instance's class and 1 - `share` of background. Where the class is
    not known, any class but background will do.

    :param class_logits: (T,C+1,P) logits at the sampled pixels.
    :param shares: (T,P) in [0,1], from :func:`metricseg_ros.training.targets.object_shares`.
    :param class_ids: (P,) int64, class of each pixel's instance in 1..C, or 0 if it is not known.
    :return: scalar, the mean over thresholds and pixels; 0 without pixels.
    """
    if shares.numel() == 0:
        return class_logits.sum() * 0
    log_scores = log_softmax(at_least_float32(class_logits), dim=1)
    own = log_scores.gather(1, class_ids.expand(len(shares), 1, -1)).squeeze(1)
    own = torch.where(class_ids == 0, log_scores[:, 1:].logsumexp(dim=1), own)
    return -(shares * own + (1 - shares) * log_scores[:, 0]).mean()


def answer_loss(answers: tuple[Tensor, Tensor], taught: tuple[Tensor, Tensor]) -> Tensor:
    """
    Compute how far a network's answers to an image are from a teacher's.

    Similarities are compared, not embeddings, which may turn ("Learning without forgetting",
    arXiv 1606.09282, of similarities).

    :param answers: embeddings (P,D) of some pixels and class logits (T,C+1,Q) of all.
    :param taught: the teacher's.
    :return: scalar, means over pairs and over pixels and thresholds of the Kullback-Leibler
        divergence from the teacher, together; 0 where both answer alike.
    """
    (embeddings, logits), (their_embeddings, their_logits) = answers, taught
    with torch.autocast(embeddings.device.type, enabled=False):
        own, theirs = (squared_distances(each, each) for each in (
            at_least_float32(embeddings), at_least_float32(their_embeddings)))
    similar = similarity(theirs)
    pairs = (similar * (log_similarity(theirs) - log_similarity(own))
             + (1 - similar) * (log_dissimilarity(theirs) - log_dissimilarity(own)))
    target = log_softmax(at_least_float32(their_logits), dim=1)
    scores = target.exp() * (target - log_softmax(at_least_float32(logits), dim=1))
    return pairs.mean() + scores.sum(dim=1).mean()


def naming_loss(name_logits: Tensor, labels: Tensor, classes: Tensor,
                taught: Tensor | None = None) -> Tensor:
    """
    Compute how wrongly instances are named, by labels where classes are known, and by a teacher.

    A name is read off the mean of the logits over a mask; so it is learnt.

    :param name_logits: (B,C,h'',w'').
    :param labels: (B,h',w') int64, on a grid a whole number of times as fine.
    :param classes: (B,h',w') int64, class of each pixel's instance in 1..C, or 0 if not known.
    :param taught: (B,C,h'',w''), the teacher's logits.
    :return: scalar, means over instances of the cross-entropy with the class and of the
        Kullback-Leibler divergence from the teacher, together; 0 without instances.
    """
    objects = (labels != BACKGROUND) & (labels != IGNORE_LABEL)
    # Every instance of the batch by a number of its own.
    keys = (torch.arange(len(labels), device=labels.device)[:, None, None] * IGNORE_LABEL
            + labels)[objects]
    numbers = keys.unique(return_inverse=True)[1]
    count = int(numbers.max()) + 1 if len(numbers) else 0
    if not count:
        return name_logits.sum() * 0

    def means(logits: Tensor) -> Tensor:
        scale = labels.shape[1] // logits.shape[2]
        pixels = interpolate(at_least_float32(logits), scale_factor=float(scale),
                             mode='nearest').permute(0, 2, 3, 1)[objects]
        sums = pixels.new_zeros(count, pixels.shape[1]).index_add(0, numbers, pixels)
        return sums / numbers.bincount(minlength=count)[:, None]

    own = means(name_logits)
    known = numbers.new_zeros(count).index_put((numbers,), classes[objects])
    loss = cross_entropy(own, known - 1, ignore_index=-1, reduction='sum') / (
        known > 0).sum().clamp_min(1)
    if taught is None:
        return loss
    target = means(taught).log_softmax(dim=1)
    return loss + (target.exp() * (target - own.log_softmax(dim=1))).sum(dim=1).mean()


def imitation_loss(named: Sequence[Tensor], taught: Sequence[Tensor]) -> Tensor:
    """
    Compute how far names and maps are from a teacher's, at every pixel, whatever it shows.

    :param named: name logits (B,C,h,w), and maps that they are read off.
    :param taught: the teacher's, of the same shapes.
    :return: scalar, the mean Kullback-Leibler divergence of the names, and the mean square of
        each map's error as a share of that of the teacher's.
    """
    own, theirs = (at_least_float32(logits).log_softmax(dim=1) for logits in (named[0], taught[0]))
    divergence = (theirs.exp() * (theirs - own)).sum(dim=1).mean()
    return divergence + sum((mine - right).square().mean() / right.square().mean()
                            for mine, right in zip(named[1:], taught[1:], strict=True))
