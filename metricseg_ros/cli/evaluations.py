# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A model measured on data sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
import sys
from typing import Any, TYPE_CHECKING

from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.evaluation.measure import measure, MeasuredImage, Segment
from metricseg_ros.evaluation.report import report
from metricseg_ros.evaluation.suite import read_suite, Suite, SuiteEntry
from metricseg_ros.structures import EmbeddedImage
from tqdm import tqdm

if TYPE_CHECKING:
    from metricseg_ros.segmenter import InstanceSegmenter


def make_suite(texts: Sequence[str], path: Path | None) -> Suite:
    """
    Put the data sets together.

    :param path: of a suite, or None.
    :return: the suite, with the data sets of the command line added.
    :raises ValueError: if there is none at all, or two of one name.
    """
    suite = read_suite(path) if path else Suite(())
    names = {entry.name for entry in suite.entries}
    for text in texts:
        # The last part of the path, and more of it where that is taken.
        parts = Path(text.split(':')[1] if ':' in text else text).resolve().parts
        name = next((candidate for count in range(1, len(parts))
                     if (candidate := '_'.join(parts[-count:])) not in names), None)
        if name is None:
            raise ValueError(f'{text} is given twice')
        names.add(name)
        suite = replace(suite, entries=(*suite.entries, SuiteEntry(text, name)))
    if not suite.entries:
        raise ValueError('give a DATASET such as folder:DIR, or --suite FILE')
    return suite


def open_all(suite: Suite, skip_missing: bool = False,
             depth: bool = True) -> dict[str, LabelledDataset]:
    """
    Open the data sets of a suite.

    :param depth: whether to read depth where a data set has it.
    :raises ValueError: where a folder is not of its format.
    """
    datasets: dict[str, LabelledDataset] = {}
    for entry in suite.entries:
        dataset = open_dataset(entry.dataset, skip_missing, depth)
        datasets[entry.name] = (dataset if entry.background_known is None
                                else WithBackgroundKnown(dataset, entry.background_known))
    return datasets


@dataclass(frozen=True)
class WithBackgroundKnown:
    """A data set of which it is said whether everything is labelled."""

    dataset: LabelledDataset
    background_known: bool

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> LabelledImage:
        return replace(self.dataset[index], background_known=self.background_known)


@dataclass(frozen=True)
class Evaluation:
    """What was measured on a data set."""

    images: list[MeasuredImage]
    report: dict[str, Any]


def evaluate(segmenter: InstanceSegmenter, dataset: LabelledDataset, name: str,
             rng_seed: int, segment: Segment) -> Evaluation:
    """Measure on one data set."""
    images = list(measure(_progress(dataset, name), segment,
                          segmenter.description.classes, dataset.classes))
    return Evaluation(images, report(images, dataset.classes, rng_seed))


def segment_with(segmenter: InstanceSegmenter, oracle_thresholds: bool) -> Segment:
    """
    Tell how images are segmented.

    :param oracle_thresholds: whether the truth chooses the threshold of each mask.
    """
    from metricseg_ros.evaluation.oracle import with_oracle_thresholds

    def embed(sample: LabelledImage) -> EmbeddedImage:
        embedded = segmenter.embed(sample.image, sample.depth)
        return (with_oracle_thresholds(embedded, sample.label_map) if oracle_thresholds
                else embedded)
    return lambda sample: segmenter.instances(embed(sample))


def _progress(dataset: LabelledDataset, name: str) -> Iterator[LabelledImage]:
    for index in tqdm(range(len(dataset)), desc=name, unit='image', dynamic_ncols=True,
                      disable=not sys.stderr.isatty()):
        yield dataset[index]
