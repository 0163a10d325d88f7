# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Label images in the browser, with the model's help: every image comes with what it finds.

INPUT is an image, a folder of images, a video or a bag; of the latter two, frames that lie far
apart in time and look are chosen. Without INPUT it goes on with what is in DIR, a data set in the
plain format (docs/datasets.md), which metricseg teach takes. docs/teach.md shows each step.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from importlib import import_module
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.left_out import LeftOut
from metricseg_ros.cli.options import (
    add_configuration,
    add_topics,
    configuration,
    depth_topics,
    split_overrides,
)

if TYPE_CHECKING:
    from metricseg_ros.config import SegmenterConfig
    from metricseg_ros.labelling.store import LabelStore

LOCK = '.labelling.lock'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='*', metavar='INPUT',
                        help='image, folder, video, rosbag2 folder or MCAP file; or KEY=VALUE')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='DIR',
                        help='where the labels go, and where they are gone on with')
    parser.add_argument('--frames', type=whole_number(1), default=30, metavar='N',
                        help='frames to choose of each video or bag (default: %(default)s)')
    add_topics(parser)
    parser.add_argument('--classes', metavar='NAME,NAME,...',
                        help='what objects may be; more can be written in the page')
    parser.add_argument('--host', default='127.0.0.1',
                        help='address to listen at; another than %(default)s lets others on the '
                        'network who know the whole address label, too, unencrypted')
    parser.add_argument('--port', type=whole_number(0, 65535), default=0,
                        help='port to listen at (default: a free one)')
    parser.add_argument('--no-browser', action='store_true', help='only print the address')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """
    Serve the page until interrupted.

    :raises ValueError: if there is nothing to label, or what serves the page is not installed.
    """
    paths, args.overrides = split_overrides(args.inputs)
    config = configuration(args)
    require_server()
    from filelock import FileLock, Timeout
    args.output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(args.output / LOCK)
    try:
        with lock.acquire(timeout=0):
            label(args, paths, config)
    except Timeout:
        raise ValueError(f'{args.output} is being labelled by another metricseg label: use its '
                         'page, or end it') from None
    return DONE


def require_server() -> None:
    """Raise ValueError, naming the remedy, unless what serves the page is installed."""
    try:
        for name in ('starlette', 'uvicorn'):
            import_module(name)
    except ImportError as error:
        raise ValueError(f'the page needs the Python packages starlette and uvicorn ({error}): '
                         'pip install starlette uvicorn') from None


def label(args: argparse.Namespace, paths: list[str], config: SegmenterConfig) -> None:
    """
    Take the images in, and serve the page.

    :raises ValueError: if there is nothing to label.
    """
    from metricseg_ros.cli.open_segmenter import open_segmenter
    from metricseg_ros.labelling.server import serve
    from metricseg_ros.labelling.session import LabellingSession
    store = open_store(args, paths, config.input.depth)
    with_browser = not args.no_browser and args.host == '127.0.0.1'

    def ready(address: str) -> None:
        print(f'label at {address}\nCtrl-C ends; all that was labelled is in {args.output}',
              flush=True)
        if with_browser:
            import webbrowser
            webbrowser.open(address)
    with suppress(KeyboardInterrupt):
        serve(LabellingSession(store, open_segmenter(config), config.input.depth), args.host,
              args.port, ready)
    done = sum(entry.done for entry in store.entries.values())
    print(f'{done} of {len(store.entries)} images are done; next: metricseg teach {args.output} '
          '-o MODEL')


def open_store(args: argparse.Namespace, paths: list[str], depth: bool) -> LabelStore:
    """
    Open the folder, and let the inputs wait in it.

    :raises ValueError: if there is nothing to label.
    """
    from metricseg_ros.labelling.intake import take_in
    from metricseg_ros.labelling.store import LabelStore
    store = LabelStore(args.output)
    if args.classes:
        names = [name.strip() for name in args.classes.split(',')]
        store.set_classes((*dict.fromkeys([*names, *(
            own for own in store.classes if own not in ('object', *names))]),))
    failures, topics = LeftOut(), depth_topics(args)
    for path in paths:
        added = take_in(store, path, args.frames, args.topic, failures, depth, topics)
        print(f'{path}: {added} images added', file=sys.stderr)
    if not store.entries:
        raise ValueError(f'there is nothing to label in {args.output}: give an INPUT')
    return store
