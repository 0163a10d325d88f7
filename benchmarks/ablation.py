# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure variants of a model, or of its training, side by side on the same labelled images.

VARIANTS.yaml names them and what each one changes; benchmarks/README.md describes it. The output
folder gets ablation.md, ablation.json and ablation.png, and the trainings of variants that train.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
import re
import sys
from typing import Any

from benchmarks.ablations.table import difference, markdown_table, plot
from benchmarks.command import main
from metricseg_ros.cli.evaluations import evaluate, make_suite, open_all, segment_with
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.export import DEFAULT_SIZE
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import (
    add_configuration,
    add_skip_missing,
    configuration,
    split_overrides,
    write_report,
)
from metricseg_ros.config import flattened, SegmenterConfig, TrainingConfig, with_values
from metricseg_ros.datasets.labelled_image import LabelledDataset
from metricseg_ros.export.onnx import write_model
from metricseg_ros.training.configuration import training_of
from metricseg_ros.training.scenes import class_names, open_sources
from metricseg_ros.training.train import CHECKPOINT, read_average, train
import yaml

OWN_KEYS = ('training', 'oracle_thresholds')


@dataclass(frozen=True)
class Variant:
    """
    One row of the table.

    :param name: of the variant.
    :param parameters: dotted parameters of the segmenter that it changes.
    :param training: how its network is trained; None takes the model as it is.
    :param oracle_thresholds: whether the truth chooses the threshold of each mask.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    training: TrainingConfig | None = None
    oracle_thresholds: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('variants', type=Path, metavar='VARIANTS.yaml',
                        help='what each variant changes: see benchmarks/ablations')
    parser.add_argument('inputs', nargs='*', metavar='DATASET',
                        help='labelled images; or KEY=VALUE, any parameter, for all variants')
    add_skip_missing(parser)
    parser.add_argument('--suite', type=Path, metavar='FILE', help='YAML list of data sets')
    parser.add_argument('--output', type=Path, required=True, metavar='DIR',
                        help='folder for table, plot, figures and trainings')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """Measure all variants; return the exit code."""
    texts, args.overrides = split_overrides(args.inputs)
    config, suite = configuration(args), make_suite(texts, args.suite)
    variants = read_variants(args.variants)
    # All opened and all parameters checked before anything runs.
    configs = {variant.name: with_values(config, variant.parameters) for variant in variants}
    datasets = {depth: open_all(suite, args.skip_missing, depth)
                for depth in {changed.input.depth for changed in configs.values()}}
    args.output.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, Any]] = {}
    for variant in variants:
        changed = configs[variant.name]
        reports = measured(variant, changed, datasets[changed.input.depth], args.output,
                           suite.rng_seed)
        first = next(iter(done.values()))['datasets'] if done else reports
        done[variant.name] = {'parameters': dict(variant.parameters), 'datasets': reports,
                              'difference': difference(first, reports, suite.rng_seed)}
        write_report({'model': config.model, 'variants': done}, str(args.output / 'ablation.json'))
    table = markdown_table(done, config.model)
    (args.output / 'ablation.md').write_text(table + '\n')
    plot(done, args.output / 'ablation.png')
    print(table)
    return DONE


def read_variants(path: Path) -> list[Variant]:
    """
    Read a file of variants.

    :param path: YAML: `variants`, a mapping of name to what it changes; `training`, parameters
        that all variants that train share.
    :return: the variants, in order.
    :raises ValueError: if it is of another form, or a training parameter is unknown or bad.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} cannot be read: {error}') from None
    if (not isinstance(content, dict) or set(content) - {'variants', 'training'}
            or not isinstance(content.get('variants'), dict) or not content['variants']):
        raise ValueError(f'{path} must hold variants, a mapping of name to what it changes, and '
                         f'may hold training, got {content!r}')
    try:
        variants = [make_variant(str(name), changes, content.get('training', {}))
                    for name, changes in content['variants'].items()]
        check_folders(variants)
    except (ValueError, TypeError) as error:
        raise ValueError(f'{path}: {error}') from None
    return variants


def check_folders(variants: Iterable[Variant]) -> None:
    """
    Check that no two variants would share a training.

    :raises ValueError: naming two that would, since one folder is made of both names.
    """
    names: dict[str, str] = {}
    for variant in (variant for variant in variants if variant.training):
        folder = folder_of(variant)
        if folder in names:
            raise ValueError(f'variants {names[folder]!r} and {variant.name!r} would both train '
                             f'in {folder!r}: give one a name that differs in letters or digits')
        names[folder] = variant.name


def folder_of(variant: Variant) -> str:
    """
    Name the folder of a variant's training.

    :return: its name in small letters and digits, all else as `_`.
    """
    return re.sub(r'[^a-z0-9]+', '_', variant.name.lower())


def make_variant(name: str, changes: Mapping[str, Any], training: Mapping[str, Any]) -> Variant:
    """
    Make a variant of what a file says of it.

    :param changes: nested or dotted parameters of the segmenter; `training`, parameters to train
        its network with; `oracle_thresholds`.
    :param training: parameters that all trainings share.
    :raises ValueError: for an unknown parameter or a bad value.
    """
    own = changes.get('training', {}) if isinstance(changes, Mapping) else {}
    for value in (changes, own, training):
        if not isinstance(value, Mapping):
            raise ValueError(f'what {name!r} changes must be a mapping, got {value!r}')
    parameters = flattened({key: value for key, value in changes.items() if key not in OWN_KEYS})
    with_values(SegmenterConfig(), parameters)
    config = None
    if 'training' in changes:
        config = training_of({**flattened(training), **flattened(own)})
    return Variant(name, parameters, config, bool(changes.get('oracle_thresholds', False)))


def measured(variant: Variant, config: SegmenterConfig, datasets: Mapping[str, LabelledDataset],
             output: Path, rng_seed: int) -> dict[str, Any]:
    """
    Measure one variant.

    :param datasets: name -> data set.
    :param output: folder for its training, if it has one.
    :return: name of the data set -> report.
    """
    if variant.training:
        model = trained(variant.training, output / folder_of(variant))
        config = with_values(config, {'model': str(model)})
    segmenter = open_segmenter(config)
    segment = segment_with(segmenter, variant.oracle_thresholds)
    return {name: evaluate(segmenter, dataset, f'{variant.name}: {name}', rng_seed, segment).report
            for name, dataset in datasets.items()}


def trained(config: TrainingConfig, folder: Path) -> Path:
    """Train a network, or go on where its training stopped, and write its model."""
    sources = open_sources(config)
    train(config, folder / 'training', sources=sources)
    write_model(read_average(folder / 'training' / CHECKPOINT), folder / 'model',
                class_names(sources, config.network.class_count), DEFAULT_SIZE, {})
    return folder / 'model'


if __name__ == '__main__':
    sys.exit(main('ablation'))
