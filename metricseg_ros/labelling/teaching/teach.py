# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Teach a model what has been labelled: fine-tune, stop in time, choose the score, compare, export.

Everything lies in OUTPUT/teaching until the model is there, so that the same command goes on after
an interruption: `plan.json` says what is taught, `history.json` what each look at the images kept
apart gave, `best` holds the best weights so far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
import json
from pathlib import Path
import shutil
import time
from typing import Any

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.config import BackendConfig, NetworkConfig, TEACHING, TrainingConfig
from metricseg_ros.datasets.formats.folder_dataset import ONE_CLASS
from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
from metricseg_ros.datasets.reading.files import read_json
from metricseg_ros.export.onnx import write_model, write_weights
from metricseg_ros.labelling.teaching.comparison import compare, Comparison, write_page
from metricseg_ros.labelling.teaching.comparison import verdict as verdict_of
from metricseg_ros.labelling.teaching.completing import completed, with_labels
from metricseg_ros.labelling.teaching.held_out import judge, MOST_JUDGED, split
from metricseg_ros.models import DESCRIPTION_FILE, load_description, ModelDescription, ModelError
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import load_weights, read_weights
from metricseg_ros.network.names import NAMES
from metricseg_ros.network.network import SHARED
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.training.configuration import training_of
from metricseg_ros.training.scenes import Source
from metricseg_ros.training.train import CHECKPOINT, train, Trainer
import numpy as np
from torch import Tensor

FEWEST = 3
"""Images with labels that teaching needs: one of them is kept apart."""

LOOKS_EVERY = 2
"""Checkpoints between two looks at the images kept apart."""

PATIENCE = 3
"""Looks without a gain after which training ends."""

GAIN = 0.002
ATTRIBUTIONS, WEIGHTS = 'ATTRIBUTIONS.md', 'weights.safetensors'

Say = Callable[[str], None]


@dataclass(frozen=True)
class Lesson:
    """
    What is taught to which model.

    :param dataset: the labels.
    :param learnt: indices of the images trained on.
    :param apart: indices of those kept apart.
    :param model: the model it starts from.
    :param classes: names of the classes that the taught model has.
    :param kept: weights of the model that names objects, where these names stay as they are.
    """

    dataset: LabelledDataset
    learnt: Sequence[int]
    apart: Sequence[int]
    model: ModelDescription
    config: TrainingConfig
    classes: tuple[str, ...]
    kept: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def names_stay(self) -> bool:
        """Tell whether the model keeps the names that it gives, as the labels have none."""
        return self.classes != tuple(self.dataset.classes)

    @property
    def network(self) -> NetworkConfig:
        """Say what the taught network is made of: what is trained, and what is kept."""
        return self.model.network if self.kept else self.config.network

    def taught(self, weights: Mapping[str, Tensor]) -> MetricSegmentationNetwork:
        """Build the taught network."""
        network = MetricSegmentationNetwork(self.network)
        load_weights(network, {**self.kept, **weights}, 'what was taught')
        return network.eval()

    def source(self) -> Source:
        """Draw images to learn from, each as often as the others, with completed labels."""
        whole = self.completed()

        def draw(rng: np.random.Generator) -> LabelledImage:
            sample = self.dataset[self.learnt[int(rng.integers(len(self.learnt)))]]
            if sample.name in whole:
                sample = with_labels(sample, whole[sample.name])
            return (replace(sample, class_ids=np.zeros_like(sample.class_ids))
                    if self.names_stay else sample)
        return Source(draw, self.classes)

    def completed(self) -> dict[str, bytes]:
        """Complete labels of which some are missing, before processes that load images begin."""
        partial = [i for i in self.learnt if not self.dataset[i].background_known]
        if not partial:
            return {}
        return completed((self.dataset[i] for i in partial), opened(self.model.folder))

    @property
    def plan(self) -> dict[str, Any]:
        """Say all that has to be the same for an interrupted teaching to go on."""
        config = json.loads(json.dumps(asdict(self.config)))
        return {'model': self.model.name, 'weights': self.model.checksums, 'training': config,
                'classes': list(self.classes), 'learnt': [self._name(i) for i in self.learnt],
                'apart': [self._name(i) for i in self.apart]}

    def _name(self, index: int) -> str:
        return self.dataset[index].name

    def samples_apart(self) -> list[LabelledImage]:
        """Read the images kept apart."""
        return [self.dataset[index] for index in self.apart]


def make_lesson(dataset: LabelledDataset, indices: Sequence[int],
                recordings: Sequence[tuple[str, int] | None], model: str,
                overrides: Sequence[str] = ()) -> Lesson:
    """
    Decide what is learnt and what is kept apart, and how.

    :param indices: the images of it that have labels.
    :param recordings: of each of these, as :func:`split` takes it.
    :param model: name or folder of the model to start from.
    :param overrides: `key=value` of training parameters, which win.
    :return: the lesson. The network is the model's. Where labels have no names those that the
        model gives stay: a trunk of their own as it is, a shared one by what it said before; a
        model whose class head names loses them.
    :raises ValueError: if there are too few images, or none with an object.
    """
    if len(indices) < FEWEST:
        raise ValueError(f'teaching needs {FEWEST} labelled images at least, better 12 and more, '
                         f'got {len(indices)}')
    learnt, apart = split(len(indices), recordings)
    if not any(dataset[indices[i]].class_ids[1:].size for i in learnt):
        raise ValueError('no image to learn from has an object')
    if not apart:  # Recordings of fewer than five frames.
        learnt, apart = learnt[:-1], learnt[-1:]
    description = load_description(model)
    pretrained, classes, kept = str(description.folder.resolve()), tuple(dataset.classes), {}
    values: dict[str, Any] = {**TEACHING, 'pretrained': pretrained}
    naming = description.network.name_backbone if classes == ONE_CLASS else ''
    if naming:
        classes = description.classes
    if naming == SHARED:
        values['name_teacher'] = pretrained
    elif len(dataset.classes) > 1:
        values['network'] = {'class_count': len(classes)}
    else:
        values['network'] = {'class_count': 1, 'name_backbone': '', 'class_scores': 'class'}
        if naming:  # The stages that names share must stay theirs.
            values['frozen_stages'] = description.network.name_stages_shared
        weights = read_weights(description.checked_file(WEIGHTS)) if naming else {}
        kept = {name: own for name, own in weights.items() if name.startswith(NAMES)}
    return Lesson(dataset, [indices[i] for i in learnt], [indices[i] for i in apart], description,
                  training_of(values, overrides), classes, kept)


class Progress:
    """What each look at the images kept apart gave, on disk."""

    def __init__(self, folder: Path) -> None:
        """Read what is there."""
        self.path, self.best_folder = folder / 'history.json', folder / 'best'
        self.looks: list[dict[str, float]] = []
        if self.path.is_file():
            with suppress(ModelError):
                load_description(self.best_folder).checked_file(WEIGHTS)
                self.looks = read_json(self.path)

    @property
    def best(self) -> dict[str, float]:
        """Return the best look; of equal ones the first."""
        return max(self.looks, key=lambda look: look['figure'])

    @property
    def has_ended(self) -> bool:
        """Tell whether the last looks brought no gain."""
        recent = self.looks[-PATIENCE:]
        before = self.looks[:-PATIENCE]
        return bool(before) and (max(look['figure'] for look in recent)
                                 <= max(look['figure'] for look in before) + GAIN)

    def add(self, look: dict[str, float]) -> None:
        """Remember a look."""
        self.looks = [own for own in self.looks if own['step'] < look['step']] + [look]
        write_atomically(self.path, (json.dumps(self.looks, indent=1) + '\n').encode())


def teach(lesson: Lesson, output: Path, workers: int, device: str, say: Say) -> Comparison:
    """
    Teach, or go on where it was interrupted.

    :param device: where to train: `cpu`, `cuda` or `auto`.
    :return: the comparison, with `verdict`, `history`, `minimum_score` and `minutes`.
    :raises ValueError: if the folder holds another teaching.
    """
    began, folder = time.monotonic(), output / 'teaching'
    folder.mkdir(parents=True, exist_ok=True)
    check_plan(folder / 'plan.json', lesson.plan)
    progress, apart = Progress(folder), lesson.samples_apart()
    judged = apart[::-(-len(apart) // MOST_JUDGED)]
    # Where names are learnt anew the start has none, however good its masks are.
    if not progress.looks and lesson.classes[1:] in ((), lesson.model.classes[1:]):
        look(lesson, Trainer(lesson.config), judged, progress, say)
    if not progress.has_ended:
        every = LOOKS_EVERY * lesson.config.checkpoint_steps

        def goes_on(trainer: Trainer) -> bool:
            if trainer.step % every and trainer.step < lesson.config.steps:
                return True
            look(lesson, trainer, judged, progress, say)
            return not progress.has_ended
        trainer = train(lesson.config, folder, workers, device, [lesson.source()], goes_on)
        if not progress.looks:  # Interrupted between the last checkpoint and its look.
            look(lesson, trainer, judged, progress, say)
    comparison = finish(lesson, output, progress, apart, say)
    comparison['minutes'] = round((time.monotonic() - began) / 60, 2)
    write_atomically(folder / 'comparison.json',
                     (json.dumps(comparison, indent=1) + '\n').encode())
    return comparison


def check_plan(path: Path, plan: dict[str, Any]) -> None:
    """
    See that an interrupted teaching is gone on with, and not another one mixed into it.

    :param path: of the plan of the one that may lie there; it is written where there is none.
    :raises ValueError: if they differ, saying in what.
    """
    if not path.is_file():
        write_atomically(path, (json.dumps(plan, indent=1) + '\n').encode())
    before = read_json(path)
    if differs := [key for key in plan if before.get(key) != plan[key]]:
        raise ValueError(f'{path.parent} holds a teaching with other {" and ".join(differs)}: '
                         'give another -o, or remove that folder')


def look(lesson: Lesson, trainer: Trainer, samples: Sequence[LabelledImage], progress: Progress,
         say: Say) -> None:
    """See what the averaged weights are worth now, and keep them if they are the best so far."""
    network = lesson.taught(trainer.average.state)
    candidate = progress.path.parent / 'candidate'
    write_weights(network, candidate, lesson.classes, lesson.model.input_size, {})
    judgement = judge(opened(candidate), samples)
    if not progress.looks or judgement.figure > progress.best['figure']:
        write_weights(network, progress.best_folder, lesson.classes, lesson.model.input_size, {})
    progress.add({'step': trainer.step, **asdict(judgement)})
    say(f'step {trainer.step} of {lesson.config.steps}: {judgement.figure:.3f} on the images kept '
        f'apart (best {progress.best["figure"]:.3f}), minimum_score {judgement.minimum_score:g}')


def opened(folder: Path) -> InstanceSegmenter:
    """Open a model that needs no ONNX file."""
    description = load_description(folder)
    return InstanceSegmenter(description, TorchBackend(description,
                                                       BackendConfig(device_policy='cpu')))


def finish(lesson: Lesson, output: Path, progress: Progress, apart: Sequence[LabelledImage],
           say: Say) -> Comparison:
    """Export the best weights, and compare them with what the model was before."""
    best, folder = progress.best, output / 'teaching'
    say(f'best at step {best["step"]:g}: exporting')
    export(lesson, output, progress.best_folder, best)
    say(f'comparing on {len(apart)} images kept apart')
    comparison = compare(opened(lesson.model.folder), opened(output), apart,
                         lesson.dataset.classes, folder / 'pictures')
    comparison |= {'verdict': verdict_of(comparison), 'history': progress.looks,
                   'minimum_score': best['minimum_score'], 'step': best['step'],
                   'learnt': len(lesson.learnt), 'apart': len(lesson.apart)}
    write_page(folder / 'index.html', comparison, f'{lesson.model.name}, before and after', [
        f'Learnt from {len(lesson.learnt)} images; {len(lesson.apart)} were kept apart. On these '
        f'step {best["step"]:g} and the smallest score {best["minimum_score"]:g} were chosen, so '
        'that the gain on other images is a little smaller.'])
    for path in (folder / CHECKPOINT, folder / 'candidate', progress.best_folder):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return comparison


def export(lesson: Lesson, output: Path, best: Path, look: dict[str, float]) -> None:
    """Write the model; its model.json, without which it is none, comes last."""
    network = lesson.taught(read_weights(best / WEIGHTS))
    card = {'description': f'{lesson.model.name}, taught on {len(lesson.learnt)} images.',
            'grouping': {'minimum_score': look['minimum_score']},
            'training': {'from': lesson.model.name, 'step': look['step'],
                         'images': len(lesson.learnt)},
            'licence': lesson.model.card.get('licence', 'see what it was taught from')}
    (output / DESCRIPTION_FILE).unlink(missing_ok=True)
    write_model(network, output, lesson.classes, lesson.model.input_size, card)
    if (lesson.model.folder / ATTRIBUTIONS).is_file():
        shutil.copyfile(lesson.model.folder / ATTRIBUTIONS, output / ATTRIBUTIONS)
