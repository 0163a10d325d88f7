# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Both losses of a batch, from the network's outputs and the labelled scenes."""

from __future__ import annotations

from metricseg_ros.config import IGNORE_LABEL, TrainingConfig
from metricseg_ros.training.losses import classification_loss, embedding_loss
from metricseg_ros.training.sampling import sample_pixels
from metricseg_ros.training.scenes import TrainingScene
from metricseg_ros.training.targets import grown_iou, object_shares
import torch
from torch import Tensor


def batch_losses(embeddings: Tensor, class_logits: Tensor, scenes: TrainingScene, stride: int,
                 config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """
    Compute both losses of a batch.

    :param embeddings: (B,D,h',w').
    :param class_logits: (B,T,C+1,h',w').
    :param stride: of the network's grid.
    :param config: samples, thresholds and targets.
    :return: embedding loss and classification loss, means over the images.
    """
    on_grid = (slice(None), slice(stride // 2, None, stride), slice(stride // 2, None, stride))
    labels, classes = scenes.labels[on_grid].flatten(1), scenes.classes[on_grid].flatten(1)
    losses = [image_losses(*image, config) for image in zip(
        embeddings.flatten(2), class_logits.flatten(3), labels, classes,
        scenes.background_known.tolist(), scenes.rng_seed.tolist(), strict=True)]
    embedding, classification = zip(*losses, strict=True)
    return torch.stack(embedding).mean(), torch.stack(classification).mean()


def image_losses(embeddings: Tensor, class_logits: Tensor, labels: Tensor, classes: Tensor,
                 background_known: bool, rng_seed: int,
                 config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """
    Compute both losses of one image.

    Where the background is not known no pixel of it is drawn: it may belong to an object that
    lacks a label. A mask that grows over it is still wrong, as it is not of the instance.

    :param embeddings: (D,N).
    :param class_logits: (T,C+1,N).
    :param labels: (N,) int64.
    :param classes: (N,) int64, class id of each pixel's instance, 0 if it is not known.
    :param background_known: whether background pixels surely show no object.
    :param config: samples, thresholds and targets.
    :return: embedding loss and classification loss, scalars.
    """
    embeddings = embeddings.t()
    pixels, own = sample_pixels(labels, config.samples_per_instance,
                                config.background_samples if background_known else 0,
                                torch.Generator().manual_seed(rng_seed))
    ious = grown_iou(embeddings, labels, pixels, labels == IGNORE_LABEL,
                     config.network.similarity_thresholds)
    shares = object_shares(ious, own, config.correct_iou, config.soft_targets,
                           config.soft_range)
    return (embedding_loss(embeddings[pixels], own, config.background_pairs,
                           config.same_pair_share),
            classification_loss(class_logits[..., pixels], shares, classes[pixels]))
