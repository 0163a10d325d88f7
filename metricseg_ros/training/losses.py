# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The paper's losses (arXiv 1703.10277, sections 3.1 and 3.2)."""

from __future__ import annotations

from metricseg_ros.config import BACKGROUND
from metricseg_ros.similarity import log_dissimilarity, log_similarity, squared_distances
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def pair_weights(labels: Tensor, background_pairs: bool = True) -> Tensor:
    """
    Weigh pairs so that every pair of instances counts the same, whatever their sizes.

    :param labels: (P,) int64, label of each sampled pixel.
    :param background_pairs: whether two background pixels make a pair.
    :return: (P,P) float32, w_pq = 1 / (n_p n_q), of sum 1; 0 on the diagonal. All 0 if there is
        no pair.
    """
    same = labels[:, None] == labels[None, :]
    weights = 1.0 / same.sum(1).float()
    weights = weights[:, None] * weights[None, :]
    weights.fill_diagonal_(0)
    if not background_pairs:
        background = labels == BACKGROUND
        weights = weights.masked_fill(background[:, None] & background[None, :], 0)
    return weights / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)


def embedding_loss(embeddings: Tensor, labels: Tensor, background_pairs: bool = True) -> Tensor:
    """
    Compute L_e: pixels of one instance shall be similar, of two instances dissimilar.

    L_e = - sum w_pq [ same log sigma(p,q) + different log(1 - sigma(p,q)) ]

    :param embeddings: (P,D) embeddings of the sampled pixels.
    :param labels: (P,) int64, their labels.
    :param background_pairs: whether two background pixels make a pair.
    :return: scalar, at least 0, with finite gradients.
    """
    embeddings = embeddings.float()
    distances = squared_distances(embeddings, embeddings)
    same = labels[:, None] == labels[None, :]
    log_likelihood = torch.where(same, log_similarity(distances), log_dissimilarity(distances))
    return -(pair_weights(labels, background_pairs) * log_likelihood).sum()


def classification_loss(class_logits: Tensor, targets: Tensor) -> Tensor:
    """
    Compute L_cls: softmax cross-entropy of the class head at every similarity threshold.

    :param class_logits: (T,C+1,P) logits at the sampled pixels.
    :param targets: (T,P) int64, class of the mask each pixel grows at each threshold.
    :return: scalar, the mean over thresholds and pixels; 0 without pixels.
    """
    if targets.numel() == 0:
        return class_logits.sum() * 0
    return cross_entropy(class_logits.float(), targets)
