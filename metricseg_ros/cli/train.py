# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train a network, or go on with the training found in the output folder.

Scenes come from folders of labelled images (images/ and labels/, as metricseg generate writes
them) and from scenes composed as they are needed, each source equally often. The output folder
gets checkpoint.pt, from which the same command resumes, and log.jsonl with the losses of every
step. metricseg export turns the checkpoint into a model.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.config import dotted_fields, from_dict, parse_value, TrainingConfig, with_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the options of the verb.

    :param parser: the verb's own parser.
    """
    parser.add_argument('config', type=Path, metavar='CONFIG.yaml',
                        help='training parameters, such as config/training/objects_lite.yaml')
    parser.add_argument('--output', type=Path, required=True, help='folder of the training')
    parser.add_argument('--scenes', type=Path, action='append', default=[], metavar='DIR',
                        help='folder of labelled images to train on (repeatable)')
    parser.add_argument('--composed', action='store_true',
                        help='compose scenes from photographic cut-outs as well')
    parser.add_argument('--cutouts', type=Path, metavar='DIR',
                        help='labelled photographs to cut things from, beside those of installed '
                        'packages')
    parser.add_argument('--names', type=Path, metavar='FILE',
                        help='JSON list of the names to use in --cutouts (default: all)')
    parser.add_argument('--workers', type=int, default=1,
                        help='processes that load scenes (default: %(default)s)')
    parser.add_argument('--device', default='cpu', help='torch device (default: %(default)s)')
    parser.add_argument('overrides', nargs='*', metavar='KEY=VALUE',
                        help='set any training parameter')


def run(args: argparse.Namespace) -> int:
    """
    Train.

    :param args: what :func:`add_arguments` declared.
    :return: the exit code.
    :raises ValueError: for a bad parameter, folder, or no source of scenes.
    """
    from metricseg_ros.training.train import train

    config = training_config(args.config, args.overrides)
    trainer = train(config, scene_sources(args, config), args.output, args.workers, args.device)
    print(f'{trainer.step} steps; next: metricseg export {args.output} -o MODEL_FOLDER')
    return DONE


def training_config(path: Path, overrides: list[str]) -> TrainingConfig:
    """
    Read training parameters.

    :param path: YAML, nested or dotted.
    :param overrides: `key=value` texts, which win.
    :return: the configuration.
    :raises ValueError: for an unknown parameter or a bad value, naming it.
    """
    import yaml

    config = from_dict(TrainingConfig, yaml.safe_load(path.read_text()) or {})
    kinds = {name: type(value) for name, value, _ in dotted_fields(config)}
    pairs = dict(text.split('=', 1) for text in overrides)
    return with_values(config, {name: parse_value(name, text, kinds.get(name, str))
                                for name, text in pairs.items()})


def scene_sources(args: argparse.Namespace, config: TrainingConfig) -> list:
    """
    Open the sources of scenes.

    :param args: what :func:`add_arguments` declared.
    :param config: size of the composed scenes, and the seed of their backgrounds.
    :return: the sources.
    :raises ValueError: if none is asked for.
    """
    from metricseg_ros.datasets.label_folder import open_label_folder
    from metricseg_ros.training.sources import composed_source, folder_source

    sources = [folder_source(root) for root in args.scenes]
    if args.composed or args.cutouts:
        names = json.loads(args.names.read_text()) if args.names else None
        folders = (open_label_folder(args.cutouts, names),) if args.cutouts else ()
        size = (config.height * 5 // 4, config.width * 5 // 4)
        sources.append(composed_source(folders, size, config.rng_seed))
    if not sources:
        raise ValueError('there is nothing to train on: give --scenes DIR or --composed')
    return sources
