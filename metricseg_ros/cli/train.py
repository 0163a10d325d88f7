# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train a network, or go on with the training found in the output folder.

`data=` names what to train on, with commas between: folder:DIR, coco:IMAGES:JSON, voc:ROOT,
composed (scenes of photographic cut-outs). Weights, mixtures and defaults are written in YAML; see
docs/training.md. The output folder gets checkpoint.pt, from which the same command resumes
exactly, log.jsonl, and files for TensorBoard. torchrun starts it on several GPUs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import add_skip_missing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', type=Path, metavar='CONFIG.yaml',
                        help='training parameters, such as config/training/objects_lite.yaml')
    parser.add_argument('--output', type=Path, required=True, help='folder of the training')
    parser.add_argument('--pretrained', metavar='WHERE', help='where the weights start: none, '
                        'imagenet, a model, a file of weights, or the address of one whose name '
                        'ends with its hash')
    parser.add_argument('--workers', type=whole_number(), default=1,
                        help='processes that load scenes (default: %(default)s)')
    parser.add_argument('--device', default='auto', choices=('auto', 'cpu', 'cuda'),
                        help='where to train (default: %(default)s)')
    add_skip_missing(parser)
    parser.add_argument('overrides', nargs='*', metavar='KEY=VALUE',
                        help='set any training parameter')


def run(args: argparse.Namespace) -> int:
    """Train; return the exit code."""
    overrides = [*args.overrides, *([f'pretrained={args.pretrained}'] if args.pretrained else [])]
    from metricseg_ros.training.configuration import training_config
    from metricseg_ros.training.scenes import class_names, open_sources
    from metricseg_ros.training.train import train

    config = training_config(args.config, overrides)
    sources = open_sources(config, args.skip_missing)
    trainer = train(config, args.output, args.workers, args.device, sources)
    if trainer.fabric.is_global_zero:
        names = ','.join(class_names(sources, config.network.class_count))
        print(f'{trainer.step} steps; next: metricseg export {args.output} -o MODEL_FOLDER '
              f'--classes {names!r}')
    return DONE
