# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Both losses of a batch, from the network's outputs and the labelled scenes."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import IGNORE_LABEL, TrainingConfig
from metricseg_ros.training.losses import (
    answer_loss,
    classification_loss,
    embedding_loss,
    imitation_loss,
    naming_loss,
)
from metricseg_ros.training.sampling import contacts, sample_pixels, touching
from metricseg_ros.training.scenes import TrainingScene
from metricseg_ros.training.targets import grown_iou, object_shares
import torch
from torch import Tensor

TAUGHT_PIXELS = 384
"""Pixels of an image whose similarities are learnt of a teacher."""


def batch_losses(outputs: Sequence[Tensor], scenes: TrainingScene, stride: int,
                 config: TrainingConfig, taught: Tensor | None = None) -> dict[str, Tensor]:
    """
    Compute the losses of a batch.

    :param outputs: of the network: embeddings (B,D,h',w'), class logits (B,T,C+1,h',w') and, if
        it names objects by an output of its own, name logits (B,C,h'',w'').
    :param stride: of the network's grid.
    :param taught: (B,C,h'',w''), name logits of a teacher.
    :return: `embedding_loss` and `classification_loss`, means over the images; with name logits
        `naming_loss`, mean over the instances.
    """
    labels, classes = on_grid(scenes, stride)
    embeddings, class_logits = outputs[:2]
    losses = [image_losses(*image, config) for image in zip(
        embeddings, class_logits, labels, classes, scenes.background_known.tolist(),
        scenes.rng_seed.tolist(), strict=True)]
    embedding, classification = zip(*losses, strict=True)
    both = {'embedding_loss': torch.stack(embedding).mean(),
            'classification_loss': torch.stack(classification).mean()}
    if len(outputs) == 2:
        return both
    return {**both, 'naming_loss': naming_loss(outputs[2], labels, classes, taught)}


def taught_loss(outputs: Sequence[Tensor], taught: Sequence[Tensor],
                scenes: TrainingScene) -> Tensor:
    """
    Compute how far the answers to the taught images of a batch are from a teacher's.

    :param outputs: of the network: embeddings (B,D,h',w') and class logits (B,T,C+1,h',w').
    :param taught: the teacher's, of the taught images alone.
    :return: scalar, the mean over the batch; 0 without taught images.
    """
    if not scenes.taught.any():
        return outputs[0].sum() * 0
    losses = []
    for own, own_logits, theirs, their_logits, rng_seed in zip(
            *(output[scenes.taught] for output in outputs[:2]), *taught[:2],
            scenes.rng_seed[scenes.taught].tolist(), strict=True):
        pixels = torch.randperm(own[0].numel(), generator=torch.Generator().manual_seed(rng_seed))
        losses.append(answer_loss(*(
            (embeddings.flatten(1)[:, pixels[:TAUGHT_PIXELS]].t(), logits.flatten(2))
            for embeddings, logits in ((own, own_logits), (theirs, their_logits)))))
    return torch.stack(losses).sum() / len(scenes.taught)


def name_losses(named: Sequence[Tensor], scenes: TrainingScene, stride: int,
                taught: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
    """
    Compute the losses of a batch of which names alone are learnt.

    :param named: name logits (B,C,h'',w''), and the maps that they are read off.
    :param stride: of the network's grid.
    :param taught: the same of a teacher.
    :return: `naming_loss`, mean over the instances; with a teacher `imitation_loss`.
    """
    labels, classes = on_grid(scenes, stride)
    if taught is None:
        return {'naming_loss': naming_loss(named[0], labels, classes)}
    return {'naming_loss': naming_loss(named[0], labels, classes, taught[0]),
            'imitation_loss': imitation_loss(named, taught)}


def on_grid(scenes: TrainingScene, stride: int) -> tuple[Tensor, Tensor]:
    """Return labels and classes of a batch, both (B,h',w'), at the centres of a grid's cells."""
    cells = (slice(None), slice(stride // 2, None, stride), slice(stride // 2, None, stride))
    return scenes.labels[cells], scenes.classes[cells]


def image_losses(embeddings: Tensor, class_logits: Tensor, labels: Tensor, classes: Tensor,
                 background_known: bool, rng_seed: int,
                 config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """
    Compute both losses of one image.

    Where the background is not known no pixel of it is drawn: it may belong to an object that
    lacks a label. A mask that grows over it is still wrong, as it is not of the instance.

    :param embeddings: (D,h',w').
    :param class_logits: (T,C+1,h',w').
    :param labels: (h',w') int64.
    :param classes: (h',w') int64, class id of each pixel's instance, 0 if it is not known.
    :param background_known: whether background pixels surely show no object.
    :return: embedding loss and classification loss, scalars.
    """
    pixels, own = draw_pixels(labels, background_known, rng_seed, config)
    factors = None
    if config.contact_weight > 1:
        factors = 1 + (config.contact_weight - 1) * touching(labels)[own][:, own]
    embeddings, class_logits = embeddings.flatten(1).t(), class_logits.flatten(2)
    labels, classes = labels.flatten(), classes.flatten()
    # Where names are an output of their own the class head knows objects alone.
    classes = classes.clamp_max(class_logits.shape[1] - 1)
    ious = grown_iou(embeddings, labels, pixels, labels == IGNORE_LABEL,
                     config.network.similarity_thresholds)
    shares = object_shares(ious, own, config.correct_iou, config.soft_targets,
                           config.soft_range)
    return (embedding_loss(embeddings[pixels], own, config.background_pairs,
                           config.same_pair_share, factors),
            classification_loss(class_logits[..., pixels], shares, classes[pixels]))


def draw_pixels(labels: Tensor, background_known: bool, rng_seed: int,
                config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """
    Draw the pixels of one image that the losses look at, some of them where instances touch.

    :param labels: (h',w') int64.
    :param background_known: whether background pixels surely show no object.
    :param rng_seed: seed of the pixels drawn.
    :return: (P,) indices into the flat grid and (P,) their labels.
    """
    generator = torch.Generator().manual_seed(rng_seed)
    flat = labels.flatten()
    pixels, own = sample_pixels(flat, config.samples_per_instance,
                                config.background_samples if background_known else 0, generator)
    if not config.contact_samples:
        return pixels, own
    left = flat.where(contacts(labels[None]).flatten(), IGNORE_LABEL)
    left = left.index_fill(0, pixels, IGNORE_LABEL)
    more, theirs = sample_pixels(left, config.contact_samples, 0, generator)
    return torch.cat([pixels, more]), torch.cat([own, theirs])
