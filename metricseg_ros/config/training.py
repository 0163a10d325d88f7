# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metricseg_ros.config.network import NetworkConfig
from metricseg_ros.config.parameters import parameter


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    data: tuple[Any, ...] = parameter(
        (), 'Data sets to train on: texts such as folder:DIR, coco:IMAGES:JSON or composed, or '
        'mappings of source, weight and background_known.', item=object)
    pretrained: str = parameter(
        'imagenet', 'Where the weights start: none, imagenet, a model, or a file of weights, or '
        'the address of one whose name ends with its hash.')
    steps: int = parameter(20000, 'Optimiser steps.', minimum=1)
    batch_size: int = parameter(
        16, 'Images in a step, those of all processes together.', minimum=1)
    height: int = parameter(192, 'Height of a training crop, in pixels.', minimum=32)
    width: int = parameter(256, 'Width of a training crop, in pixels.', minimum=32)
    crop_sizes: tuple[str, ...] = parameter(
        (), 'Sizes HxW of training crops instead, one drawn for each step. batch_size is for the '
        'smallest; of larger ones a step has fewer, but at least half as many.', item=str)
    crop_scales: tuple[float, ...] = parameter(
        (0.6, 1.4), 'Smallest and largest scale of an image, relative to one that just fits into '
        'the crop.')
    composed_size: str = parameter(
        '', 'Size HxW of composed scenes; a quarter more than the largest crop where empty.')
    learning_rate: float = parameter(
        1e-3, 'Highest learning rate of the decoder and the heads.', minimum=0.0)
    backbone_rate: float = parameter(
        0.3, 'Learning rate of the trunk, as a share of that of the heads.', minimum=0.0)
    optimiser: str = parameter(
        'adamw', 'Optimiser; sgd is that of DeepLab v2.', choices=('adamw', 'sgd'))
    momentum: float = parameter(0.9, 'Momentum of sgd.', minimum=0.0, maximum=1.0)
    weight_decay: float = parameter(
        1e-4, 'Weight decay; decoupled from the gradient with adamw.', minimum=0.0)
    schedule: str = parameter(
        'cosine', 'How the learning rate falls to 0: half a cosine, the power 0.9 of what is left '
        'of the steps, or not before cooldown_steps, so that a training of unknown length may end '
        'at any time.', choices=('cosine', 'poly', 'constant'))
    cooldown_steps: int = parameter(
        0, 'Last steps, over which the learning rate of a constant schedule falls to 0.',
        minimum=0)
    warmup_steps: int = parameter(
        100, 'Steps over which the learning rate rises to its highest.', minimum=0)
    batch_norm: str = parameter(
        'trained', 'Train batch normalisations (over all GPUs together), or leave them as they '
        'start.', choices=('trained', 'frozen'))
    frozen_stages: int = parameter(
        0, 'First stages of the trunk that stay as they start; their maps are the largest, and so '
        'the dearest to train.', minimum=0, maximum=7)
    precision: str = parameter(
        '32-true', 'Precision of the network in training; mixed ones are for GPUs.',
        choices=('32-true', '16-mixed', 'bf16-mixed'))
    gradient_norm: float = parameter(5.0, 'Largest norm of the gradient.', minimum=0.0)
    average_decay: float = parameter(
        0.998, 'Decay of the running average of the weights, which is what ships.', minimum=0.0,
        maximum=1.0)
    samples_per_instance: int = parameter(
        10, "Pixels K sampled of each instance, for pairs and for the class head's targets.",
        minimum=1)
    contact_samples: int = parameter(
        0, 'Pixels sampled besides of each instance where it touches another.', minimum=0)
    contact_weight: float = parameter(
        1.0, 'How much more a pair of instances that touch weighs in the embedding loss.',
        minimum=1.0)
    background_samples: int = parameter(
        40, 'Pixels sampled of the background.', minimum=0)
    background_pairs: bool = parameter(
        True, 'Count two background pixels as a pair of the same instance.')
    same_pair_share: float = parameter(
        0.0, 'What pairs of pixels within an instance weigh together in the embedding loss, so '
        'that large ones hold together; 0 leaves it to their number, as in the paper.',
        minimum=0.0, maximum=1.0)
    classification_weight: float = parameter(
        0.2, 'Weight lambda of the classification loss, reached gradually.', minimum=0.0)
    classification_ramp: float = parameter(
        0.25, 'Share of the steps over which lambda rises from 0.', minimum=0.0, maximum=1.0)
    name_weight: float = parameter(
        0.2, 'Weight of the loss of names, of a network with name logits.', minimum=0.0)
    name_teacher: str = parameter(
        '', 'A model or a file of weights whose names are an output of their own, which teaches '
        'them; none where empty.')
    name_teacher_period: int = parameter(
        1, 'Steps between two that are taught; it costs a forward pass.', minimum=1)
    mask_teacher: str = parameter(
        '', 'A model or a file of weights of the same network without depth, whose embeddings and '
        'scores are learnt of the images of data with taught: true; none where empty.')
    mask_teacher_weight: float = parameter(
        1.0, 'Weight of what is learnt of it.', minimum=0.0)
    train_only: str = parameter(
        '', 'Part of the network that learns: names alone, all else stays as it starts, and no '
        'more is computed than names need; everything where empty.', choices=('', 'names'))
    imitation_weight: float = parameter(
        1.0, 'With train_only=names, weight of how far the last maps and the names of all pixels '
        "are from the teacher's.", minimum=0.0)
    depth_dropout: float = parameter(
        0.3, 'Share of the images with depth of which it is left out.', minimum=0.0, maximum=1.0)
    colour_dropout: float = parameter(
        0.07, 'Share of the other images with depth of which colour is left out instead.',
        minimum=0.0, maximum=1.0)
    correct_iou: float = parameter(
        0.5, 'A grown mask counts as its instance above this IoU.', minimum=0.0, maximum=1.0)
    soft_targets: bool = parameter(
        False, 'Let the class head learn the IoU of the grown mask instead of whether it is '
        'enough.')
    soft_range: tuple[float, ...] = parameter(
        (0.0, 1.0), 'IoU up to which a soft target is 0, and from which on it is 1.')
    rng_seed: int = parameter(0, 'Seed of the random numbers.', minimum=0)
    checkpoint_steps: int = parameter(200, 'Steps between two checkpoints.', minimum=1)
    picture_steps: int = parameter(
        500, 'Steps between two pictures for TensorBoard; 0 draws none.', minimum=0)

    def __post_init__(self) -> None:
        """Check that ranges are two numbers in order."""
        for name, least, most in (('crop_scales', 0.01, 100.0), ('soft_range', 0.0, 1.0)):
            values = getattr(self, name)
            if len(values) != 2 or not least <= values[0] < values[1] <= most:
                raise ValueError(f'{name} must be two numbers in order, in [{least:g}, {most:g}], '
                                 f'got {values}')


TEACHING = {
    'batch_norm': 'frozen', 'batch_size': 8, 'crop_sizes': ('192x256', '256x320'),
    'crop_scales': (0.6, 1.7), 'learning_rate': 0.0005, 'backbone_rate': 0.3,
    'average_decay': 0.98, 'samples_per_instance': 16, 'background_samples': 64,
    'same_pair_share': 0.4, 'soft_targets': True, 'warmup_steps': 20, 'steps': 200,
    'checkpoint_steps': 25, 'picture_steps': 0, 'name_teacher_period': 2}
"""What metricseg teach sets otherwise: from a shipped model, on few images, in minutes."""
