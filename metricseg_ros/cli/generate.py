# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg generate`: write folders of synthetic scenes with exact labels."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from metricseg_ros.arguments import image_size, whole_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('kind', choices=('rendered', 'composed'),
                        help='rendered: physics and meshes; composed: cut-outs on backgrounds')
    parser.add_argument('output', type=Path, help='folder to write; what is there already stays')
    parser.add_argument('--count', type=whole_number(1), required=True, help='number of images')
    parser.add_argument('--jobs', type=whole_number(1), default=1,
                        help='processes (default: %(default)s)')
    parser.add_argument('--rng-seed', type=whole_number(), default=0,
                        help='with the number of an image it decides all (default: %(default)s)')
    parser.add_argument('--size', type=image_size, default=(240, 320), metavar='HxW',
                        help='height x width of the images (default: 240x320)')
    parser.add_argument('--views', type=whole_number(1), default=1,
                        help='rendered only: images of each scene, from different sides; a '
                        'further one costs a sixth of the first (default: %(default)s)')
    parser.add_argument('--only', action='append', default=[], metavar='LAYOUT',
                        help='rendered only: lay out nothing but this, such as tossed or boards '
                        '(repeatable; default: all but boards, by their shares)')
    parser.add_argument('--label-folder', type=Path, action='append', default=[],
                        help='composed only: labelled photographs to cut things from (repeatable)')
    parser.add_argument('--names', type=Path,
                        help='JSON list of the names to use in the label folders (default: all)')
    parser.add_argument('--without-packages', action='store_true',
                        help='use label folders and drawn shapes only, no installed packages')
    parser.add_argument('--catalogue', type=Path,
                        help="folder of models of things, Sweet Home 3D's *.sh3f (default: where "
                        'the Debian package sweethome3d-furniture puts them)')


def run(args: argparse.Namespace) -> int:
    """Generate the scenes; return the exit code: 0 done, 2 bad input."""
    from metricseg_ros.synthesis.generate import CATALOGUE, generate, GenerationTask
    task = GenerationTask(args.kind, args.output, args.count, args.size, args.rng_seed, args.jobs,
                          tuple(args.label_folder), args.names, not args.without_packages,
                          args.catalogue or CATALOGUE, args.views, tuple(dict.fromkeys(args.only)))
    try:
        written = generate(task)
    except ValueError as error:
        print(f'metricseg generate: {error}', file=sys.stderr)
        return 2
    print(f'{written} of {args.count} images written to {args.output}, the others were there')
    return 0
