# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Where training scenes come from: data sets and scenes composed on the fly, mixed by weight.

Scene number n of a training is a function of n and the training's rng_seed alone. Which process
loads it, and whether the training was interrupted before, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
import json
from pathlib import Path
from typing import Any, NamedTuple

from metricseg_ros.config import IGNORE_LABEL, TrainingConfig
from metricseg_ros.datasets.augmentation import augment
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES, household_ids
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.preprocess import camera_vector
from metricseg_ros.training.crops import batch_share, composed_size, crop_sizes, step_size
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

COMPOSED = 'composed'
HOUSEHOLD = 'household:'
ONE_CLASS = ('object',)
SWITCHES = ('background_known', 'named', 'sensed', 'taught')
"""What an entry of `data` may switch: whether background surely shows no object, whether classes
are learnt, whether its depth is exact and shall be seen by a sensor, and whether a teacher's masks
are learnt besides."""
GREY = 127  # what a network sees as 0
CHOICE, PIXELS, MISSING = 0, 1, 3  # what a scene's random numbers are for


class TrainingScene(NamedTuple):
    """
    One scene, or a batch of them with B in front of each shape.

    :param image: (h,w,3) uint8 RGB.
    :param labels: (h,w) int64 label map.
    :param classes: (h,w) int64, class id of each pixel's instance; 0 where there is none, or it
        is not known.
    :param background_known: () bool, whether background pixels surely show no object.
    :param rng_seed: () int64, seed of the sampling of pixels.
    :param depth: (1,h,w) float32 metres; 0 where it is not known.
    :param camera: (5,) float32 of :func:`metricseg_ros.preprocess.camera_vector`.
    :param taught: () bool, whether a teacher's answers are learnt besides.
    """

    image: Tensor
    labels: Tensor
    classes: Tensor
    background_known: Tensor
    rng_seed: Tensor
    depth: Tensor
    camera: Tensor
    taught: Tensor


Draw = Callable[[np.random.Generator], LabelledImage]


@dataclass(frozen=True)
class Source:
    """
    Something that scenes are drawn from.

    :param draw: draws a labelled image at random.
    :param weight: how often it is asked, relative to the others.
    :param background_known: whether the background of its images surely shows no object.
    :param taught: whether a teacher's answers to its images are learnt besides.
    """

    draw: Draw
    classes: tuple[str, ...]
    weight: float = 1.0
    background_known: bool = True
    taught: bool = False


def open_sources(config: TrainingConfig, skip_missing: bool = False) -> list[Source]:
    """
    Open everything that `data` names.

    :param skip_missing: whether to go on without images that cannot be used.
    :raises ValueError: if there is none, a data set is not as its format says, or its classes do
        not fit the network or the other sources'.
    """
    if not config.data:
        raise ValueError('there is nothing to train on: give data=folder:DIR, '
                         'data=coco:IMAGES:JSON or data=composed')
    sources = [open_source(entry, config, skip_missing) for entry in config.data]
    class_names(sources, config.network.class_count)
    return sources


def open_source(entry: str | Mapping[str, Any], config: TrainingConfig,
                skip_missing: bool = False) -> Source:
    """
    Open one entry of `data`.

    :param entry: text, or mapping of `source`, `weight` and switches.
    :param skip_missing: whether to go on without images that cannot be used.
    :raises ValueError: for an unknown key, a weight that is no positive number, or a data set
        that cannot be opened.
    """
    given = {'source': entry} if isinstance(entry, str) else entry
    if not isinstance(given, Mapping) or 'source' not in given or (
            set(given) - {'source', 'weight', *SWITCHES}):
        raise ValueError('data must list texts, or mappings of source, weight and '
                         f'{", ".join(SWITCHES)}, got {entry!r}')
    weight = given.get('weight', 1.0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise ValueError(f'weight of {given["source"]} must be above 0, got {weight!r}')
    for name in SWITCHES:
        if given.get(name) not in (None, True, False):
            raise ValueError(f'{name} of {given["source"]} must be true or false, got '
                             f'{given[name]!r}')
    source = replace(named_source(str(given['source']), config, skip_missing),
                     weight=float(weight), taught=bool(given.get('taught')))
    if given.get('named') is False:
        source = replace(source, classes=ONE_CLASS)
    if (known := given.get('background_known')) is not None:
        source = replace(source, background_known=known, draw=partial(_drawn, source.draw, known))
    if given.get('sensed'):
        source = replace(source, draw=partial(_sensed, source.draw))
    return source


def _sensed(draw: Draw, rng: np.random.Generator) -> LabelledImage:
    from metricseg_ros.synthesis.sensors import sense

    sample = draw(rng)
    if sample.depth is None:
        return sample
    metres = sense(sample.depth.metres, sample.image, sample.depth.camera.fx, rng)
    return replace(sample, depth=replace(sample.depth, metres=metres))


def _drawn(draw: Draw, background_known: bool, rng: np.random.Generator) -> LabelledImage:
    return replace(draw(rng), background_known=background_known)


def named_source(text: str, config: TrainingConfig, skip_missing: bool = False) -> Source:
    """
    Open what one text of `data` names.

    :param text: `composed`, `composed:DIR` or `composed:DIR:NAMES.json`, before it perhaps
        `household:` for scenes with household classes; or a data set.
    :param skip_missing: whether to go on without images that cannot be used.
    :raises ValueError: if it cannot be opened.
    """
    bare = text.removeprefix(HOUSEHOLD)
    name, _, rest = bare.partition(':')
    if name != COMPOSED:
        return dataset_source(text, skip_missing)
    source = composed_source(rest, config)
    return source if bare != text else replace(source, classes=ONE_CLASS)


def dataset_source(text: str, skip_missing: bool = False) -> Source:
    """
    Draw images of a data set, each as often as the others.

    :param text: as for :func:`metricseg_ros.datasets.open_dataset.open_dataset`.
    :param skip_missing: whether to go on without images that cannot be used.
    :raises ValueError: if it cannot be opened or is empty.
    """
    dataset = open_dataset(text, skip_missing)
    if not len(dataset):
        raise ValueError(f'{text} must hold at least one image, got none')
    return Source(lambda rng: dataset[int(rng.integers(len(dataset)))], tuple(dataset.classes),
                  background_known=dataset[0].background_known)


def composed_source(text: str, config: TrainingConfig) -> Source:
    """
    Compose scenes from photographic cut-outs as they are asked for.

    :param text: empty, or `DIR` or `DIR:NAMES.json`: labelled photographs, or some of them, to
        cut instances from beside those of installed packages.
    :param config: size of the scenes and seed of the drawn backgrounds and things.
    :return: the source, of household classes.
    """
    from metricseg_ros.datasets.label_folder import open_label_folder
    from metricseg_ros.synthesis.backgrounds import load_backgrounds, load_wallpapers
    from metricseg_ros.synthesis.composed.composition import compose
    from metricseg_ros.synthesis.composed.cutouts import load_cutouts
    from metricseg_ros.synthesis.composed.flat_things import draw_library

    root, _, names = text.partition(':')
    listed = json.loads(Path(names).read_text()) if names else None
    cutouts = load_cutouts((open_label_folder(root, listed),) if root else ())
    rng = np.random.default_rng(config.rng_seed)
    backgrounds = load_backgrounds(rng)
    flat, large = draw_library(rng, load_wallpapers())
    size = composed_size(config)

    def draw(rng: np.random.Generator) -> LabelledImage:
        scene = compose(backgrounds, cutouts + flat, size, rng, large)
        return LabelledImage(scene.image, scene.label_map, household_ids(scene.names))
    return Source(draw, HOUSEHOLD_CLASSES)


def class_names(sources: list[Source], class_count: int) -> tuple[str, ...]:
    """
    Tell the classes a network learns from some sources.

    :param sources: the sources. Those of only one class give objects of unknown class to a
        network of several.
    :return: name of class id 1, 2, ...
    :raises ValueError: if the sources' classes differ, or are not as many as the network's.
    """
    if class_count == 1:
        return ONE_CLASS
    found = {source.classes for source in sources if len(source.classes) > 1}
    if len(found) > 1:
        raise ValueError('all data must have the same classes in the same order, got '
                         f'{" and ".join(map(", ".join, sorted(found)))}: write a classes.txt, '
                         'or set network.class_count=1 to learn just objects')
    # Going on from a household model with objects of unknown class keeps its classes.
    names = next(iter(found), HOUSEHOLD_CLASSES if class_count == len(HOUSEHOLD_CLASSES)
                 else ONE_CLASS)
    if len(names) != class_count:
        raise ValueError(f'network.class_count must be {len(names)}, the number of classes of '
                         f'the data, or 1 to learn just objects, got {class_count}')
    return names


class SceneDataset(Dataset):
    """The endless list of a training's scenes, augmented."""

    def __init__(self, sources: list[Source], config: TrainingConfig) -> None:
        """Take where scenes come from; the configuration tells size, classes and seed."""
        self.sources, self.rng_seed, self.config = sources, config.rng_seed, config
        self.class_count = config.network.class_count
        self.sizes, self.scales = crop_sizes(config), config.crop_scales
        weights = np.array([source.weight for source in sources])
        self.shares = weights / weights.sum()

    def __getitem__(self, index: int) -> TrainingScene:
        """
        Make scene number `index`.

        :param index: from 0, without end.
        """
        rng = np.random.default_rng([self.rng_seed, index, CHOICE])
        source = self.sources[rng.choice(len(self.sources), p=self.shares)]
        size = step_size(index // self.config.batch_size, self.sizes, self.rng_seed)
        sample = augment(source.draw(rng), size, rng, self.scales)
        pixels = np.random.default_rng([self.rng_seed, index, PIXELS]).integers(2 ** 62)
        sample = self._with_senses_missing(sample, index)
        depth, camera = np.zeros(size, np.float32), np.zeros(5, np.float32)
        if sample.depth is not None:
            depth, camera = sample.depth.metres, camera_vector(
                sample.depth.metres, sample.depth.camera)
        return TrainingScene(
            torch.from_numpy(np.ascontiguousarray(sample.image)),
            torch.from_numpy(sample.label_map.astype(np.int64)),
            torch.from_numpy(self._class_map(sample, source)),
            torch.tensor(sample.background_known), torch.tensor(int(pixels)),
            torch.from_numpy(depth)[None], torch.from_numpy(camera), torch.tensor(source.taught))

    def _with_senses_missing(self, sample: LabelledImage, index: int) -> LabelledImage:
        """Leave out depth of some scenes and colour of others, so that each serves alone."""
        rng = np.random.default_rng([self.rng_seed, index, MISSING])
        if sample.depth is None or not self.config.network.depth or (
                rng.random() < self.config.depth_dropout):
            return replace(sample, depth=None)
        if rng.random() < self.config.colour_dropout:
            return replace(sample, image=np.full_like(sample.image, GREY))
        return sample

    def _class_map(self, sample: LabelledImage, source: Source) -> np.ndarray:
        class_ids = sample.class_ids.astype(np.int64)
        if self.class_count == 1:
            class_ids = np.minimum(np.arange(len(class_ids)), 1)
        elif len(source.classes) == 1:
            class_ids = np.zeros_like(class_ids)
        labels = np.where(sample.label_map == IGNORE_LABEL, 0, sample.label_map)
        return class_ids[labels]


class StepBatches:
    """Which scenes one of several processes loads for each step: its part of the batch."""

    def __init__(self, config: TrainingConfig, first_step: int, rank: int = 0,
                 processes: int = 1) -> None:
        """
        Divide the batches.

        :param config: batch size, crop sizes and number of the steps.
        :param first_step: the step to go on from.
        :raises ValueError: if the batch cannot be divided evenly.
        """
        if config.batch_size % processes:
            raise ValueError(f'batch_size must be a multiple of the {processes} processes, got '
                             f'{config.batch_size}')
        self.config, self.sizes = config, crop_sizes(config)
        self.steps = range(first_step, config.steps)
        self.own, self.rank = config.batch_size // processes, rank

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the numbers of the scenes of each step."""
        for step in self.steps:
            start = step * self.config.batch_size + self.rank * self.own
            size = step_size(step, self.sizes, self.config.rng_seed)
            yield list(range(start, start + batch_share(self.own, size, self.sizes)))

    def __len__(self) -> int:
        return len(self.steps)
