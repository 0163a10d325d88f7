# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The training loop, on one processor or on several GPUs and machines.

Lightning Fabric brings devices, processes and precision; the loop stays on one screen. Everything
random is a function of the step and the rng_seed, so that a checkpoint resumes exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
import os
from pathlib import Path
from typing import TYPE_CHECKING

from metricseg_ros.config import TrainingConfig
from metricseg_ros.models import shipped_models
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.pretrained import read_mask_teacher, read_name_teacher, start_from
from metricseg_ros.preprocess import normalise
from metricseg_ros.training.checkpoints import (
    check_same_network,
    read_average,
    read_checkpoint,
    write_checkpoint,
)
from metricseg_ros.training.model_average import ModelAverage
from metricseg_ros.training.objective import batch_losses, name_losses, taught_loss
from metricseg_ros.training.record import Record
from metricseg_ros.training.scenes import (
    class_names,
    open_sources,
    SceneDataset,
    Source,
    StepBatches,
    TrainingScene,
)
from metricseg_ros.training.schedule import classification_weight, rate_factor
import torch
from torch import nn, Tensor
from torch.utils.data import DataLoader

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ['make_fabric', 'read_average', 'train', 'Trainer']

CHECKPOINT = 'checkpoint.pt'
NO_BACKGROUND = ('background is known in none of the data, so nothing teaches where objects end: '
                 'where all objects have labels say {source: DATA, background_known: true}')


class Trainer:
    """A network, its optimiser and its running average, step by step."""

    def __init__(self, config: TrainingConfig, fabric: Fabric | None = None) -> None:
        """
        Build the network from the weights it starts from.

        :param fabric: device, processes and precision; one process on the CPU when None.
        :raises CheckpointError: if those weights cannot be had or do not fit.
        """
        self.config, self.step = config, 0
        self.fabric = fabric or make_fabric(config, 'cpu')
        torch.manual_seed(config.rng_seed)
        network = MetricSegmentationNetwork(config.network)
        self.started = start_from(network, weights_file(config.pretrained))
        network = network.to(memory_format=torch.channels_last)
        self.freeze(network)
        if (config.batch_norm == 'trained' and self.fabric.world_size > 1
                and self.fabric.device.type == 'cuda'):
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        self.rates = [config.learning_rate, config.learning_rate * config.backbone_rate]
        self.network, self.optimiser = self.fabric.setup(network, make_optimiser(network, config))
        self.network.mark_forward_method('name_pixels')
        self.average = ModelAverage(self.module, config.average_decay)
        self.name_teacher = self.mask_teacher = None
        if config.name_teacher:
            self.name_teacher = self.fabric.to_device(read_name_teacher(
                weights_file(config.name_teacher), config.network.backbone))
        if config.mask_teacher:
            self.mask_teacher = self.fabric.to_device(read_mask_teacher(
                weights_file(config.mask_teacher), config.network))

    @property
    def module(self) -> MetricSegmentationNetwork:
        """Return the network itself."""
        return self.network.module

    def freeze(self, network: MetricSegmentationNetwork) -> None:
        """Leave parts of a network in training mode as they start."""
        if self.config.train_only == 'names':
            network.eval().requires_grad_(False)
            network.names.train().requires_grad_(True)
        if self.config.batch_norm == 'frozen':
            freeze_batch_norms(network)
        if self.config.frozen_stages:
            for stage in network.backbone.first_stages(self.config.frozen_stages):
                stage.eval().requires_grad_(False)

    def set_rates(self) -> None:
        """Set the learning rates of this step."""
        factor = rate_factor(self.step, self.config)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group['lr'] = rate * factor

    def losses(self, scenes: TrainingScene) -> dict[str, Tensor]:
        """
        Compute the losses of a batch.

        :param scenes: the batch, on the network's device.
        :return: as :func:`metricseg_ros.training.objective.batch_losses`; with a teacher of masks
            `taught_loss` besides.
        """
        images = normalise(scenes.image).to(memory_format=torch.channels_last)
        if self.config.train_only == 'names':
            return self.name_losses(images, scenes)
        names = None
        depth = (scenes.depth, scenes.camera) if self.config.network.depth else ()
        outputs = self.network(images, *depth)
        if self.name_teacher is not None and self.step % self.config.name_teacher_period == 0:
            with torch.no_grad():
                names = self.name_teacher(images)
        losses = batch_losses(outputs, scenes, self.module.stride, self.config, names)
        if self.mask_teacher is None:
            return losses
        with torch.no_grad():
            masks = self.mask_teacher(images[scenes.taught]) if scenes.taught.any() else ()
        return {**losses, 'taught_loss': taught_loss(outputs, masks, scenes)}

    def name_losses(self, images: Tensor, scenes: TrainingScene) -> dict[str, Tensor]:
        """
        Compute the losses of a batch of which names alone are learnt.

        :param images: (B,3,h,w), normalised.
        :param scenes: the batch, on the network's device.
        :return: as :func:`metricseg_ros.training.objective.name_losses`.
        """
        own, taught = self.network.name_pixels(images), None
        if self.name_teacher is not None and self.step % self.config.name_teacher_period == 0:
            with torch.no_grad():
                taught = self.name_teacher.named(self.name_teacher.backbone(images))
        return name_losses(own, scenes, self.module.stride, taught)

    def train_step(self, scenes: TrainingScene) -> dict[str, float]:
        """
        Take one optimiser step.

        :param scenes: the batch; of several processes, each one's part of it.
        :return: each loss over all processes, the gradient's norm and the learning rate.
        """
        self.freeze(self.network.train().module)
        self.set_rates()
        losses = self.losses(self.fabric.to_device(scenes))
        weights = {'embedding_loss': 1.0, 'naming_loss': self.config.name_weight,
                   'taught_loss': self.config.mask_teacher_weight,
                   'imitation_loss': self.config.imitation_weight,
                   'classification_loss': classification_weight(self.step, self.config)}
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(sum(weights[name] * loss for name, loss in losses.items()))
        norm = self.update()
        self.step += 1
        means = self.fabric.all_reduce(torch.stack([loss.detach() for loss in losses.values()]))
        return {**dict(zip(losses, means.tolist(), strict=True)),
                'gradient_norm': norm, 'learning_rate': self.optimiser.param_groups[0]['lr']}

    def update(self) -> float:
        """
        Clip the gradient and change the weights.

        A gradient that is not finite changes nothing: one bad batch would end the training. With
        float16 the gradient's scaler sees to that itself, and lowers its scale.

        :return: norm of the gradient before clipping.
        """
        norm = self.fabric.clip_gradients(self.network, self.optimiser, error_if_nonfinite=False,
                                          max_norm=self.config.gradient_norm).item()
        if self.config.precision == '16-mixed' or norm < float('inf'):
            self.optimiser.step()
            self.average.update(self.module)
        return norm

    def state(self) -> dict[str, object]:
        """Return everything that the next step depends on."""
        return {'step': self.step, 'config': asdict(self.config.network),
                'training': asdict(self.config), 'network': self.module.state_dict(),
                'average': self.average.state, 'updates': self.average.updates,
                'optimiser': self.optimiser.state_dict(),
                'precision': self.fabric.strategy.precision.state_dict()}

    def save(self, path: Path) -> None:
        """Write a checkpoint, from the first process alone."""
        if self.fabric.is_global_zero:
            write_checkpoint(path, self.state())

    def resume(self, path: Path) -> None:
        """
        Go on from a checkpoint.

        :param path: what :meth:`save` wrote.
        :raises CheckpointError: if it is none, or of another network.
        """
        state = read_checkpoint(path)
        check_same_network(path, state['config'], self.config.network)
        self.step = state['step']
        self.module.load_state_dict(state['network'])
        self.average.load(state['average'], state['updates'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.fabric.strategy.precision.load_state_dict(state.get('precision', {}))


def make_fabric(config: TrainingConfig, device: str = 'auto') -> Fabric:
    """
    Set up device, processes and precision.

    :param device: `cpu`, `cuda` or `auto`. Under torchrun each process takes its own GPU.
    """
    from lightning_fabric import Fabric

    processes = int(os.environ.get('WORLD_SIZE', 1))
    here = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    fabric = Fabric(accelerator=device, devices=here, num_nodes=processes // here,
                    strategy='ddp' if processes > 1 else 'auto', precision=config.precision)
    fabric.launch()
    return fabric


def weights_file(pretrained: str) -> str:
    """Find the weights of a shipped model or a model folder."""
    folder = shipped_models().get(pretrained, Path(pretrained))
    weights = folder / 'weights.safetensors'
    return str(weights) if weights.is_file() else pretrained


def check_teaching(config: TrainingConfig, sources: list[Source]) -> None:
    """
    Refuse a teacher of masks that has nobody to teach, and images that nobody teaches.

    :raises ValueError: naming what is missing.
    """
    taught = any(source.taught for source in sources)
    if taught != bool(config.mask_teacher) or (taught and config.train_only == 'names'):
        raise ValueError(
            'mask_teacher teaches the images of data with taught: true, where masks are learnt: '
            f'got mask_teacher={config.mask_teacher!r}, train_only={config.train_only!r} and '
            f'{"some" if taught else "no"} data with taught: true')


def freeze_batch_norms(network: nn.Module) -> None:
    """Leave the statistics and the weights of every batch normalisation as they are."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval().requires_grad_(False)


def make_optimiser(network: MetricSegmentationNetwork,
                   config: TrainingConfig) -> torch.optim.Optimizer:
    """Build the optimiser, with the rest of the network and the trunks as its groups."""
    trunk = {id(parameter) for name, parameter in network.named_parameters()
             if name.startswith(('backbone.', 'names.backbone.'))}
    groups = [{'params': [p for p in network.parameters()
                          if p.requires_grad and (id(p) in trunk) == in_trunk]}
              for in_trunk in (False, True)]
    if config.optimiser == 'sgd':
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum,
                               weight_decay=config.weight_decay)
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def batches(config: TrainingConfig, sources: list[Source], first_step: int, fabric: Fabric,
            workers: int) -> Iterator[TrainingScene]:
    """Load this process's part of the batch of each step from `first_step` on."""
    steps = StepBatches(config, first_step, fabric.global_rank, fabric.world_size)
    return iter(DataLoader(SceneDataset(sources, config), batch_sampler=steps,
                           num_workers=workers))


def train(config: TrainingConfig, output: Path, workers: int = 1, device: str = 'auto',
          sources: list[Source] | None = None,
          goes_on: Callable[[Trainer], bool] = lambda trainer: True) -> Trainer:
    """
    Train, or go on training from the checkpoint in the output folder.

    :param output: folder of checkpoint.pt, log.jsonl and TensorBoard's files.
    :param device: `cpu`, `cuda` or `auto`.
    :param sources: where scenes come from; those of `config.data` when None.
    :param goes_on: asked after each checkpoint whether to train on.
    :return: the trainer at its last step.
    :raises ValueError: if there is nothing to train on, or weights or data do not fit.
    """
    sources = open_sources(config) if sources is None else sources
    class_names(sources, config.network.class_count)
    check_teaching(config, sources)
    trainer, checkpoint = Trainer(config, make_fabric(config, device)), output / CHECKPOINT
    if checkpoint.is_file():
        trainer.resume(checkpoint)
    loaded = batches(config, sources, trainer.step, trainer.fabric, workers)
    with Record(output, config, trainer.step, trainer.fabric.is_global_zero) as record:
        record.say(f'from step {trainer.step} of {checkpoint}' if trainer.step
                   else f'start {trainer.started}')
        if not any(source.background_known for source in sources):
            record.say(NO_BACKGROUND)
        for scenes in loaded:
            record.row(trainer.step, trainer.train_step(scenes))
            if record.wants_picture(trainer.step):
                record.picture(trainer.step, trainer.module, scenes)
            if trainer.step % config.checkpoint_steps == 0 or trainer.step == config.steps:
                trainer.save(checkpoint)
                if not goes_on(trainer):
                    break
    return trainer
