# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Turn a training's checkpoint into a model folder: model.onnx, weights.safetensors, model.json.

The ONNX file is compared with torch on random inputs of several sizes; a difference above the
bound fails.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys

from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.options import image_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the options of the verb.

    :param parser: the verb's own parser.
    """
    parser.add_argument('checkpoint', type=Path,
                        help='checkpoint.pt of metricseg train, or its folder')
    parser.add_argument('-o', '--output', type=Path, required=True, help='model folder to write')
    parser.add_argument('--classes', default='object', help='names of the classes, with commas '
                        '(default: %(default)s)')
    parser.add_argument('--input-size', type=image_size, default=(240, 320), metavar='HxW',
                        help='box that images are fitted into (default: 240x320)')
    parser.add_argument('--card', type=Path, metavar='FILE',
                        help='JSON of what else model.json shall say: training, figures, '
                        'attributions')


def run(args: argparse.Namespace) -> int:
    """
    Export.

    :param args: what :func:`add_arguments` declared.
    :return: the exit code.
    :raises ValueError: for a checkpoint that is none, or a wrong number of classes.
    """
    from metricseg_ros.export.onnx import write_model
    from metricseg_ros.export.parity import LARGEST_DIFFERENCE, largest_difference
    from metricseg_ros.training.train import read_average

    checkpoint = args.checkpoint / 'checkpoint.pt' if args.checkpoint.is_dir() else args.checkpoint
    network = read_average(checkpoint)
    classes = tuple(args.classes.split(','))
    if len(classes) != network.config.class_count:
        raise ValueError(f'--classes must name {network.config.class_count} classes, got '
                         f'{", ".join(classes)}')
    card = json.loads(args.card.read_text()) if args.card else {}
    write_model(network, args.output, classes, args.input_size, card)
    difference = largest_difference(args.output)
    print(f'{args.output}: ONNX Runtime differs from torch by at most {difference:.1e}')
    if not difference < LARGEST_DIFFERENCE:
        print(f'metricseg export: that is not below {LARGEST_DIFFERENCE:g}', file=sys.stderr)
        return FAILED
    return DONE
