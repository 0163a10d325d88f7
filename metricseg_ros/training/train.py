# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training loop, with checkpoints from which it resumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
import json
import math
import os
from pathlib import Path
import time

from metricseg_ros.config import BACKGROUND, from_dict, IGNORE_LABEL, NetworkConfig, TrainingConfig
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import (
    CheckpointError,
    load_weights,
    read_weights,
)
from metricseg_ros.network.pretrained import load_imagenet_weights
from metricseg_ros.preprocess import normalise
from metricseg_ros.training.augmentation import augment
from metricseg_ros.training.losses import classification_loss, embedding_loss
from metricseg_ros.training.model_average import ModelAverage
from metricseg_ros.training.sampling import sample_pixels
from metricseg_ros.training.sources import SceneSource
from metricseg_ros.training.targets import class_targets, grown_iou
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

WARMUP_STEPS = 100
CLASS_AGNOSTIC = torch.tensor([BACKGROUND] + [1] * (IGNORE_LABEL - 1))


class SceneStream(IterableDataset):
    """An endless stream of augmented scenes, drawn from several sources."""

    def __init__(self, sources: list[SceneSource], size: tuple[int, int], rng_seed: int) -> None:
        """
        Set up the stream.

        :param sources: functions that draw a scene, (H,W,3) uint8 and (H,W) uint16; each is
            asked equally often.
        :param size: (height, width) of the scenes given out.
        :param rng_seed: seed; each loading process draws another sequence.
        """
        self.sources, self.size, self.rng_seed = sources, size, rng_seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (h,w,3) uint8 image and (h,w) int64 label map."""
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.rng_seed, worker.id if worker else 0])
        while True:
            scene = self.sources[rng.integers(len(self.sources))](rng)
            image, label_map = augment(*scene, self.size, rng)
            yield torch.from_numpy(image), torch.from_numpy(label_map.astype(np.int64))


class Trainer:
    """A network, its optimiser and its running average, step by step."""

    def __init__(self, config: TrainingConfig, device: str = 'cpu') -> None:
        """
        Build the network from ImageNet weights.

        :param config: how to train.
        :param device: torch device.
        """
        self.config, self.device, self.step = config, device, 0
        torch.manual_seed(config.rng_seed)
        self.network = MetricSegmentationNetwork(config.network).to(
            device, memory_format=torch.channels_last)
        if config.network.backbone == 'efficientnet_lite0':
            load_imagenet_weights(self.network.backbone)
        trunk = list(self.network.backbone.parameters())
        known = {id(parameter) for parameter in trunk}
        rest = [p for p in self.network.parameters() if id(p) not in known]
        self.rates = [config.learning_rate, config.learning_rate * config.backbone_rate]
        self.optimiser = torch.optim.AdamW([{'params': rest}, {'params': trunk}],
                                           weight_decay=config.weight_decay)
        self.average = ModelAverage(self.network, config.average_decay)

    def rate_factor(self) -> float:
        """Return the share of the highest learning rate: a short warm-up, then a half cosine."""
        warm = min(1.0, (self.step + 1) / WARMUP_STEPS)
        return warm * 0.5 * (1 + math.cos(math.pi * self.step / self.config.steps))

    def classification_weight(self) -> float:
        """Return lambda, which rises from 0 while the embedding settles."""
        ramp = self.config.classification_ramp * self.config.steps
        return self.config.classification_weight * min(1.0, self.step / max(ramp, 1.0))

    def losses(self, images: Tensor, label_maps: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute both losses of a batch.

        :param images: (B,h,w,3) uint8.
        :param label_maps: (B,h,w) int64.
        :return: embedding loss and classification loss, means over the images.
        """
        embeddings, class_logits = self.network(normalise(images))
        stride = self.network.stride
        labels = label_maps[:, stride // 2::stride, stride // 2::stride].flatten(1)
        pairs = [self.image_losses(*image) for image in
                 zip(embeddings.flatten(2), class_logits.flatten(3), labels, strict=True)]
        embedding, classification = zip(*pairs, strict=True)
        return torch.stack(embedding).mean(), torch.stack(classification).mean()

    def image_losses(self, embeddings: Tensor, class_logits: Tensor,
                     labels: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute both losses of one image.

        :param embeddings: (D,N).
        :param class_logits: (T,C+1,N).
        :param labels: (N,) int64.
        :return: embedding loss and classification loss, scalars.
        """
        config, embeddings = self.config, embeddings.t()
        pixels, own = sample_pixels(labels, config.samples_per_instance,
                                    config.background_samples)
        ious = grown_iou(embeddings, labels, pixels, labels == IGNORE_LABEL,
                         config.network.similarity_thresholds)
        targets = class_targets(ious, own, CLASS_AGNOSTIC.to(own.device), config.correct_iou)
        return (embedding_loss(embeddings[pixels], own, config.background_pairs),
                classification_loss(class_logits[..., pixels], targets))

    def train_step(self, images: Tensor, label_maps: Tensor) -> dict[str, float]:
        """
        Take one optimiser step.

        :param images: (B,h,w,3) uint8.
        :param label_maps: (B,h,w) int64.
        :return: the losses and the learning rate.
        """
        self.network.train()
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group['lr'] = rate * self.rate_factor()
        embedding, classification = self.losses(images.to(self.device),
                                                label_maps.to(self.device))
        loss = embedding + self.classification_weight() * classification
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_norm)
        self.optimiser.step()
        self.average.update(self.network)
        self.step += 1
        return {'embedding_loss': embedding.item(), 'classification_loss': classification.item(),
                'learning_rate': self.optimiser.param_groups[0]['lr']}

    def save(self, path: Path) -> None:
        """
        Write a checkpoint, whole or not at all.

        :param path: where.
        """
        temporary = path.with_suffix('.tmp')
        torch.save({'step': self.step, 'config': asdict(self.config.network),
                    'network': self.network.state_dict(),
                    'average': self.average.state, 'updates': self.average.updates,
                    'optimiser': self.optimiser.state_dict()}, temporary)
        os.replace(temporary, path)

    def resume(self, path: Path) -> None:
        """
        Go on from a checkpoint.

        :param path: what :meth:`save` wrote.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.step = state['step']
        self.network.load_state_dict(state['network'])
        self.average.state, self.average.updates = state['average'], state['updates']
        self.optimiser.load_state_dict(state['optimiser'])


def train(config: TrainingConfig, sources: list[SceneSource], output: Path,
          workers: int = 1, device: str = 'cpu') -> Trainer:
    """
    Train, or go on training from the checkpoint in the output folder.

    :param config: how to train.
    :param sources: where scenes come from.
    :param output: folder of checkpoint.pt and log.jsonl.
    :param workers: processes that load scenes.
    :param device: torch device.
    :return: the trainer at its last step.
    """
    output.mkdir(parents=True, exist_ok=True)
    checkpoint, trainer = output / 'checkpoint.pt', Trainer(config, device)
    if checkpoint.is_file():
        trainer.resume(checkpoint)
    # A resumed run draws new scenes instead of repeating the first ones.
    stream = SceneStream(sources, (config.height, config.width), config.rng_seed + trainer.step)
    batches = iter(DataLoader(stream, config.batch_size, num_workers=workers))
    with open(output / 'log.jsonl', 'a', buffering=1) as log:
        while trainer.step < config.steps:
            start = time.perf_counter()
            row = {'step': trainer.step, **trainer.train_step(*next(batches)),
                   'seconds': time.perf_counter() - start}
            log.write(json.dumps(row) + '\n')
            if trainer.step % config.checkpoint_steps == 0 or trainer.step == config.steps:
                trainer.save(checkpoint)
    return trainer


def read_average(path: Path) -> MetricSegmentationNetwork:
    """
    Build the network of a checkpoint with the running average of its weights.

    :param path: what :meth:`Trainer.save` wrote.
    :return: the network, on the CPU.
    :raises CheckpointError: if the file is no checkpoint of a training.
    """
    state = read_weights(path)
    if not {'config', 'average'} <= state.keys():
        raise CheckpointError(f'{path} is no checkpoint of metricseg train: it holds '
                              f'{", ".join(list(state)[:5])}')
    network = MetricSegmentationNetwork(from_dict(NetworkConfig, state['config']))
    load_weights(network, state['average'], str(path))
    return network
